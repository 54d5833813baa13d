"""The folder the demo writes: copies of the pages, exactly what Slack and PagerDuty received, and the database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

_MARK: Final = ".made-by-scaleops-worker-demo"
"""Lists what the demo writes, one path a line. The next demo deletes these files and nothing else."""
DATABASE: Final = "demo.db"
_RUN: Final = "demo.json"


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run whose files are complete."""

    version: str
    weeks: int
    public_url: str
    """Of the gateway: where the links in its messages lead."""
    ends_at: datetime


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
            self._claim(path / f"{DATABASE}{suffix}")

    @property
    def database(self) -> Path:
        """The path of the demo's database."""
        return self.path / DATABASE

    def write_messages(self, received: Sequence[dict[str, Any]]) -> None:
        """Write each Slack message as it read after each post and edit, in the order of arrival."""
        for number, message in enumerate(received, start=1):
            self._write("slack", f"{number:04}-{message['channel']}{'-edit' if 'edited' in message else ''}", message)

    def write_events(self, events: Sequence[dict[str, Any]]) -> None:
        """Write each PagerDuty event as it was received, in the order of arrival."""
        for number, received in enumerate(events, start=1):
            event = received["event"]
            self._write("pagerduty", f"{number:04}-{event['event_action']}-{event['dedup_key']}", event)

    def write_pages(self, pages: Iterable[tuple[str, str]]) -> None:
        """Write pages, given as (path relative to the folder, text)."""
        for name, text in pages:
            self._write_text(name, text)

    def finish(self, run: FinishedRun) -> None:
        """Record that the folder is complete."""
        self._write_text(_RUN, json.dumps({**asdict(run), "ends_at": run.ends_at.isoformat()}, indent=2) + "\n")

    def _files_of_the_last_demo(self) -> list[Path]:
        """Return what its mark lists, as far as it is inside the folder."""
        return [self.path / name for name in files_in(self.path)]

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
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
        self._write_text(f"{service}/{_file_name(name)}.json", text + "\n")

    def _write_text(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        self._claim(file)
        file.write_text(text, encoding="utf-8")


def files_in(path: Path) -> list[str]:
    """Return the files that the last demo listed in this folder, relative to it; none outside of it."""
    mark = path / _MARK
    names = mark.read_text(encoding="utf-8").splitlines() if mark.is_file() else []
    return [name for name in names if name and not Path(name).is_absolute() and ".." not in Path(name).parts]


def finished_run(path: Path) -> FinishedRun | None:
    """Return the run whose files a folder has; None if one is missing, or it was not finished."""
    names = files_in(path)
    if _RUN not in names or not all((path / name).is_file() for name in names if not name.startswith(f"{DATABASE}-")):
        return None
    try:
        found = json.loads((path / _RUN).read_text(encoding="utf-8"))
        return FinishedRun(**{**found, "ends_at": datetime.fromisoformat(found["ends_at"])})
    except (KeyError, TypeError, ValueError):  # written by another version
        return None


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:120]
