"""A collect worker with one child that records the CPU time of each package, or reads its clock from a file.

`python -m benchmarks.scale_worker '{"packages": FILE, "clock": FILE}'`, both optional; settings come from the environment.
Otherwise it is `scaleops-worker worker --queues collect --concurrency 1`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from celery import signals

from benchmarks.package_cpu import PackageTimes, instrument
from cli.celery_processes import run_worker
from domain.clock import Clock
from tasks.celery_tasks import WorkerContext
from wiring.loaded_config import load_config
from wiring.logs import configure_logs
from worker.app import build_app
from worker.context import open_worker_context


def main() -> int:
    """Work until stopped."""
    options: dict[str, str] = json.loads(sys.argv[1])
    config = load_config(os.environ, None)
    configure_logs(level=config.settings.log_level, form="console")
    clock: Clock | None = FileClock(Path(options["clock"])) if "clock" in options else None

    def open_context() -> AbstractContextManager[WorkerContext]:
        return open_worker_context(config, clock=clock)

    if "packages" in options:
        times = PackageTimes()
        instrument(times)
        signals.task_postrun.connect(lambda **_: times.write(Path(options["packages"])), weak=False)
    app = build_app(os.environ["REDIS_URL"], instance=config.settings.instance, open_context=open_context)
    return run_worker(app, config, queues=["collect"], concurrency=1)


class FileClock:
    """A clock that shows the instant in a file, which is read when it was replaced: a sweep looks at its clock for every component."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._written_ns, self._shown = file.stat().st_mtime_ns, _read(file)

    def __call__(self) -> datetime:
        """Return the instant."""
        written_ns = self._file.stat().st_mtime_ns
        if written_ns != self._written_ns:
            self._written_ns, self._shown = written_ns, _read(self._file)
        return self._shown


def _read(file: Path) -> datetime:
    return datetime.fromisoformat(file.read_text(encoding="ascii"))


if __name__ == "__main__":
    sys.exit(main())
