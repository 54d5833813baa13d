"""The whole fault matrix, from a seed: `make chaos`, or `python -m tests.chaos --seed 7 --times 2`. Prints the fault table.

Every crossing of every stage is died at, by a child and by a whole worker, in a slot or on a report morning of its own; beats,
queue, database and services go away in the middle of sweeps and of report mornings. The order is shuffled by the seed. Each fault
is printed when it is over. Exit status 1 when a promise was broken, or when a stage has a step boundary that nobody died at.
"""

from __future__ import annotations

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
from tests.acceptance.crossings import HARMLESS, KEEPING_HOUSE, STAGES
from tests.acceptance.fault_table import FaultTable
from tests.acceptance.faults import make_well
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.matrix import Fault, matrix
from tests.acceptance.promises import broken_promises, wrong_by_the_world
from tests.acceptance.waves import COMPONENTS, EPOCH, WAVES, is_in_danger
from tests.services.databases import NOBODY, PostgresServer
from tests.services.queues import QueueServer
from worker.schedule import QUEUES

MINUTE_S: Final = 0.5
"""A quarter of what would be fair: recovery times are rather stated too long than a run last all day."""
LONGEST_RECOVERY: Final = timedelta(minutes=60)
"""Of simulated time; what takes longer counts as lost."""
FIRST_SLOTS: Final = 4
"""Lived through before the first fault, so that there are incidents."""


def main() -> None:
    """Try every fault, as often as asked, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=1, help="how often each fault is tried")
    parser.add_argument("--only", default="", help="only faults whose name contains this")
    parser.add_argument("--list", action="store_true", help="name the faults, and try none")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing of it is left running
    with installation() as (fleet, database):
        faults = [fault for fault in matrix(database) if asked.only in fault[0]] * asked.times
        if asked.list:
            say("\n".join(name for name, _ in faults))
            return
        random.Random(asked.seed).shuffle(faults)  # noqa: S311 - an order, not a secret
        began = time.monotonic()
        for _ in range(FIRST_SLOTS):
            fleet.live()
            fleet.next_slot()
        table = FaultTable()
        try:
            try_all(fleet, faults, table)
        finally:  # stopped early, it still says what it has found
            tried = f"{len(table.tried)} of {len(faults)} faults"
            say(f"\nseed {asked.seed}, {tried} in {(time.monotonic() - began) / 60:.0f} minutes\n\n{table}\n")
        unknown = never_died_at(fleet)
    say("\n".join(["broken promises:", *(table.broken or ["none"]), "step boundaries nobody died at:", *(unknown or ["none"])]))
    sys.exit(1 if table.broken or unknown else 0)


def try_all(fleet: Fleet, faults: list[Fault], table: FaultTable) -> None:
    """Try each fault and look at every promise after it; whatever one of them does, the next one is tried."""
    for number, (name, happen) in enumerate(faults, start=1):
        began, simulated = time.monotonic(), fleet.now
        broken = []
        try:
            recovery = happen(fleet)
            broken += [*broken_promises(fleet), *wrong_by_the_world(fleet, COMPONENTS, is_in_danger)]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of this fault
            recovery = fleet.now - simulated
            broken.append(f"fault {number} failed: {type(error).__name__}: {str(error).partition(chr(10))[0]}")
            say("".join(traceback.format_exception(error)))
            fleet.disarm()
            make_well(fleet)
        one = table.note(name, recovery=recovery, broken=broken)
        took = time.monotonic() - began
        verdict = "; ".join(one.broken) or "kept"
        say(
            f"{number}/{len(faults)} {fleet.now:%m-%d %H:%M} {took:.0f} s, {one.minutes:.0f} simulated minutes: {name}: {verdict}"
        )


def never_died_at(fleet: Fleet) -> list[str]:
    """Name the step boundaries that were crossed and that the matrix does not have."""
    seen = set(fleet.crossings.read_text().splitlines())
    return sorted(seen - {*STAGES, *HARMLESS, *KEEPING_HOUSE})


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


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
                most=LONGEST_RECOVERY,
                reports_on_mondays=True,
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
