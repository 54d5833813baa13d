"""A collect worker with one child that writes down what each room used, or whose clock is read from a file.

`python -m benchmarks.scale_worker '{"rooms": FILE, "clock": FILE}'`, both may be left out; settings come from the environment.
Otherwise it is `scaleops-worker worker --queues collect --concurrency 1`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path

from celery import signals

from benchmarks.scale_rooms import Accounts, hang_doors
from cli.celery_processes import run_worker
from domain.clock import Clock
from tasks.celery_tasks import WorkerContext
from wiring.clock import utc_now
from wiring.contexts import load_config
from wiring.logs import configure_logs
from worker.app import build_app
from worker.context import open_worker_context


def main() -> int:
    """Work until told to stop."""
    asked: dict[str, str] = json.loads(sys.argv[1])
    installation = load_config(os.environ, None)
    configure_logs(level=installation.settings.log_level, form="console")
    clock: Clock = partial(_read, Path(asked["clock"])) if "clock" in asked else utc_now

    def equip() -> AbstractContextManager[WorkerContext]:
        return open_worker_context(installation, clock=clock)

    if "rooms" in asked:
        accounts = Accounts()
        hang_doors(accounts)
        signals.task_postrun.connect(lambda **_: accounts.write(Path(asked["rooms"])), weak=False)
    app = build_app(os.environ["REDIS_URL"], instance=installation.settings.instance, open_context=equip)
    return run_worker(app, installation, queues=["collect"], concurrency=1)


def _read(file: Path) -> datetime:
    return datetime.fromisoformat(file.read_text(encoding="ascii"))


if __name__ == "__main__":
    sys.exit(main())
