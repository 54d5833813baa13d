"""Outputs of the live actions when data is missing, foreign, or on several clusters."""

from datetime import timedelta

import pytest

from actions.catalogue import ACTIONS
from actions.errors import ServiceUnavailableError
from clients.scaleops.links import DashboardLinks
from domain.workload import PolicyDefinition
from tests.factories import NOW, make_component, make_cost_row, make_destination, make_workload
from tests.stage_factories import (
    WEB,
    PlannedScaleOps,
    make_live_context,
    make_request_context,
    make_service_error,
    plan_workloads,
    run_live_action,
)


def test_a_missing_number_is_null_named_and_not_summed() -> None:
    broken = make_workload("b", savings_available_per_month=None, cpu_recommended_millicores=None, policy_name=None)
    output = run_live_action("data", plan_workloads(make_workload("a"), broken))
    row = output["workloads"][1]
    assert (row["savingsAvailable"], row["cpuRecommended"], row["policyName"]) == (None, None, None)
    assert output["summary"]["totalSavingsAvailable"] == 1.5
    assert output["warnings"] == [
        "ScaleOps left out policyName, cpuRecommended and savingsAvailable of b (Deployment in shop on east)"
    ]


def test_a_threshold_never_hides_an_under_provisioned_workload() -> None:
    workloads = (make_workload("starved", under_provisioned=True), make_workload("idle", automated=False))
    output = run_live_action("recommendations", plan_workloads(*workloads), minSavingsThreshold=10)
    assert [(row["workloadName"], row["issue"], row["priority"]) for row in output["recommendations"]] == [
        ("starved", "under-provisioned", "high")
    ]
    assert len(run_live_action("recommendations", plan_workloads(*workloads), minSavingsThreshold=1.5)["recommendations"]) == 2


def test_links_name_the_query_that_found_the_workload() -> None:
    scaleops = PlannedScaleOps(workloads_by_labels={("app=a",): (make_workload("one"),), ("app=b",): (make_workload("two"),)})
    component = make_component("web", label_selector="app in (a,b)")
    caller = make_request_context(live=make_live_context(scaleops, component, link=DashboardLinks("https://s")))
    output = ACTIONS["get_scaleops_data_for_entity"].run({"entityRef": str(WEB.ref)}, caller)
    assert [row.dashboard_url.partition("&labels=")[2] for row in output.workloads] == ["app%3Da", "app%3Db"]


def test_cost_is_fetched_once_per_cluster_with_all_namespaces_and_types() -> None:
    east, east2, west = make_workload("a"), make_workload("b", namespace="other"), make_workload("a", cluster="west")
    scaleops = plan_workloads(
        east,
        west,
        east2,
        costs_by_cluster={"east": (make_cost_row(east2), make_cost_row(east, total="10")), "west": (make_cost_row(west),)},
    )
    output = run_live_action("cost_analysis", scaleops, range="30d")
    assert scaleops.calls[1:] == [
        ("costs", "east", ("shop", "other"), ("Deployment",), ("app=web",), "30d"),
        ("costs", "west", ("shop",), ("Deployment",), ("app=web",), "30d"),
    ]
    rows = [(row["clusterName"], row["namespace"], row["workloadName"], row["totalCost"]) for row in output["costAnalysis"]]
    assert rows == [("east", "other", "b", 168), ("east", "shop", "a", 10), ("west", "shop", "a", 168)]
    assert output["summary"] == {
        "totalCost": 346,
        "averageHourlyCost": 1,
        "totalHourlyCost": pytest.approx(346 / 720),
        "totalSavingsAvailable": 1.5,
        "totalWorkloads": 3,
        "workloadsWithCost": 3,
    }


def test_rows_of_others_and_of_the_same_id_elsewhere_are_not_its_cost() -> None:
    east, stranger = make_workload("a"), make_workload("stranger")
    output = run_live_action(
        "cost_analysis",
        plan_workloads(
            east, costs_by_cluster={"east": (make_cost_row(stranger, total="9"), make_cost_row(east), make_cost_row(east))}
        ),
    )
    assert [row["workloadName"] for row in output["costAnalysis"]] == ["a"]
    assert output["summary"]["totalCost"] == 168


def test_a_workload_without_a_cost_row_is_unknown_and_not_free() -> None:
    known, unknown, without_id = make_workload("a"), make_workload("b"), make_workload("c", id=None)
    output = run_live_action(
        "cost_analysis", plan_workloads(known, unknown, without_id, costs_by_cluster={"east": (make_cost_row(known),)})
    )
    assert [(row["workloadName"], row["totalCost"]) for row in output["costAnalysis"]] == [("a", 168), ("b", None), ("c", None)]
    assert output["warnings"] == [
        "the cost report has no row for b (Deployment in shop on east)",
        "the cost report has no row for c (Deployment in shop on east)",
    ]
    assert (output["summary"]["totalWorkloads"], output["summary"]["workloadsWithCost"]) == (3, 1)


def test_a_cluster_whose_cost_is_missing_is_a_warning() -> None:
    east, west = make_workload("a"), make_workload("a", cluster="west")
    output = run_live_action(
        "cost_analysis",
        plan_workloads(east, west, costs_by_cluster={"east": (make_cost_row(east),), "west": make_service_error()}),
    )
    assert output["warnings"] == ["cost on west is missing: ScaleOps returned an error"]
    assert [row["totalCost"] for row in output["costAnalysis"]] == [168, None]
    with pytest.raises(ServiceUnavailableError):
        run_live_action(
            "cost_analysis",
            plan_workloads(east, west, costs_by_cluster={"east": make_service_error(), "west": make_service_error()}),
        )


