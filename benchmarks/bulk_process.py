"""One process that sweeps many workloads: `python -m benchmarks.bulk_process fill|watch|inventory COMPONENTS`, settings as JSON on stdin.

`fill` stores a closed full sweep that proved its inventory. Prints one line of JSON: rows, CPU seconds, and how much the memory grew.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Final

from actions.live.bulk_costs import BulkCosts
from benchmarks import scale_data as data
from benchmarks.process_memory import peak_mib, resident_mib
from clients.scaleops.parsing import to_workloads
from domain.bulk_trust import BulkCheck, BulkSubject
from domain.measures import is_known
from domain.sweeps import WatchSource
from tasks.collect.inventory import take_inventory
from tasks.collect.watch import watch
from tasks.context import StageContext
from tests.factories import make_component, make_measurement, make_point
from tests.stage_factories import record_sweep
from wiring.config_file import ConfigFile
from wiring.contexts import build_stage_context
from wiring.environment import resolve_settings
from wiring.loaded_config import LoadedConfig

FULL: Final = datetime(2026, 11, 24, tzinfo=timezone.utc)
NEXT_FULL: Final = FULL + timedelta(hours=6)
_NOW: Final = {"fill": FULL, "watch": FULL + timedelta(minutes=16), "inventory": NEXT_FULL + timedelta(minutes=1)}


def main() -> int:
    """Run the task that the arguments name, and print what it used."""
    what, components = sys.argv[1], int(sys.argv[2])
    config = LoadedConfig(resolved=resolve_settings(json.load(sys.stdin), None), config=ConfigFile())
    with build_stage_context(config, clock=lambda: _NOW[what]) as context:
        match what:
            case "fill":
                used = measured(lambda: fill(context, components))
            case "watch":
                used = measured(lambda: watch_once(context))
            case "inventory":
                used = measured(lambda: take_once(context))
            case _:
                return 2
    print(json.dumps(used))
    return 0


def measured(work: Callable[[], int]) -> dict[str, float]:
    """Run `work`, which returns its rows; return these with its CPU time and what it added to the memory."""
    resident, started = resident_mib(), time.process_time()
    rows = work()
    return {"rows": rows, "cpu_s": time.process_time() - started, "mib": peak_mib() - resident}


def fill(context: StageContext, components: int) -> int:
    """Store a full sweep in which one component owns every workload."""
    owned = [row.key for number in range(components) for row in to_workloads(json.loads(data.workloads_body(number)))]
    points = [make_point(key=key, as_of=FULL) for key in owned]
    record_sweep(context.store, FULL, make_measurement("web", *points, as_of=FULL), components=[make_component("web")])
    checks = [
        BulkCheck(as_of=FULL, subject=BulkSubject.INVENTORY, cluster=cluster, trusted=True, reason="")
        for cluster in ("", *data.CLUSTERS)
    ]
    with context.store.transaction() as transaction:
        transaction.bulk_checks.record(checks)
    return len(points)


def watch_once(context: StageContext) -> int:
    """Do a watch sweep; return the workloads that it looked at."""
    swept = watch(context).sweep
    if swept is None or swept.failure or swept.source is not WatchSource.INVENTORY:
        raise RuntimeError(swept)
    with context.store.reading() as transaction:
        return len(transaction.watch_sweeps.owned_keys(FULL))


def take_once(context: StageContext) -> int:
    """Store the inventory of the next full sweep with the costs of every cluster; return its workloads whose cost is known."""
    with context.store.transaction() as transaction:
        transaction.sweeps.open(NEXT_FULL, opened_at=context.clock())
    take_inventory(context, NEXT_FULL, BulkCosts(NEXT_FULL))
    with context.store.reading() as transaction:
        return sum(is_known(one.cost_7d) for one in transaction.inventory.of_sweep(NEXT_FULL))


if __name__ == "__main__":
    sys.exit(main())
