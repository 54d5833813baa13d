"""The whole fault matrix, from a seed: `make chaos`, or `python -m tests.chaos --seed 7 --times 2`. Prints the fault table.

Every crossing of every stage is died at, by a child and by a whole worker, in a slot of its own; beats, queue, database and services
go away in the middle of sweeps. The order is shuffled by the seed. Exit status 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

from simulator.serving import Simulator
from store import migrate
from tests.acceptance.faults import (
    ADVANCE,
    DELIVER,
    JUDGE,
    MEASURE,
    FaultTable,
    in_the_middle_of_a_sweep,
    kill_at,
    kill_beats,
    kill_workers,
    misbehave,
    put_something_to_say,
    restart_database,
    restart_queues,
    stop_workers,
)
from tests.acceptance.fleet import MINUTE, Fleet
from tests.services.databases import NOBODY, PostgresServer
from tests.services.queues import QueueServer
from worker.schedule import QUEUES

BEGIN = datetime(2026, 11, 2, tzinfo=timezone.utc)
LONGEST_RECOVERY = timedelta(minutes=60)

Fault = tuple[str, Callable[[Fleet], timedelta]]


def main() -> None:
    """Try every fault, as often as asked, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=1, help="how often each fault is tried")
    parser.add_argument("--only", default="", help="only faults whose name contains this")
    asked = parser.parse_args()
    table = FaultTable()
    with installation() as (fleet, database):
        faults = [fault for fault in matrix(database) if asked.only in fault[0]] * asked.times
        random.Random(asked.seed).shuffle(faults)  # noqa: S311 - an order, not a secret
        fleet.live()
        for number, (name, happen) in enumerate(faults, start=1):
            one = table.note(fleet, name, happen(fleet))
            say(f"{number}/{len(faults)} {name}: {one.minutes:.0f} simulated minutes {'; '.join(one.broken)}")
    say(f"\nseed {asked.seed}, {len(faults)} faults\n{table}")
    sys.exit(1 if any(one.broken for one in table.tried) else 0)


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def matrix(database: PostgresServer) -> Iterator[Fault]:
    """Name every fault and say how it happens. Reports are made once a week; `make test` kills those."""
    for crossing in (*ADVANCE, *MEASURE, *JUDGE, *DELIVER):
        for who in ("child", "worker"):
            yield f"kill -9 of a {who}: {crossing}", partial(kill_at, crossing=crossing, who=who)
    machines: dict[str, Callable[[Fleet], None]] = {
        "kill -9 of every beat, mid-sweep": kill_beats,
        "kill -9 of every worker, mid-sweep": kill_workers,
        "SIGTERM to every worker, mid-sweep": stop_workers,
        "FLUSHALL, mid-sweep": lambda fleet: fleet.queues.flush(),
        "Redis restarted, mid-sweep": restart_queues,
        "Redis 60 s away, mid-sweep": partial(restart_queues, away_s=60),
        "PostgreSQL restarted, mid-sweep": lambda _: restart_database(database),
    }
    for name, happen in machines.items():
        yield name, partial(_mid_sweep, happen=happen)
    for mode in ("status", "accept-then-drop", "drop", "html", "slow"):
        yield f"Slack: {mode}, three posts", partial(_troubled, service="slack", mode=mode, times=3)
    for status in (429, 500):
        yield f"PagerDuty: {status}, five events", partial(_troubled, service="pagerduty", mode="status", status=status, times=5)
    yield "ScaleOps: 503, twenty calls", partial(_troubled, service="scaleops", mode="status", status=503, times=20)


def _mid_sweep(fleet: Fleet, happen: Callable[[Fleet], None]) -> timedelta:
    return in_the_middle_of_a_sweep(fleet, lambda: happen(fleet))


def _troubled(fleet: Fleet, **how: object) -> timedelta:
    fleet.next_slot()
    misbehave(fleet, **how)
    put_something_to_say(fleet)
    took = fleet.live(most=LONGEST_RECOVERY)
    fleet.heal()
    return took


@contextmanager
def installation() -> Iterator[tuple[Fleet, PostgresServer]]:
    """Start everything in folders of its own, and clean up."""
    folder = Path(tempfile.mkdtemp(prefix="chaos", dir="/tmp"))
    folder.chmod(0o755)
    database, queues = PostgresServer(folder / "pg"), QueueServer(folder / "vk")
    for server in (database, queues):
        server.folder.mkdir()
    if os.geteuid() == 0:
        os.chown(database.folder, NOBODY, NOBODY)
    try:
        database.prepare()
        database.start()
        queues.start()
        url = database.url(database.create())
        migrate(url)
        with Simulator("demo") as simulator:
            fleet = Fleet(folder, simulator, queues, url, BEGIN + MINUTE, beats=2, workers=(QUEUES, QUEUES))
            with fleet:
                yield fleet, database
    finally:
        queues.stop()
        database.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
