"""The folder the demo writes: pages of every team and week, and exactly what Slack and PagerDuty received."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from reports import content
from reports.render.documents import render_page
from reports.render.index_page import page_path, render_index

_MARK: Final = ".made-by-scaleops-worker-demo"
"""Lists what the demo writes, one path a line. The next demo deletes these files and nothing else."""
_DATABASE: Final = "demo.db"


class NotOurFolder(Exception):
    """The folder contains files that the demo did not write."""


class DemoFolder:
    """Written by each demo in place of the one before. A file that no demo wrote is neither deleted nor overwritten."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_dir():
            message = f"{path} is a file; choose a folder with --out"
            raise NotOurFolder(message)
        self.path = path
        self._mark = path / _MARK
        self._claimed: set[Path] = set()
        if path.exists() and any(path.iterdir()) and not self._mark.exists():
            message = f"{path} contains files that the demo did not write; choose another folder with --out"
            raise NotOurFolder(message)
        path.mkdir(parents=True, exist_ok=True)
        for file in self._files_of_the_last_demo():
            file.unlink(missing_ok=True)
        self._mark.write_text("", encoding="utf-8")
        for suffix in ("", "-wal", "-shm"):
            self._claim(path / f"{_DATABASE}{suffix}")

    @property
    def database(self) -> Path:
        """The path of the demo's database."""
        return self.path / _DATABASE

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
            self._claim(page)
            page.write_text(render_page(report), encoding="utf-8")
        index = render_index(reports, instance=instance)
        file = self.path / "index.html"
        self._claim(file)
        file.write_text(index, encoding="utf-8")

    def _files_of_the_last_demo(self) -> list[Path]:
        """Return what its mark lists, as far as it is inside the folder."""
        names = self._mark.read_text(encoding="utf-8").splitlines() if self._mark.is_file() else []
        return [self.path / name for name in names if name and not Path(name).is_absolute() and ".." not in Path(name).parts]

    def _claim(self, file: Path) -> None:
        """List a file before it is written, so that an interrupted demo leaves nothing that the next one takes for another's."""
        if file in self._claimed:
            return
        if file.exists():
            message = f"{file} was not written by the demo; move it, or choose another folder with --out"
            raise NotOurFolder(message)
        self._claimed.add(file)
        with self._mark.open("a", encoding="utf-8") as mark:
            mark.write(f"{file.relative_to(self.path).as_posix()}\n")

    def _write(self, service: str, name: str, value: object) -> None:
        folder = self.path / service
        folder.mkdir(exist_ok=True)
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
        file = folder / f"{_file_name(name)}.json"
        self._claim(file)
        file.write_text(text + "\n", encoding="utf-8")


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:120]
