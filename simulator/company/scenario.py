"""The company as a scenario."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import Final

from simulator.company.catalog import entities_at
from simulator.company.policies import policies_by_cluster
from simulator.company.story import CLUSTERS, EDGE, LOST_FROM, LOST_UNTIL, STAGING, STORY, US
from simulator.company.workloads import workloads_at
from simulator.world import Scenario, World


def world_at(now: datetime) -> World:
    """Return the company at this instant, to the minute. The same instant always returns the same world."""
    return _world_at_minute(now.astimezone(timezone.utc).replace(second=0, microsecond=0))


@lru_cache(maxsize=8)
def _world_at_minute(now: datetime) -> World:
    return World(
        clusters=CLUSTERS,
        workloads=tuple(workloads_at(now)),
        policies=policies_by_cluster(),
        network_enabled={US: True, EDGE: True, STAGING: False},
        entities=entities_at(now),
        silent_clusters=frozenset({EDGE}) if LOST_FROM <= now < LOST_UNTIL else frozenset(),
    )


SCENARIO: Final = Scenario(name="demo", world_at=world_at, story=STORY)