def test_a_missing_hourly_cost_counts_as_zero_in_the_mean() -> None:
    a, b = make_workload("a"), make_workload("b")
    output = run_live_action(
        "cost_analysis",
        plan_workloads(a, b, costs_by_cluster={"east": (make_cost_row(a, hourly=None), make_cost_row(b, total=None))}),
    )
    assert output["summary"]["averageHourlyCost"] == 0.5
    assert (output["summary"]["totalCost"], output["summary"]["totalHourlyCost"]) == (168, 1)
    assert len(output["warnings"]) == 2


def test_network_is_fetched_for_monitored_clusters_over_the_window() -> None:
    scaleops = plan_workloads(
        make_workload("a"),
        make_workload("b", cluster="west"),
        make_workload("c", cluster="lost"),
        flags={"east": True, "west": False},
        network_by_name={"a": (make_destination("1.5"), make_destination("0.25"))},
    )
    output = run_live_action("network_usage", scaleops, timeRangeHours=48)
    assert scaleops.calls[1:] == [("flags",), ("network", "east/shop/Deployment/a", timedelta(hours=48), NOW)]
    rows = [(row["networkCostEnabled"], row["totalNetworkCost"], row["error"]) for row in output["workloadNetworkData"]]
    assert rows == [(True, 1.75, None), (False, None, None), (False, None, None)]
    assert output["period"] == "48h"
    assert output["summary"] == {"totalWorkloads": 3, "measuredWorkloads": 1, "totalNetworkCost": 1.75, "totalTraffic": 200}


def test_a_failed_network_call_is_an_error_not_zero_or_disabled() -> None:
    plans = {"flags": {"east": True}, "network_by_name": {"a": make_service_error(), "b": (make_destination("1"),)}}
    output = run_live_action("network_usage", plan_workloads(make_workload("a"), make_workload("b"), **plans))
    row = output["workloadNetworkData"][0]
    assert (row["networkCostEnabled"], row["totalNetworkCost"], row["totalTraffic"]) == (True, None, None)
    assert row["error"] == "ScaleOps returned an error"
    assert output["warnings"] == [
        "the network of a (Deployment in shop on east) could not be measured: ScaleOps returned an error"
    ]
    assert (output["summary"]["measuredWorkloads"], output["summary"]["totalNetworkCost"]) == (1, 1)
    alone = run_live_action("network_usage", plan_workloads(make_workload("a"), **plans))
    assert alone["summary"]["totalNetworkCost"] is None


def test_without_the_flags_it_is_unknown_whether_a_network_is_monitored() -> None:
    output = run_live_action("network_usage", plan_workloads(make_workload("a"), flags=make_service_error()))
    [row] = output["workloadNetworkData"]
    assert (row["networkCostEnabled"], row["error"]) == (None, "ScaleOps returned an error")
    assert output["summary"]["totalNetworkCost"] is None


def test_missing_figures_of_a_peer_are_null_with_a_warning() -> None:
    plans = {"flags": {"east": True}, "network_by_name": {"a": (make_destination("1", cross=None), make_destination(None))}}
    output = run_live_action("network_usage", plan_workloads(make_workload("a"), **plans))
    peers = output["workloadNetworkData"][0]["destinations"]
    assert (peers[0]["crossAZCost"], peers[1]["totalCost"]) == (None, None)
    assert output["warnings"] == ["no network figures for a (Deployment in shop on east) (2 of 2 peers)"]
    assert output["summary"]["totalNetworkCost"] == 1


def test_policies_are_fetched_once_per_cluster_and_matched_on_it() -> None:
    scaleops = plan_workloads(
        make_workload("a"),
        make_workload("b"),
        make_workload("a", cluster="west"),
        make_workload("c", cluster="far", policy_name="N/A"),
        make_workload("d", cluster="far", policy_name=None),
        policies_by_cluster={
            "east": (PolicyDefinition(name="cost", definition={"on": "east"}),),
            "west": (PolicyDefinition(name="cost", definition={"on": "west"}),),
        },
    )
    output = run_live_action("policy_definitions", scaleops)
    assert scaleops.calls[1:] == [("policies", "east"), ("policies", "west")]
    assert [(row["policyName"], row["policyDefinition"], row["error"]) for row in output["workloadPolicies"]] == [
        ("cost", {"on": "east"}, None),
        ("cost", {"on": "east"}, None),
        ("cost", {"on": "west"}, None),
        ("N/A", None, None),
        ("N/A", None, None),
    ]
    assert output["summary"] == {"totalWorkloads": 5, "workloadsWithPolicies": 3, "uniquePolicies": ["cost"]}


def test_a_missing_policy_and_a_failed_call_are_distinguished() -> None:
    output = run_live_action(
        "policy_definitions",
        plan_workloads(
            make_workload("a"), make_workload("b", cluster="west"), policies_by_cluster={"east": (), "west": make_service_error()}
        ),
    )
    assert [(row["policyDefinition"], row["error"]) for row in output["workloadPolicies"]] == [
        (None, "east has no policy named cost"),
        (None, "ScaleOps returned an error"),
    ]
    assert output["warnings"] == [
        "the policies of west are missing: ScaleOps returned an error",
        "a (Deployment in shop on east): east has no policy named cost",
    ]


def test_a_name_matches_workloads_on_several_clusters() -> None:
    workloads = (make_workload("a"), make_workload("b"), make_workload("a", cluster="west"))
    output = run_live_action("policy_definitions", plan_workloads(*workloads), workloadName="a")
    assert [(row["clusterName"], row["workloadName"]) for row in output["workloadPolicies"]] == [("east", "a"), ("west", "a")]
