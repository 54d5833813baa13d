"""One sweep over HTTP: the number of calls, and unusual entities and responses."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from actions.fanout import ThreadFanOut
from actions.live.measure import MeasureResult, measure
from actions.live.sweep_memo import MemoizedScaleOps
from domain.component import Component
from domain.snapshots import Outcome
from simulator.parity import cost_row
from simulator.serving import Simulator
from simulator.world import NetworkData, Scenario, SimulatedWorkload, World
from tests.services.clients import NOW, backstage_of, scaleops_of
from tests.services.simulated import PARITY_FOLDER

WORKLOADS = "POST /api/v1/dashboard/byNamespace"
COSTS = "POST /detailedCostReport/getWorkloads"
NETWORK = "GET /api/v1/workload-network"
FLAGS = "GET /api/v1/networkCost/networkCostEnabled"
POLICIES = "GET /api/v1/policies"
LOGIN = "POST /auth/callback"


def sweep(simulator: Simulator) -> dict[str, MeasureResult]:
    """Measure all components of the catalog as a sweep does, by reference."""
    with backstage_of(simulator) as catalog, scaleops_of(simulator) as scaleops, ThreadFanOut(8) as calls:
        components = [component for page in catalog.listing() for component in page.components]
        memo = MemoizedScaleOps(scaleops)

        def measure_one(component: Component) -> MeasureResult:
            return measure(component, memo, as_of=NOW, fan_out=calls)

        with ThreadPoolExecutor(8) as threads:
            return {str(m.measurement.snapshot.ref): m for m in threads.map(measure_one, components)}


def a_workload(
    name: str, labels: dict[str, str], *, cluster: str = "east", namespace: str = "shop", hourly: float = 1
) -> SimulatedWorkload:
    dash = {
        "id": f"{namespace}_Deployment_{name}",
        "clusterName": cluster,
        "namespace": namespace,
        "workloadName": name,
        "type": "Deployment",
        "policyName": "cost",
        "auto": True,
        "isUnderProvisioned": False,
        "isOverProvisioned": False,
        "replicas": 1,
        "cpuRequests": 100,
        "memRequests": 100,
        "cpuRecommended": 100,
        "memRecommended": 100,
        "savingsAvailable": 1,
        "activeSavings": 0,
        "oomCountLast24h": 0,
    }
    row = {
        "id": f"{namespace}_Deployment_{name}".upper(),
        "workloadName": name,
        "hourlyCost": hourly,
        "spotPercent": 0,
        "onDemandPercent": 100,
        "savingsAvailable": 1,
    }
    return SimulatedWorkload(
        labels=labels, dash=dash, cost_of=lambda hours: cost_row(row, replicas=1, hours=hours), network=NetworkData()
    )


def an_entity(kind: str, name: str, annotations: dict[str, str]) -> dict[str, Any]:
    prefixed = {f"backstage.io/kubernetes-{key}": value for key, value in annotations.items()}
    return {"kind": kind, "metadata": {"name": name, "namespace": "default", "annotations": prefixed}, "spec": {"owner": "shop"}}


def load(simulator: Simulator, workloads: Sequence[SimulatedWorkload], entities: Sequence[dict[str, Any]]) -> None:
    clusters = tuple(dict.fromkeys(workload.cluster for workload in workloads))
    world = World(
        clusters=clusters,
        workloads=tuple(workloads),
        policies={cluster: ({"metadata": {"name": "cost"}, "spec": {"of": cluster}},) for cluster in clusters},
        network_enabled=dict.fromkeys(clusters, True),
        entities=tuple(entities),
    )
    simulator.load(Scenario(name="odd", world_at=lambda _: world))


def names_of(measuring: MeasureResult) -> list[str]:
    return [f"{key.cluster}/{key.namespace}/{key.name}" for key in measuring.measurement.snapshot.workloads]


def test_the_cost_of_all_components_is_the_cost_of_all_workloads(simulator: Simulator) -> None:
    upstream = json.loads((PARITY_FOLDER / "upstream.json").read_text(encoding="utf-8"))
    expected = sum(Decimal(str(round(workload["cost"]["hourlyCost"] * 168, 4))) for workload in upstream["workloads"])
    totals = [m.measurement.snapshot.cost_7d for m in sweep(simulator).values()]
    assert all(total.is_complete for total in totals)
    assert sum(total.amount for total in totals if isinstance(total.amount, Decimal)) == expected


def test_a_workload_claimed_twice_is_measured_by_both_and_its_network_fetched_once(simulator: Simulator) -> None:
    load(
        simulator,
        [a_workload("web", {"app": "web", "team": "shop"})],
        [
            an_entity("Component", "web", {"label-selector": "app=web"}),
            an_entity("Resource", "shop", {"label-selector": "team=shop"}),
        ],
    )
    measured = sweep(simulator)
    assert [names_of(m) for m in measured.values()] == [["east/shop/web"]] * 2
    assert simulator.state.calls["scaleops"][NETWORK] == 1


def test_unusual_entities_are_measured_as_intended(simulator: Simulator) -> None:
    workloads = [
        a_workload("a", {"app": "a", "env": "prod"}),
        a_workload("b", {"app": "b", "env": "prod"}),
        a_workload("a", {"app": "a", "env": "prod"}, cluster="admin@west & co", hourly=2),
        a_workload("a", {"app": "a", "env": "prod"}, namespace="other", hourly=4),
        a_workload("id", {"backstage.io/kubernetes-id": "Legacy"}),
    ]
    entities = [
        an_entity("Component", "UPPER", {"label-selector": " app = a , env == prod "}),
        an_entity("Resource", "either", {"label-selector": "app in (a, b),env"}),
        an_entity("API", "legacy", {"id": "Legacy"}),
        an_entity("Component", "everybody", {"label-selector": "env=prod"}),
        an_entity("Component", "here", {"label-selector": "app=a", "namespace": "shop", "cluster": "east"}),
        an_entity("Component", "none", {"label-selector": "app=nobody"}),
        an_entity("Component", "unaskable", {"label-selector": "!gpu"}),
    ]
    load(simulator, workloads, entities)
    measured = sweep(simulator)
    a_everywhere = ["east/shop/a", "admin@west & co/shop/a", "east/other/a"]
    assert {ref: sorted(names_of(m)) for ref, m in measured.items()} == {
        "component:default/upper": sorted(a_everywhere),
        "resource:default/either": sorted([*a_everywhere, "east/shop/b"]),
        "api:default/legacy": ["east/shop/id"],
        "component:default/everybody": sorted([*a_everywhere, "east/shop/b"]),
        "component:default/here": ["east/shop/a"],
        "component:default/none": [],
        "component:default/unaskable": [],
    }
    costs = {ref: m.measurement.snapshot.cost_7d.amount for ref, m in measured.items()}
    assert costs["component:default/upper"] == 7 * 168
    assert costs["resource:default/either"] == 8 * 168
    assert costs["component:default/here"] == 168
    assert costs["component:default/none"] == 0
    assert measured["component:default/unaskable"].measurement.snapshot.outcome is Outcome.UNKNOWN
    [warning] = measured["resource:default/either"].measurement.snapshot.warnings
    assert "'env'" in warning
    calls = simulator.state.calls["scaleops"]
    assert (calls[WORKLOADS], calls[COSTS], calls[NETWORK]) == (7, 8, 5)
    assert calls[POLICIES] == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"mode": "html"},
        {"mode": "truncated"},
        {"mode": "cut"},
        {"mode": "empty"},
        {"mode": "redirect"},
        {"mode": "drop"},
        {"status": 429, "headers": {"Retry-After": "3600"}},
        {"status": 403},
    ],
)
def test_any_failure_is_unknown_with_a_reason_and_never_zero(simulator: Simulator, fault: dict[str, object]) -> None:
    load(simulator, [a_workload("web", {"app": "web"})], [an_entity("Component", "web", {"label-selector": "app=web"})])
    for route in ("getWorkloads", "workload-network", "networkCostEnabled", "policies"):
        simulator.plan_fault("scaleops", route=route, **fault)
        [measured] = sweep(simulator).values()
        [point] = measured.measurement.points
        assert measured.measurement.snapshot.outcome is Outcome.MEASURED
        assert isinstance(point.cost_7d, Decimal) == (route != "getWorkloads")
        assert hasattr(point.network, "reason") == (route in {"workload-network", "networkCostEnabled"})
        reasons = [getattr(figure, "reason", "") for figure in (point.cost_7d, point.network)]
        assert any("ScaleOps" in reason for reason in (*reasons, *measured.measurement.snapshot.warnings))
    simulator.plan_fault("scaleops", route="byNamespace", **fault)
    [measured] = sweep(simulator).values()
    assert measured.measurement.snapshot.outcome is Outcome.UNKNOWN
    assert measured.measurement.snapshot.reason.startswith("ScaleOps")
    assert not measured.is_scaleops_down


def test_a_refused_login_counts_as_scaleops_down(simulator: Simulator) -> None:
    simulator.plan_fault("scaleops", route="auth/callback", status=401)
    measured = sweep(simulator)
    assert all(m.is_scaleops_down for m in measured.values())
    assert simulator.state.calls["scaleops"] == {LOGIN: 1}
