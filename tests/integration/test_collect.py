"""One sweep: listed, measured, closed; and a second collect of the same slot."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.measures import Unknown
from domain.refs import EntityRef
from domain.snapshots import Outcome
from simulator.serving import Simulator
from simulator.world import Scenario
from store import Store
from tasks.collect.measuring import SweepProgress
from tasks.collect.stage import CollectFailed, collect
from tests.factories import NEXT_SLOT, SLOT
from tests.services.simulated import PARITY_FOLDER
from tests.stage_factories import CollectBench, open_collect_bench
from wiring.secrets import Sealer

UPSTREAM: dict[str, Any] = json.loads((PARITY_FOLDER / "upstream.json").read_text())


@pytest.fixture
def bench(simulator: Simulator, sqlite_store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, sqlite_store) as made:
        yield made


class RecordedProgress(SweepProgress):
    def __init__(self) -> None:
        self.listings: list[int] = []
        self.totals: list[tuple[int, int]] = []
        self.known = self.unknown = 0

    def listed(self, components: int) -> None:
        self.listings.append(components)

    def started(self, *, total: int, done: int) -> None:
        self.totals.append((total, done))

    def measured(self, *, known: int, unknown: int) -> None:
        self.known += known
        self.unknown += unknown


def test_a_sweep_measures_every_component_and_closes(simulator: Simulator, store: Store) -> None:
    with open_collect_bench(simulator, store) as bench:
        progress = RecordedProgress()
        collected = collect(bench.context, progress=progress)
        found = bench.measurements(SLOT)
        assert collected.sweep.as_of == SLOT
        assert collected.sweep.closed_at == bench.clock.now
        assert collected.sweep.listing_complete
        assert not collected.was_closed_before
        assert collected.attempted == collected.sweep.expected == len(found)
        assert collected.sweep.measured + collected.sweep.unknown == len(found)
        assert progress.listings[-1] == len(found)
        assert progress.totals == [(len(found), 0)]
        assert (progress.known, progress.unknown) == (collected.sweep.measured, collected.sweep.unknown)
        for measurement in found.values():
            if measurement.snapshot.outcome is Outcome.UNKNOWN:
                assert measurement.snapshot.reason
                assert isinstance(measurement.snapshot.cost_7d.amount, Unknown)


def test_what_is_stored_is_what_upstream_has(bench: CollectBench) -> None:
    collect(bench.context)
    found = bench.measurements(SLOT)
    with_savings, fields = 0, ("clusterName", "namespace", "type", "workloadName")
    rows = {tuple(row["dash"][field] for field in fields): row["dash"] for row in UPSTREAM["workloads"]}
    for measurement in found.values():
        for point in measurement.points:
            row = rows[point.key.cluster, point.key.namespace, point.key.type, point.key.name]
            if row.get("savingsAvailable") is not None:
                saved = 0 if row.get("isUnderProvisioned") else row["savingsAvailable"]
                assert point.savings_available_per_month == Decimal(repr(saved))
                with_savings += 1
    assert with_savings > 0


def test_a_second_collect_in_a_slot_makes_no_call(bench: CollectBench) -> None:
    first = collect(bench.context)
    bench.simulator.state.calls.clear()
    bench.clock.now = SLOT + timedelta(hours=5, minutes=59)
    second = collect(bench.context)
    assert second.was_closed_before
    assert second.attempted == 0
    assert second.sweep == first.sweep
    assert bench.simulator.state.calls == {}


def test_the_next_slot_is_a_sweep_of_its_own(bench: CollectBench) -> None:
    collect(bench.context)
    bench.clock.now = NEXT_SLOT
    second = collect(bench.context)
    assert second.sweep.as_of == NEXT_SLOT
    assert second.attempted > 0
    assert bench.measurements(SLOT).keys() == bench.measurements(NEXT_SLOT).keys()


def test_the_calls_of_a_sweep_are_the_fewest_possible(bench: CollectBench) -> None:
    collect(bench.context)
    found = bench.measurements(SLOT)
    points = {point.key for one in found.values() for point in one.points}
    watched = {cluster for cluster, is_watched in UPSTREAM["networkCostEnabled"].items() if is_watched}
    assert len(found) == len(UPSTREAM["components"])
    assert {one.snapshot.outcome for one in found.values()} == {Outcome.MEASURED}
    assert not bench.simulator.state.calls["oddities"]
    clusters = {key.cluster for key in points}
    calls = bench.calls()
    assert calls.pop("POST /detailedCostReport/getWorkloads") <= 2 * len(clusters) + 3  # test_bulk_costs.py
    assert calls == {
        "POST /auth/callback": 1,
        "GET /api/v1/networkCost/networkCostEnabled": 1,
        "GET /api/v1/policies": len(UPSTREAM["clusters"]),
        "POST /api/v1/dashboard/byNamespace": 1 + len(found),
        "GET /api/v1/workload-network": len([key for key in points if key.cluster in watched]),
    }


def test_a_failed_call_is_unknown_with_its_reason_and_never_zero(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", route="getWorkloads", status=500)
    collected = collect(bench.context)
    points = [point for one in bench.measurements(SLOT).values() for point in one.points]
    assert points
    assert collected.sweep.measured > 0
    for point in points:
        assert isinstance(point.cost_7d, Unknown)
        assert "500" in point.cost_7d.reason
        assert not isinstance(point.automated, Unknown) or point.automated.reason
    for one in bench.measurements(SLOT).values():
        if one.points:
            assert isinstance(one.snapshot.cost_7d.amount, Unknown)
            assert (one.snapshot.cost_7d.known, one.snapshot.cost_7d.parts) == (0, len(one.points))


@pytest.mark.parametrize("mode", ["html", "truncated", "empty", "status"])
def test_an_unreadable_workload_list_is_an_unknown_component(bench: CollectBench, mode: str) -> None:
    bench.simulator.add_fault("scaleops", route="byNamespace", mode=mode, times=3)
    collected = collect(bench.context)
    unknown = [one for one in bench.measurements(SLOT).values() if one.snapshot.outcome is Outcome.UNKNOWN]
    assert collected.sweep.unknown == len(unknown) >= 1
    assert all(one.snapshot.reason for one in unknown)
    assert any("byNamespace" in one.snapshot.reason for one in unknown)


def test_a_failed_network_map_is_unknown_and_not_disabled(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", route="etworkCost", status=500)
    bench.simulator.add_fault("scaleops", route="network-cost", status=500)
    collect(bench.context)
    points = [point for one in bench.measurements(SLOT).values() for point in one.points]
    assert points
    assert all(isinstance(point.network, Unknown) for point in points)


def test_an_unavailable_scaleops_fails_the_collect_and_leaves_the_sweep_open(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", mode="drop")
    with pytest.raises(CollectFailed, match=r"^ScaleOps is unavailable, so the sweep of 2026-11-23 06:00 UTC stays open: "):
        collect(bench.context)
    sweep = bench.sweep(SLOT)
    assert sweep is not None
    assert sweep.closed_at is None
    assert not any(one.snapshot.outcome is Outcome.MEASURED for one in bench.measurements(SLOT).values())
    bench.simulator.state.faults.clear()
    healed = collect(bench.context)
    assert healed.sweep.closed_at is not None
    assert healed.sweep.measured > 0


def test_wrong_credentials_are_reported_after_one_login(bench: CollectBench) -> None:
    world = bench.simulator.state.world()
    changed = Scenario(name="changed", world_at=lambda _: replace(world, scaleops_password="another"))
    bench.simulator.load(changed)
    bench.simulator.state.clock.set(SLOT)
    with pytest.raises(CollectFailed, match="ScaleOps is unavailable"):
        collect(bench.context)
    assert bench.calls() == {"POST /auth/callback": 1}


def test_what_an_outage_left_unmeasured_is_unknown_at_the_deadline(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", mode="drop")
    with pytest.raises(CollectFailed):
        collect(bench.context)
    bench.clock.now = SLOT + timedelta(minutes=31)
    collected = collect(bench.context)
    assert collected.closed_overdue == (collected.sweep,)
    assert collected.attempted == 0
    assert collected.sweep.measured == 0
    assert collected.sweep.unknown == collected.sweep.expected > 0
    for one in bench.measurements(SLOT).values():
        assert one.snapshot.outcome is Outcome.UNKNOWN
        assert one.snapshot.reason


def test_an_open_sweep_of_an_ended_slot_is_closed_before_the_next_begins(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", mode="drop")
    with pytest.raises(CollectFailed):
        collect(bench.context)
    bench.simulator.state.faults.clear()
    bench.clock.now = NEXT_SLOT
    collected = collect(bench.context)
    assert [sweep.as_of for sweep in collected.closed_overdue] == [SLOT]
    assert collected.sweep.as_of == NEXT_SLOT
    assert collected.sweep.measured > 0
    reasons = {one.snapshot.reason for one in bench.measurements(SLOT).values()}
    assert any("ended before this component was measured" in reason for reason in reasons)


def test_an_unavailable_catalog_fails_the_collect_without_a_scaleops_call(bench: CollectBench) -> None:
    bench.simulator.add_fault("backstage", mode="drop")
    with pytest.raises(CollectFailed, match="the catalog could not be listed, so the sweep of 2026-11-23 06:00 UTC stays open"):
        collect(bench.context)
    assert bench.calls() == {}
    assert bench.measurements(SLOT) == {}
    bench.simulator.state.faults.clear()
    assert collect(bench.context).sweep.measured > 0


def test_a_listing_that_breaks_off_removes_no_component(simulator: Simulator, sqlite_store: Store) -> None:
    with open_collect_bench(simulator, sqlite_store) as bench:
        whole = collect(bench.context).sweep.expected
        for hours in (6, 12, 18):
            bench.simulator.state.faults.clear()
            bench.simulator.add_fault("backstage", route="by-query", status=500, after=0 if hours == 6 else 1)
            bench.clock.now = SLOT + timedelta(hours=hours)
            try:
                collected = collect(bench.context)
            except CollectFailed:
                continue
            assert collected.sweep.expected == whole
        with bench.store.reading() as transaction:
            assert transaction.components.gone() == {}


def fingerprints_in(bench: CollectBench) -> set[str]:
    with bench.store.reading() as transaction:
        contacts = [one.contact for one in transaction.components.all()]
        contacts += [team.contact for team in transaction.components.teams().values()]
    named = {contact.pagerduty_fingerprint for contact in contacts}
    return {fingerprint for fingerprint in named if fingerprint is not None}


@pytest.mark.parametrize("simulator", ["demo"], indirect=True)
def test_routing_keys_of_the_catalog_are_stored_sealed(bench: CollectBench) -> None:
    sealer = Sealer("a secret of sixteen letters")
    bench.services.sealer = sealer
    collect(bench.context)
    fingerprints = fingerprints_in(bench)
    assert fingerprints
    with bench.store.reading() as transaction:
        for fingerprint in fingerprints:
            sealed = transaction.sealed_keys.get(fingerprint)
            assert sealed is not None
            opened = sealer.open(sealed)
            assert opened is not None
            assert hashlib.sha256(opened.reveal().encode()).hexdigest()[:16] == fingerprint
            assert opened.reveal().encode() not in sealed


@pytest.mark.parametrize("simulator", ["demo"], indirect=True)
def test_without_a_secret_key_no_routing_key_is_stored(bench: CollectBench) -> None:
    collect(bench.context)
    fingerprints = fingerprints_in(bench)
    assert fingerprints
    with bench.store.reading() as transaction:
        assert [transaction.sealed_keys.get(fingerprint) for fingerprint in fingerprints] == [None] * len(fingerprints)


def test_a_component_with_an_unsupported_selector_is_unknown_with_the_reason(bench: CollectBench) -> None:
    collect(bench.context)
    unknown = {ref: one for ref, one in bench.measurements(SLOT).items() if one.snapshot.outcome is Outcome.UNKNOWN}
    for one in unknown.values():
        assert one.snapshot.reason
        assert one.points == ()


def test_components_that_left_are_not_measured_any_more_after_two_listings(bench: CollectBench) -> None:
    world = bench.simulator.state.world()
    collect(bench.context)
    leaving = next(iter(bench.measurements(SLOT)))

    def without(_: object) -> Any:
        kept = tuple(entity for entity in world.entities if not _is(entity, leaving))
        assert len(kept) == len(world.entities) - 1
        return replace(world, entities=kept)

    bench.simulator.load(Scenario(name="without", world_at=without))
    for number in (1, 2, 3):
        bench.clock.now = SLOT + timedelta(hours=6 * number)
        bench.simulator.state.clock.set(bench.clock.now)
        collect(bench.context)
    assert leaving in bench.measurements(SLOT + timedelta(hours=6))
    assert leaving not in bench.measurements(SLOT + timedelta(hours=12))
    assert leaving not in bench.measurements(SLOT + timedelta(hours=18))


def test_a_suddenly_empty_catalog_removes_no_component(bench: CollectBench) -> None:
    world = bench.simulator.state.world()
    before = collect(bench.context).sweep.expected
    bench.simulator.load(Scenario(name="hollow", world_at=lambda _: replace(world, entities=())))
    for number in (1, 2, 3):
        bench.clock.now = SLOT + timedelta(hours=6 * number)
        bench.simulator.state.clock.set(bench.clock.now)
        collected = collect(bench.context)
        assert collected.sweep.expected == before, "none is counted as removed"
        assert not collected.sweep.listing_complete
        assert "returned no component" in collected.listing_reason


def _is(entity: dict[str, Any], ref: EntityRef) -> bool:
    metadata = entity["metadata"]
    return EntityRef.of(entity["kind"], metadata.get("namespace", "default"), metadata["name"]) == ref
