"""The folder the demo writes: pages of every team and week, and exactly what Slack and PagerDuty received."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from reports import content
from reports.render.documents import render_page
from reports.render.index_page import page_path, render_index

_MARK: Final = ".made-by-scaleops-worker-demo"


class NotOurFolder(Exception):
    """The folder contains files that the demo did not write."""


class DemoFolder:
    """Recreated for each demo; a folder with other files in it is left unchanged."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_dir():
            message = f"{path} is a file; choose a folder with --out"
            raise NotOurFolder(message)
        if path.exists() and any(path.iterdir()) and not (path / _MARK).exists():
            message = f"{path} contains files that the demo did not write; choose another folder with --out"
            raise NotOurFolder(message)
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
        (path / _MARK).touch()
        self.path = path

    @property
    def database(self) -> Path:
        """The path of the demo's database."""
        return self.path / "demo.db"

    def write_messages(self, messages: Sequence[dict[str, Any]]) -> None:
        """Write each Slack message as it was received, in the order of arrival."""
        for number, message in enumerate(messages, start=1):
            self._write("slack", f"{number:04}-{message['channel']}", message)

    def write_events(self, events: Sequence[dict[str, Any]]) -> None:
        """Write each PagerDuty event as it was received, in the order of arrival."""
        for number, received in enumerate(events, start=1):
            event = received["event"]
            self._write("pagerduty", f"{number:04}-{event['event_action']}-{event['dedup_key']}", event)

    def write_pages(self, reports: Sequence[content.Report], *, instance: str) -> None:
        """Write a page for each team and week, and the index of them all."""
        for report in reports:
            page = self.path / page_path(report)
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(render_page(report), encoding="utf-8")
        index = render_index(reports, instance=instance)
        (self.path / "index.html").write_text(index, encoding="utf-8")

    def _write(self, service: str, name: str, value: object) -> None:
        folder = self.path / service
        folder.mkdir(exist_ok=True)
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
        (folder / f"{_file_name(name)}.json").write_text(text + "\n", encoding="utf-8")


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:120]
