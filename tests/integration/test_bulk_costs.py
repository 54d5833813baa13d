"""Bulk costs: fewer calls while the response proves complete, and what is stored about that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from domain.bulk_trust import BulkCheck, BulkStanding, BulkSubject, describe_standings
from domain.refs import EntityRef
from domain.snapshots import Measurement
from simulator.serving import Simulator
from store import Store
from tasks.collect.stage import collect
from tests.factories import NEXT_SLOT, SLOT, make_component, make_measurement
from tests.stage_factories import open_collect_bench, record_sweep

COSTS = "POST /detailedCostReport/getWorkloads"
EVERY = timedelta(hours=6)


def swept(simulator: Simulator, store: Store, *, uses_bulk: bool = True) -> tuple[Mapping[EntityRef, Measurement], int]:
    """Collect one sweep; return what it measured and how many cost calls it took."""
    before = simulator.state.calls["scaleops"][COSTS]
    with open_collect_bench(simulator, store, uses_bulk=uses_bulk) as bench:
        collect(bench.context)
        found = bench.measurements(SLOT)
    return found, simulator.state.calls["scaleops"][COSTS] - before


def checks_of(store: Store) -> dict[str, BulkCheck]:
    with store.reading() as transaction:
        found = transaction.bulk_checks.of_sweep(SLOT)
    return {check.cluster: check for check in found if check.subject is BulkSubject.COSTS}


def test_complete_responses_are_trusted_and_replace_the_calls_of_single_components(simulator: Simulator, store: Store) -> None:
    found, calls = swept(simulator, store)
    clusters = {point.key.cluster for one in found.values() for point in one.points}
    assert {cluster: (check.trusted, check.reason) for cluster, check in checks_of(store).items()} == dict.fromkeys(
        clusters, (True, "")
    )
    assert calls <= 2 * len(clusters) + 3  # the response, its first comparison, and a component in 64
    assert simulator.state.calls["bulk"] == {"byNamespace": 1, "getWorkloads": len(clusters)}


def test_one_process_that_does_not_trust_a_response_is_enough(store: Store) -> None:
    trusted = BulkCheck(as_of=SLOT, subject=BulkSubject.COSTS, cluster="east", trusted=True, reason="")
    not_trusted = replace(trusted, trusted=False, reason="2 of 5 compared workloads are missing in it")
    for check in (trusted, not_trusted, trusted):
        with store.transaction() as transaction:
            transaction.bulk_checks.record([check])
    assert checks_of(store) == {"east": not_trusted}


def test_switched_off_no_request_without_a_filter_is_made(simulator: Simulator, sqlite_store: Store) -> None:
    swept(simulator, sqlite_store, uses_bulk=False)
    assert not simulator.state.calls["bulk"]
    assert checks_of(sqlite_store) == {}


def test_a_standing_says_since_when_a_response_is_trusted_or_not(store: Store) -> None:
    def check(slot: int, *, trusted: bool, cluster: str = "east") -> BulkCheck:
        reason = "" if trusted else "3 workloads of east are missing in it"
        return BulkCheck(
            as_of=SLOT + slot * EVERY, subject=BulkSubject.INVENTORY, cluster=cluster, trusted=trusted, reason=reason
        )

    def described(*checks: BulkCheck) -> tuple[str, ...]:
        with store.transaction() as transaction:
            transaction.bulk_checks.record(checks)
            return describe_standings(transaction.bulk_checks.standings())

    assert described() == ()
    assert described(check(0, trusted=True), check(1, trusted=True)) == ("inventory: trusted since 2026-11-23 06:00 UTC",)
    assert described(check(2, trusted=False), check(2, trusted=True, cluster="west")) == (
        "inventory: not trusted since 2026-11-23 18:00 UTC on east: 3 workloads of east are missing in it",
        "inventory: trusted since 2026-11-23 18:00 UTC on west",
    )
    assert described(check(3, trusted=True)) == ("inventory: trusted since 2026-11-24 00:00 UTC",)


def test_a_reason_that_several_clusters_have_is_said_once() -> None:
    check = BulkCheck(as_of=SLOT, subject=BulkSubject.COSTS, cluster="", trusted=False, reason="with 400")
    standings = [BulkStanding(newest=replace(check, cluster=cluster), since=SLOT) for cluster in ("east", "west")]
    assert describe_standings(standings) == ("bulk costs: not trusted since 2026-11-23 06:00 UTC on east, west: with 400",)


def test_nothing_is_said_to_be_trusted_once_a_sweep_was_made_without_it(store: Store) -> None:
    web, check = make_component("web"), BulkCheck(as_of=SLOT, subject=BulkSubject.COSTS, cluster="east", trusted=True, reason="")
    with store.transaction() as transaction:
        transaction.bulk_checks.record([check])
    for slot, standings in ((SLOT, 1), (NEXT_SLOT, 0)):
        record_sweep(store, slot, make_measurement("web", as_of=slot), components=[web])
        with store.reading() as transaction:
            assert len(transaction.bulk_checks.standings()) == standings
