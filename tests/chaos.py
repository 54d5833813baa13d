"""The whole fault matrix, from a seed: `make chaos`, or `python -m tests.chaos --seed 7 --times 2`. Prints the fault table.

A child and a whole worker are killed at every crash point, in a slot or on a report morning of its own; beats, queue, database and
services fail in the middle of sweeps and of report mornings. The seed shuffles the order. Each fault is printed when it is over.
Exit status 1 when an invariant was violated, or when a process reached a crash point that is in no list.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from simulator.serving import Simulator
from store import migrate
from tests.acceptance.crash_points import BY_CHANCE, HARMLESS, IN_MATRIX, MAINTENANCE, crash_points
from tests.acceptance.fault_table import FaultTable
from tests.acceptance.faults import heal_all
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.invariants import violations, wrong_pages
from tests.acceptance.matrix import Fault, matrix
from tests.acceptance.waves import COMPONENTS, EPOCH, WAVES, is_in_danger
from tests.services.databases import NOBODY, PostgresServer
from tests.services.queues import QueueServer
from tests.services.temporary import FOLDER
from worker.schedule import QUEUES

MINUTE_S: Final = 0.5
"""A quarter of what is realistic: this overstates recovery times, but a run does not take all day."""
MAX_RECOVERY: Final = timedelta(minutes=60)
"""Simulated time; a longer recovery counts as a loss."""
FIRST_SLOTS: Final = 4
"""Completed before the first fault, so that there are incidents."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=1, help="how often each fault is tried")
    parser.add_argument("--only", default="", help="only faults whose name contains this")
    parser.add_argument("--list", action="store_true", help="name the faults, and try none")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every child process is stopped
    with installation() as (fleet, database):
        faults = [fault for fault in matrix(database) if options.only in fault[0]] * options.times
        if options.list:
            say("\n".join(name for name, _ in faults))
            return
        random.Random(options.seed).shuffle(faults)  # noqa: S311 - an order, not a secret
        began = time.monotonic()
        for _ in range(FIRST_SLOTS):
            fleet.live()
            fleet.next_slot()
        table = FaultTable()
        try:
            try_all(fleet, faults, table)
        finally:  # also when it is stopped early
            tried = f"{len(table.results)} of {len(faults)} faults"
            say(f"\nseed {options.seed}, {tried} in {(time.monotonic() - began) / 60:.0f} minutes\n\n{table}\n")
        unlisted = unlisted_crash_points(fleet)
    say("\n".join(["violations:", *(table.violations or ["none"]), "unlisted crash points:", *(unlisted or ["none"])]))
    sys.exit(1 if table.violations or unlisted else 0)


def try_all(fleet: Fleet, faults: list[Fault], table: FaultTable) -> None:
    """Try each fault and check every invariant after it; an error of one does not stop the next."""
    for number, (name, happen) in enumerate(faults, start=1):
        began, simulated = time.monotonic(), fleet.now
        found = []
        try:
            recovery = happen(fleet)
            if not fleet.is_settled():  # a task that was still running has put one more message, such as that a beat was down
                recovery += fleet.live()
            found += [*violations(fleet), *wrong_pages(fleet, COMPONENTS, is_in_danger)]
        except Exception as error:  # noqa: BLE001 - any error is a result of this fault
            recovery = fleet.now - simulated
            found.append(f"fault {number} failed: {type(error).__name__}: {str(error).partition(chr(10))[0]}")
            say("".join(traceback.format_exception(error)))
            fleet.disarm()
            heal_all(fleet)
        result = table.record(name, recovery=recovery, violations=found)
        took = time.monotonic() - began
        verdict = "; ".join(result.violations) or "ok"
        say(
            f"{number}/{len(faults)} {fleet.now:%m-%d %H:%M} {took:.0f} s, {result.minutes:.0f} simulated minutes: {name}: {verdict}"
        )


def unlisted_crash_points(fleet: Fleet) -> list[str]:
    """Return the crash points that were reached and are in no list."""
    reached = set(fleet.steps.read_text().splitlines())
    return sorted(reached - {str(point) for point in crash_points(*IN_MATRIX, *HARMLESS, *BY_CHANCE, *MAINTENANCE)})


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def installation() -> Iterator[tuple[Fleet, PostgresServer]]:
    folder = Path(tempfile.mkdtemp(prefix="chaos", dir=FOLDER))
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
        with Simulator(WAVES) as simulator:
            fleet = Fleet(
                folder,
                simulator,
                queues,
                url,
                EPOCH + MINUTE,
                beats=2,
                workers=(QUEUES, QUEUES),
                record=True,
                minute_s=MINUTE_S,
                most=MAX_RECOVERY,
                reports_on_mondays=True,
                monthly_channel="C0LEADERS1",
                every=timedelta(hours=6),
            )
            with fleet:
                yield fleet, database
    finally:
        queues.stop()
        database.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
