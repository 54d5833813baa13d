"""What is measured in part only is said, by figure, cause and cluster, and so is the real cause of what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.sweeps import UnmeasuredFigure, describe_unmeasured
from simulator.serving import Simulator
from store import Store
from tasks.collect.chunks import advance_sweep
from tasks.collect.measuring import CollectFailed
from tasks.collect.stage import collect
from tasks.maintenance.status import read_status
from tasks.pipeline import run_stage
from tests.factories import make_message
from tests.services.commands import Run
from tests.services.simulated import settings_of
from tests.stage_factories import CollectBench, open_collect_bench

COSTS = "getWorkloads"


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, store) as made:
        yield made


def test_one_clusters_missing_costs_are_a_problem(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", route=COSTS, contains="prod-eu", status=500)
    collected = collect(bench.context)
    assert collected.sweep.unknown < collected.sweep.expected
    (problem,) = [one for one in read_status(bench.context).problems if "cost" in one.sentence]
    assert "prod-eu-west-1 is unknown: ScaleOps answered POST /detailedCostReport/getWorkloads with 500" in problem.sentence
    assert [(one.figure, one.cluster) for one in collected.unmeasured_figures] == [("cost", "prod-eu-west-1")]


def test_a_sweep_without_gaps_is_no_problem(bench: CollectBench) -> None:
    assert collect(bench.context).unmeasured_figures == ()
    assert read_status(bench.context).problems == ()


def test_figures_are_grouped_by_cause_over_clusters() -> None:
    figures = [
        UnmeasuredFigure(figure=figure, cluster=cluster, workloads=workloads, reason=reason)
        for figure, cluster, workloads, reason in (
            ("cost", "b", 2, "500"),
            ("network", "a", 1, "off"),
            ("cost", "a", 3, "500"),
            ("cost", "c", 1, "429"),
        )
    ]
    assert list(describe_unmeasured(figures)) == [
        "cost of 5 workloads on a, b is unknown: 500",
        "network of 1 workload on a is unknown: off",
        "cost of 1 workload on c is unknown: 429",
    ]


def test_the_real_cause_is_named_and_not_the_deadline(bench: CollectBench) -> None:
    bench.simulator.add_fault("scaleops", route="auth/callback", status=503)
    with pytest.raises(CollectFailed):
        run_stage(bench.context, "collect", lambda: collect(bench.context))
    bench.clock.advance(timedelta(minutes=31))
    advance_sweep(bench.context, size=10)
    reasons = set(read_status(bench.context).unmeasured.values())
    assert reasons
    assert all("503" in reason for reason in reasons), reasons


def test_a_message_that_could_not_be_sent_fails_the_command(run: Run, simulator: Simulator, sqlite_url: str) -> None:
    simulator.state.clock.set(None)
    settings = {**settings_of(simulator), "DATABASE_URL": sqlite_url}
    assert run("deliver", **settings).status == 0
    store = Store.open(sqlite_url)
    now = simulator.state.clock.now()
    with store.transaction() as t:
        t.outbox.put([make_message("k1", created_at=now), make_message("k2", created_at=now, target="C0NONE")])
    simulator.state.slack.channels = {make_message("k1").target: {}}
    delivered = run("deliver", **settings)
    assert delivered.status == 1
    assert "channel_not_found" in delivered.out
    with store.transaction() as t:
        t.outbox.put([make_message("k3", created_at=now)])
    simulator.plan_fault("slack", status=429, headers={"Retry-After": "30"}, times=1)
    assert run("deliver", **settings).status == 0, "a service that asks to wait has not failed"
    store.close()
