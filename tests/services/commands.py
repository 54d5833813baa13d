"""Runs the command line in this process, in an empty folder, with no other environment than the settings given."""

import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import main


@dataclass(frozen=True, kw_only=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run `scaleops-worker ...` with only these settings: `run("action", "--all", SCALEOPS_BASE_URL="...")`."""
    folder = tmp_path / "somewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH", "SSL_CERT_FILE") if name in os.environ}
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run_command(*arguments: str, **settings: str) -> Ran:
        with monkeypatch.context() as patch:
            for name in list(os.environ):
                patch.delenv(name)
            for name, value in {**kept, **settings}.items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["scaleops-worker", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        said = capsys.readouterr()
        return Ran(status=int(ended.value.code or 0), out=said.out, err=said.err)

    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    yield run_command
    root.handlers[:], root.level = handlers, level
    for number, handler in signals.items():
        signal.signal(number, handler)
