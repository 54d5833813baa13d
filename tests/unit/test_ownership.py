"""A component owns the same workloads wherever they are read: through an action, and through the proxy."""

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.fanout import sequential
from actions.live.upstream import fetch_workloads, own_cost_rows
from clients.scaleops.parsing import to_cost_rows, to_workloads
from domain.component import Component
from domain.ownership import ownership_of
from domain.refs import EntityRef
from gateway.proxy.cache import CachedResponse
from tests.factories import make_component
from tests.stage_factories import WEB, PlannedScaleOps
from tests.unit.proxy_factories import a_response, a_scope

TEAM = EntityRef.parse("group:default/shop")
CLUSTERS = ("east", "west")
NAMESPACES = ("shop", "bank", "Shop")
IDS = ("a", "A", "b", "ß", "ss", None)
Rows = list[dict[str, Any]]

namespaces = st.lists(st.sampled_from(NAMESPACES), unique=True, max_size=2).map(tuple)
components = st.builds(
    partial(make_component, "web"),
    team=st.just(TEAM),
    label_selector=st.sampled_from(["app=web", "app in (web, api)"]),
    cluster_limit=st.sampled_from([None, *CLUSTERS]),
    namespace_limit=st.sampled_from([None, "shop", "bank"]),
)
allowed_namespaces = st.dictionaries(st.sampled_from([WEB.ref, TEAM]), namespaces)
workload_rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(IDS),
            "clusterName": st.sampled_from(CLUSTERS),
            "namespace": st.sampled_from(NAMESPACES),
            "type": st.just("Deployment"),
            "workloadName": st.sampled_from("wxyz"),
        }
    ),
    unique_by=lambda row: (row["clusterName"], row["namespace"], row["workloadName"]),
    max_size=8,
)
cost_ids = st.lists(st.sampled_from([one for one in IDS if one is not None]), unique_by=str.casefold)


def through_the_action(
    component: Component, allowed: Mapping[EntityRef, tuple[str, ...]], rows: Rows, costs: Rows
) -> tuple[set[str], dict[str, set[str]]]:
    workloads = to_workloads({"workloads": rows})
    scaleops = PlannedScaleOps(workloads_by_labels={("app=web",): workloads, ("app=api",): workloads})
    found = fetch_workloads(component, scaleops, namespaces_allowed=allowed, fan_out=sequential)
    cost_rows = to_cost_rows({"aggregatedWorkloads": costs})
    owned = own_cost_rows(found, dict.fromkeys(found.clusters, cost_rows))
    by_cluster: dict[str, set[str]] = {cluster: set() for cluster in CLUSTERS}
    for key, row in owned.items():
        by_cluster[key.cluster].add(row.id)
    return {str(workload.key) for workload in found.workloads}, by_cluster


async def through_the_proxy(
    component: Component, allowed: Mapping[EntityRef, tuple[str, ...]], rows: Rows, costs: Rows
) -> tuple[set[str], dict[str, set[str]]]:
    scope = a_scope(component, allowed)
    ownerships = (ownership_of(component, allowed),)
    listed, cost_report = a_response("workloads", rows), a_response("aggregatedWorkloads", costs)

    async def fetch(_: tuple[str, ...]) -> CachedResponse:
        return listed

    workloads = json.loads(await scope.filter_workloads(listed, ownerships))["workloads"]
    by_cluster = {}
    for cluster in CLUSTERS:
        part = await scope.filter_costs(cost_report, ownerships, cluster=cluster, fetch_workloads=fetch)
        by_cluster[cluster] = {row["id"] for row in json.loads(part)["aggregatedWorkloads"]}
    return {"/".join(row[name] for name in ("clusterName", "namespace", "type", "workloadName")) for row in workloads}, by_cluster


@pytest.mark.parametrize(
    ("cluster", "namespace", "may_own"),
    [
        ("east", "shop", True),
        ("east", None, True),
        (None, "shop", True),
        (None, None, True),
        ("west", "shop", False),
        ("west", None, False),
        ("east", "bank", False),
        (None, "bank", False),
    ],
)
def test_a_component_may_own_a_workload_unless_what_is_known_of_it_rules_it_out(
    cluster: str | None, namespace: str | None, *, may_own: bool
) -> None:
    limited = ownership_of(make_component("web", cluster_limit="east", namespace_limit="shop"), {})
    allowed = ownership_of(make_component("web", cluster_limit="east"), {WEB.ref: ("shop", "cart")})

    assert limited.may_own(cluster=cluster, namespace=namespace) is may_own
    assert allowed.may_own(cluster=cluster, namespace=namespace) is may_own
    assert ownership_of(make_component("web"), {}).may_own(cluster=cluster, namespace=namespace)


@given(component=components, allowed=allowed_namespaces, rows=workload_rows, ids=cost_ids)
def test_the_proxy_passes_what_an_action_returns(
    component: Component, allowed: Mapping[EntityRef, tuple[str, ...]], rows: Rows, ids: list[str]
) -> None:
    costs = [{"id": one} for one in ids]
    assert asyncio.run(through_the_proxy(component, allowed, rows, costs)) == through_the_action(component, allowed, rows, costs)
