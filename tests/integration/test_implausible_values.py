"""Numbers beyond any plausible one, from ScaleOps and in rows that an older version stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from domain.advice import Issue, IssuePriority
from domain.measures import Total, Unknown
from domain.snapshots import Outcome
from domain.tracking import LastAdvice, Recommendation, RecommendationEnd, RecommendationKey
from store import Store
from tasks.collect.measuring import SweepMeasurer
from tests.factories import PAYMENTS, SLOT, make_component, make_key, make_measurement, make_point, make_ref, make_workload
from tests.stage_factories import FakeServices, PlannedScaleOps, make_stage_context, record_listing, record_sweep

HUGE = Decimal("1e30")


def test_an_implausible_stored_value_reads_as_unknown(store: Store) -> None:
    odd = make_point("a", cost_7d=HUGE, savings_available_per_month=-HUGE, cpu_request_millicores=1e30, oom_kills_24h=2**62)
    record_sweep(store, SLOT, make_measurement("checkout", odd, make_point("b")))
    with store.reading() as transaction:
        [found] = transaction.snapshots.of_sweep(SLOT)
        [series] = transaction.history.of_team(PAYMENTS, as_ofs=[SLOT])
    a, b = found.points
    assert all(
        isinstance(value, Unknown)
        for value in (a.cost_7d, a.savings_available_per_month, a.cpu_request_millicores, a.oom_kills_24h)
    )
    assert (a.active_savings_per_month, b.cost_7d) == (Decimal(0), Decimal(35))
    assert isinstance(found.snapshot.cost_7d.amount, Unknown)
    assert series.cost_7d == Total(amount=Decimal(35), known=1, parts=2)


def test_an_implausible_stored_recommendation_reads_as_unknown(store: Store) -> None:
    advised = LastAdvice(
        priority=IssuePriority.HIGH,
        cpu_request_millicores=1e30,
        cpu_recommended_millicores=200.0,
        memory_request_bytes=None,
        memory_recommended_bytes=-1.0,
        savings_available_per_month=HUGE,
    )
    key = RecommendationKey(entity=make_ref(), workload=make_key(), issue=Issue.OVER_PROVISIONED)
    stored = Recommendation(key=key, team=PAYMENTS, opened_at=SLOT, last_seen_at=SLOT, advised=advised)
    ended = replace(
        stored,
        key=replace(key, issue=Issue.UNDER_PROVISIONED),
        ended_at=SLOT + timedelta(hours=1),
        ending=RecommendationEnd.DONE,
        realised_per_month=HUGE,
    )
    with store.transaction() as transaction:
        transaction.recommendations.put([stored, ended])
        [found] = transaction.recommendations.open()
        [done] = (one for one in transaction.recommendations.followed([key.entity]) if one.ended_at is not None)
    nothing = {"cpu_request_millicores": None, "memory_recommended_bytes": None, "savings_available_per_month": None}
    assert found.advised == replace(advised, **nothing)  # type: ignore[arg-type] # all of them may be None
    assert isinstance(done.realised_per_month, Unknown)


def test_what_cannot_be_stored_of_one_component_costs_no_other(store: Store) -> None:
    odd = make_workload("odd", oom_kills_24h=2**64 - 1)
    scaleops = PlannedScaleOps(workloads_by_labels={("app=odd",): (odd,), ("app=web",): (make_workload("web"),)})
    components = [make_component("odd"), make_component("web")]
    with store.transaction() as transaction:
        sweep = transaction.sweeps.open(SLOT, opened_at=SLOT)
        record_listing(transaction, components, [], as_of=SLOT)
    SweepMeasurer(make_stage_context(store, SLOT + timedelta(minutes=1), FakeServices(scaleops=scaleops)), sweep).run(
        iter(components)
    )
    with store.reading() as transaction:
        found = {one.snapshot.ref.name: one.snapshot for one in transaction.snapshots.of_sweep(SLOT)}
    assert found["web"].outcome is Outcome.MEASURED
    assert found["odd"].outcome is Outcome.UNKNOWN
    assert "what was measured cannot be stored" in found["odd"].reason
