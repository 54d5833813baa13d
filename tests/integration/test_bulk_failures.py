"""Every way in which a bulk response can fail: it is not trusted, for a stored reason, and every figure is as without it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from clients.http.client import HttpOptions
from clients.scaleops import client as scaleops_client
from domain.bulk_trust import BulkSubject, clusters_without_inventory, describe_standings
from domain.measures import Unknown
from domain.refs import EntityRef
from domain.snapshots import Measurement
from domain.sweeps import Sweep
from simulator.serving import Simulator
from store import Store, migrate
from tasks.collect.stage import collect
from tests.factories import SLOT
from tests.stage_factories import IN_FLIGHT, open_collect_bench

BULK = ": []"
"""Only the body of a request for everything has an empty list."""
LIMITS = HttpOptions(initial_wait_s=0, max_in_flight=IN_FLIGHT, max_response_bytes=1024 * 1024)
SHORT = replace(LIMITS, timeout_s=2.0)


@dataclass(frozen=True)
class Failure:
    name: str
    costs: str
    """Why the costs of a cluster are not trusted; empty: they are."""
    inventory: str
    modes: dict[str, Any] | None = None
    fault: dict[str, Any] | None = None
    options: HttpOptions = LIMITS


def mode(name: str, costs: str, inventory: str, rows: int = 3) -> Failure:
    return Failure(name, costs, inventory, modes={"bulk": name, "bulk_rows": rows})


def fault(name: str, costs: str, inventory: str, options: HttpOptions = LIMITS, **how: object) -> Failure:
    return Failure(name, costs, inventory, fault={"contains": BULK, **how}, options=options)


FAILURES = (
    mode("complete", "", ""),
    mode("duplicates", "", ""),
    mode("400", "with 400", "with 400"),
    mode("404", "with 404: not found", "with 404: not found"),
    mode("500", "with 500", "with 500"),
    mode("empty", "missing in it", "it is empty"),
    mode("first-rows", "missing in it", "missing in it"),
    mode("parent-only", "missing in it", "missing in it"),
    mode("foreign-rows", "of other clusters", ""),
    mode("different-duplicates", "different rows for", "different rows for"),
    mode("no-ids", "missing in it", ""),
    mode("unreadable-rows", "missing in it", "missing in it"),
    mode("other-shape", "a list in place of an object", "workloads: it is missing"),
    fault("500 once", "with 500", "", status=500, after=1, times=1),
    fault("slow", "not complete within 2 s", "not complete within 2 s", SHORT, mode="slow", delay_s=5),
    fault("cut", "truncated", "truncated", mode="cut"),
    fault("truncated", "truncated or malformed JSON", "truncated or malformed JSON", mode="truncated"),
    fault("a web page", "not JSON (text/html)", "not JSON (text/html)", mode="html"),
    fault("204", "status 204", "status 204", mode="empty"),
    fault("large", "above the limit", "above the limit", mode="huge", megabytes=2),
)


@dataclass(frozen=True)
class Swept:
    sweep: Sweep
    measured: dict[EntityRef, Measurement]
    reasons: dict[BulkSubject, list[str]]
    lines: tuple[str, ...]


def swept(simulator: Simulator, store: Store, options: HttpOptions, *, uses_bulk: bool) -> Swept:
    with open_collect_bench(simulator, store, options=options, uses_bulk=uses_bulk) as bench:
        sweep = collect(bench.context).sweep
        measured = {
            ref: replace(one, snapshot=replace(one.snapshot, warnings=tuple(sorted(one.snapshot.warnings))))
            for ref, one in bench.measurements(SLOT).items()
        }
    with store.reading() as transaction:
        checks = transaction.bulk_checks.of_sweep(SLOT)
        lines = describe_standings(transaction.bulk_checks.standings())
    reasons = {
        subject: [check.reason for check in checks if check.subject is subject and not check.trusted] for subject in BulkSubject
    }
    return Swept(sweep, measured, reasons, lines)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Simulator, HttpOptions], Swept]:
    """Return a function that returns the sweep without bulk responses, which no failure of one can change."""
    known: dict[HttpOptions, Swept] = {}

    def without_bulk(simulator: Simulator, options: HttpOptions) -> Swept:
        if options not in known:
            url = f"sqlite:///{tmp_path_factory.mktemp('off')}/off.db"
            migrate(url)
            with closing(Store.open(url)) as store:
                known[options] = swept(simulator, store, options, uses_bulk=False)
        return known[options]

    return without_bulk


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_a_response_that_fails_is_not_trusted_and_changes_no_figure(
    simulator: Simulator,
    sqlite_store: Store,
    expected: Callable[[Simulator, HttpOptions], Swept],
    monkeypatch: pytest.MonkeyPatch,
    failure: Failure,
) -> None:
    monkeypatch.setattr(scaleops_client, "MAX_BULK_BYTES", LIMITS.max_response_bytes)
    without_bulk = expected(simulator, failure.options)
    simulator.set_modes(**(failure.modes or {}))
    if failure.fault is not None:
        simulator.plan_fault("scaleops", **failure.fault)
    found = swept(simulator, sqlite_store, failure.options, uses_bulk=True)

    assert found.measured == without_bulk.measured
    assert found.sweep == replace(without_bulk.sweep, closed_at=found.sweep.closed_at)
    for subject, reason in ((BulkSubject.COSTS, failure.costs), (BulkSubject.INVENTORY, failure.inventory)):
        reasons = found.reasons[subject]
        assert bool(reasons) == bool(reason), reasons
        assert all(reason in one for one in reasons), reasons
        assert all(any(one in line for line in found.lines) for one in reasons), found.lines
    assert len(found.lines) >= 2
    nothing_is_unallocated_or_watched_without_trust(sqlite_store, failure)


def nothing_is_unallocated_or_watched_without_trust(store: Store, failure: Failure) -> None:
    with store.reading() as transaction:
        costs = transaction.unallocated.namespaces(SLOT)
        checks = transaction.bulk_checks.of_sweep(SLOT)
    assert (clusters_without_inventory(checks) == frozenset()) == (not failure.inventory)
    assert bool(costs) == (not failure.inventory)
    distrusted = {check.cluster for check in checks if check.subject is BulkSubject.COSTS and not check.trusted}
    for one in costs:
        if one.cluster in distrusted and one.unallocated.parts:
            assert isinstance(one.unallocated.amount, Unknown)


def test_an_inventory_that_never_arrived_is_not_trusted_when_the_sweep_closes(simulator: Simulator, sqlite_store: Store) -> None:
    """It could not be reached for a moment, which is no verdict about it, and the sweep went on. The cause is named."""
    simulator.plan_fault("scaleops", route="byNamespace", contains=BULK, status=401)
    found = swept(simulator, sqlite_store, LIMITS, uses_bulk=True)
    [reason] = found.reasons[BulkSubject.INVENTORY]
    assert reason.startswith(
        "it was not fetched before the sweep was closed: ScaleOps answered POST /api/v1/dashboard/byNamespace"
    )
    assert "401: our credentials were not accepted" in reason
    assert found.sweep.measured == found.sweep.expected
    assert timedelta() <= (found.sweep.closed_at or SLOT) - SLOT < timedelta(minutes=30)
