"""The demo's company, of which eight components are in danger for six slots and well for ten, shifted by two slots each."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from simulator.company import SCENARIO
from simulator.company.story import US
from simulator.world import Record, Scenario, SimulatedWorkload, World

COMPONENTS: Final = {
    "component:default/invoicing": "invoice-renderer",
    "component:default/warehouse-sync": "warehouse-sync",
    "component:default/ranking": "ranking",
    "component:default/consent": "consent",
    "component:default/dbt-runner": "dbt-runner",
    "component:default/search-indexer": "search-indexer",
    "component:default/returns": "returns",
    "component:default/feature-store": "feature-store",
}
"""Production components, and the workload of each that is in danger at times; all in a cluster that is never lost."""
EPOCH: Final = datetime(2026, 11, 2, tzinfo=timezone.utc)
SLOT: Final = timedelta(hours=6)
IN_DANGER, CYCLE, SHIFT = 6, 16, 2
"""In slots. Well for 60 hours: an alert that fires again within a day needs more evidence."""

WELL: Final[Record] = {"isUnderProvisioned": False, "oomCountLast24h": 0}
DANGER: Final[Record] = {"isUnderProvisioned": True, "oomCountLast24h": 5, "memRecommended": 4 * 1024**3, "auto": False}


def is_in_danger(component: str, now: datetime) -> bool:
    """Return True if ScaleOps shows the component in danger in the slot of an instant."""
    number = list(COMPONENTS).index(component)
    return ((now - EPOCH) // SLOT - SHIFT * number) % CYCLE < IN_DANGER


def world_at(now: datetime) -> World:
    """Return the demo's world with the waves. Called for every request; cached, since nothing changes within a minute."""
    return _world_at_minute(now.astimezone(timezone.utc).replace(second=0, microsecond=0))


@lru_cache(maxsize=8)
def _world_at_minute(now: datetime) -> World:
    world = SCENARIO.world_at(now)
    of = {workload: component for component, workload in COMPONENTS.items()}

    def waved(workload: SimulatedWorkload) -> SimulatedWorkload:
        component = of.get(workload.dash["workloadName"]) if workload.dash["clusterName"] == US else None
        if component is None:
            return workload
        return replace(workload, dash={**workload.dash, **(DANGER if is_in_danger(component, now) else WELL)})

    return replace(world, workloads=tuple(waved(workload) for workload in world.workloads))


WAVES: Final = Scenario(name="waves", world_at=world_at)
