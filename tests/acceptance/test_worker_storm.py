"""1,000 components of 20 teams are in danger at once: one page with the platform's key, and no page per component."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from simulator import crowd
from simulator.credentials import PAGERDUTY_ROUTING_KEY
from simulator.serving import Simulator
from simulator.world import Record, Scenario, World
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.invariants import violations
from tests.services.queues import QueueServer
from worker.schedule import COLLECT, DELIVER, EVALUATE, WATCH

MONDAY = datetime(2026, 11, 2, tzinfo=timezone.utc)
DANGER_FROM = MONDAY + timedelta(hours=3)
COMPONENTS, TEAMS = 1000, 20


def test_a_thousand_dangers_of_twenty_teams_are_one_page(
    tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str
) -> None:
    simulator.load(turning_dangerous())
    fleet = Fleet(
        tmp_path, simulator, queues, postgres_url, MONDAY + MINUTE, workers=((WATCH, COLLECT), (DELIVER, EVALUATE)), chunk=50
    )
    with fleet:
        fleet.live()
        assert simulator.state.pagerduty.incidents == []
        fleet.next_slot()
        fleet.live()
        opened = simulator.state.pagerduty.incidents
        assert [one["routing_key"] for one in opened] == [PAGERDUTY_ROUTING_KEY]
        assert len({one["dedup_key"] for one in opened}) == 1
        assert violations(fleet) == []


def turning_dangerous() -> Scenario:
    """Return a crowd that is well until DANGER_FROM; from then on one workload of each component runs out of memory repeatedly."""
    calm = crowd.build_scenario(COMPONENTS).world_at(MONDAY)
    calm = replace(calm, workloads=tuple(one for one in calm.workloads if one.dash["workloadName"].endswith("-api")))
    calm = replace(calm, workloads=tuple(replace(one, dash={**one.dash, **WELL}) for one in calm.workloads))
    calm = replace(calm, entities=tuple(_owned(entity, number) for number, entity in enumerate(calm.entities)))
    calm = replace(calm, network_enabled=dict.fromkeys(calm.clusters, False))
    endangered = replace(calm, workloads=tuple(replace(one, dash={**one.dash, **DANGER}) for one in calm.workloads))

    def world_at(now: datetime) -> World:
        return calm if now < DANGER_FROM else endangered

    return Scenario(name="storm", world_at=world_at)


WELL: Record = {"isOverProvisioned": False, "isUnderProvisioned": False, "savingsAvailable": 0.0, "auto": True}
DANGER: Record = {"isUnderProvisioned": True, "oomCountLast24h": 5, "memRecommended": 4 * 1024**3, "auto": False}


def _owned(entity: Record, number: int) -> Record:
    if entity["kind"] != "Component":
        return entity
    return {**entity, "spec": {**entity["spec"], "owner": f"team-{number % TEAMS:04}"}}
