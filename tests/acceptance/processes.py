"""Starts a worker or a beat under test by a fork of one server that has imported `run.py`: a start by `exec` costs seconds of imports.

The fork server is that of `multiprocessing`: one process without threads, started with the first process of a test run.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent.parent

_SERVER: Final = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload([__name__, "tests.acceptance.run"])


def start_process(kind: str, options: Mapping[str, Any], *, environment: Mapping[str, str], log: Path) -> BaseProcess:
    """Start a worker or a beat in a session of its own, with these settings and no others."""
    process = _SERVER.Process(target=_run, args=(kind, dict(options), dict(environment), log), daemon=True)
    process.start()
    return process


def _run(kind: str, options: Mapping[str, Any], environment: Mapping[str, str], log: Path) -> None:
    os.setsid()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # that of the environment

    from tests.acceptance.run import run  # noqa: PLC0415 - imported by the server; in the process of the tests it would set REMAP_SIGTERM

    run(kind, options)
