"""What the five questions answer when something is missing, foreign, or lives on several clusters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actions import LIVE_ACTIONS, LiveContext, ServiceUnavailableError
from clients.scaleops.links import DashboardLinks
from domain.workload import PolicyDefinition
from tests.unit.questioning import (
    NOW,
    WEB,
    OneEntity,
    PlannedScaleOps,
    a_component,
    a_peer,
    a_row,
    a_workload,
    ask,
    failure,
    found,
)

# Data and recommendations


def test_a_number_that_was_left_out_is_null_and_named_and_counts_as_nothing() -> None:
    broken = a_workload("b", savings_available_per_month=None, cpu_recommended_millicores=None, policy_name=None)
    answer = ask("data", found(a_workload("a"), broken))
    row = answer["workloads"][1]
    assert (row["savingsAvailable"], row["cpuRecommended"], row["policyName"]) == (None, None, None)
    assert answer["summary"]["totalSavingsAvailable"] == 1.5
    assert answer["warnings"] == [
        "ScaleOps left out policyName, cpuRecommended and savingsAvailable of b (Deployment in shop on east)"
    ]


def test_a_threshold_never_hides_an_under_provisioned_workload() -> None:
    workloads = (a_workload("starved", under_provisioned=True), a_workload("idle", automated=False))
    answer = ask("recommendations", found(*workloads), minSavingsThreshold=10)
    assert [(row["workloadName"], row["issue"], row["priority"]) for row in answer["recommendations"]] == [
        ("starved", "under-provisioned", "high")
    ]
    assert len(ask("recommendations", found(*workloads), minSavingsThreshold=1.5)["recommendations"]) == 2


def test_links_name_the_query_that_found_the_workload() -> None:
    desk = LiveContext(
        scaleops=PlannedScaleOps(workloads_by_labels={("app=a",): (a_workload("one"),), ("app=b",): (a_workload("two"),)}),
        catalog=OneEntity(a_component(label_selector="app in (a,b)")),
        clock=lambda: NOW,
        currency="EUR",
        link=DashboardLinks("https://s"),
    )
    answer = LIVE_ACTIONS["get_scaleops_data_for_entity"].ask({"entityRef": str(WEB)}, desk=desk)
    assert [row.dashboard_url.partition("&labels=")[2] for row in answer.workloads] == ["app%3Da", "app%3Db"]


# Cost


def test_cost_is_asked_once_a_cluster_with_all_the_component_has_there() -> None:
    east, east2, west = a_workload("a"), a_workload("b", namespace="other"), a_workload("a", cluster="west")
    scaleops = found(
        east, west, east2, costs_by_cluster={"east": (a_row(east2), a_row(east, total="10")), "west": (a_row(west),)}
    )
    answer = ask("cost_analysis", scaleops, range="30d")
    assert scaleops.asked[1:] == [
        ("costs", "east", ("shop", "other"), ("Deployment",), ("app=web",), "30d"),
        ("costs", "west", ("shop",), ("Deployment",), ("app=web",), "30d"),
    ]
    rows = [(row["clusterName"], row["namespace"], row["workloadName"], row["totalCost"]) for row in answer["costAnalysis"]]
    assert rows == [("east", "other", "b", 168), ("east", "shop", "a", 10), ("west", "shop", "a", 168)]
    assert answer["summary"] == {
        "totalCost": 346,
        "averageHourlyCost": 1,
        "totalHourlyCost": pytest.approx(346 / 720),
        "totalSavingsAvailable": 1.5,
        "totalWorkloads": 3,
        "workloadsWithCost": 3,
    }


def test_rows_of_others_and_of_the_same_id_elsewhere_are_not_its_cost() -> None:
    east, stranger = a_workload("a"), a_workload("stranger")
    answer = ask("cost_analysis", found(east, costs_by_cluster={"east": (a_row(stranger, total="9"), a_row(east), a_row(east))}))
    assert [row["workloadName"] for row in answer["costAnalysis"]] == ["a"]
    assert answer["summary"]["totalCost"] == 168


def test_a_workload_without_a_cost_row_is_unknown_and_not_free() -> None:
    known, unknown, without_id = a_workload("a"), a_workload("b"), a_workload("c", id=None)
    answer = ask("cost_analysis", found(known, unknown, without_id, costs_by_cluster={"east": (a_row(known),)}))
    assert [(row["workloadName"], row["totalCost"]) for row in answer["costAnalysis"]] == [("a", 168), ("b", None), ("c", None)]
    assert answer["warnings"] == [
        "the cost report has no row for b (Deployment in shop on east)",
        "the cost report has no row for c (Deployment in shop on east)",
    ]
    assert (answer["summary"]["totalWorkloads"], answer["summary"]["workloadsWithCost"]) == (3, 1)


def test_a_cluster_whose_cost_is_missing_is_told_beside_the_rest() -> None:
    east, west = a_workload("a"), a_workload("a", cluster="west")
    answer = ask("cost_analysis", found(east, west, costs_by_cluster={"east": (a_row(east),), "west": failure()}))
    assert answer["warnings"] == ["cost on west is missing: ScaleOps answered with trouble"]
    assert [row["totalCost"] for row in answer["costAnalysis"]] == [168, None]
    with pytest.raises(ServiceUnavailableError):
        ask("cost_analysis", found(east, west, costs_by_cluster={"east": failure(), "west": failure()}))


def test_an_hourly_cost_that_was_left_out_counts_as_zero_in_the_mean_as_it_always_did() -> None:
    a, b = a_workload("a"), a_workload("b")
    answer = ask("cost_analysis", found(a, b, costs_by_cluster={"east": (a_row(a, hourly=None), a_row(b, total=None))}))
    assert answer["summary"]["averageHourlyCost"] == 0.5
    assert (answer["summary"]["totalCost"], answer["summary"]["totalHourlyCost"]) == (168, 1)
    assert len(answer["warnings"]) == 2


# Network


def test_network_is_asked_only_where_it_is_watched_and_over_the_window() -> None:
    scaleops = found(
        a_workload("a"),
        a_workload("b", cluster="west"),
        a_workload("c", cluster="lost"),
        flags={"east": True, "west": False},
        network_by_name={"a": (a_peer("1.5"), a_peer("0.25"))},
    )
    answer = ask("network_usage", scaleops, timeRangeHours=48)
    assert scaleops.asked[1:] == [("flags",), ("network", "east/shop/Deployment/a", timedelta(hours=48), NOW)]
    rows = [(row["networkCostEnabled"], row["totalNetworkCost"], row["error"]) for row in answer["workloadNetworkData"]]
    assert rows == [(True, 1.75, None), (False, None, None), (False, None, None)]
    assert answer["period"] == "48h"
    assert answer["summary"] == {"totalWorkloads": 3, "measuredWorkloads": 1, "totalNetworkCost": 1.75, "totalTraffic": 200}


def test_a_failed_network_call_is_told_and_is_neither_zero_nor_off() -> None:
    plans = {"flags": {"east": True}, "network_by_name": {"a": failure(), "b": (a_peer("1"),)}}
    answer = ask("network_usage", found(a_workload("a"), a_workload("b"), **plans))
    row = answer["workloadNetworkData"][0]
    assert (row["networkCostEnabled"], row["totalNetworkCost"], row["totalTraffic"]) == (True, None, None)
    assert row["error"] == "ScaleOps answered with trouble"
    assert answer["warnings"] == [
        "the network of a (Deployment in shop on east) could not be measured: ScaleOps answered with trouble"
    ]
    assert (answer["summary"]["measuredWorkloads"], answer["summary"]["totalNetworkCost"]) == (1, 1)
    alone = ask("network_usage", found(a_workload("a"), **plans))
    assert alone["summary"]["totalNetworkCost"] is None


def test_without_the_map_of_clusters_it_is_not_known_whether_a_network_is_watched() -> None:
    answer = ask("network_usage", found(a_workload("a"), flags=failure()))
    [row] = answer["workloadNetworkData"]
    assert (row["networkCostEnabled"], row["error"]) == (None, "ScaleOps answered with trouble")
    assert answer["summary"]["totalNetworkCost"] is None


def test_figures_that_a_peer_lacks_are_null_and_told() -> None:
    plans = {"flags": {"east": True}, "network_by_name": {"a": (a_peer("1", cross=None), a_peer(None))}}
    answer = ask("network_usage", found(a_workload("a"), **plans))
    peers = answer["workloadNetworkData"][0]["destinations"]
    assert (peers[0]["crossAZCost"], peers[1]["totalCost"]) == (None, None)
    assert answer["warnings"] == ["ScaleOps left out figures of 2 of 2 network peers of a (Deployment in shop on east)"]
    assert answer["summary"]["totalNetworkCost"] == 1


# Policies


def test_policies_are_asked_once_a_cluster_and_found_on_the_workloads_own() -> None:
    scaleops = found(
        a_workload("a"),
        a_workload("b"),
        a_workload("a", cluster="west"),
        a_workload("c", cluster="far", policy_name="N/A"),
        a_workload("d", cluster="far", policy_name=None),
        policies_by_cluster={
            "east": (PolicyDefinition(name="cost", definition={"on": "east"}),),
            "west": (PolicyDefinition(name="cost", definition={"on": "west"}),),
        },
    )
    answer = ask("policy_definitions", scaleops)
    assert scaleops.asked[1:] == [("policies", "east"), ("policies", "west")]
    assert [(row["policyName"], row["policyDefinition"], row["error"]) for row in answer["workloadPolicies"]] == [
        ("cost", {"on": "east"}, None),
        ("cost", {"on": "east"}, None),
        ("cost", {"on": "west"}, None),
        ("N/A", None, None),
        ("N/A", None, None),
    ]
    assert answer["summary"] == {"totalWorkloads": 5, "workloadsWithPolicies": 3, "uniquePolicies": ["cost"]}


def test_a_policy_that_is_missing_or_could_not_be_had_says_which() -> None:
    answer = ask(
        "policy_definitions",
        found(a_workload("a"), a_workload("b", cluster="west"), policies_by_cluster={"east": (), "west": failure()}),
    )
    assert [(row["policyDefinition"], row["error"]) for row in answer["workloadPolicies"]] == [
        (None, "east has no policy of the name cost"),
        (None, "ScaleOps answered with trouble"),
    ]
    assert answer["warnings"] == [
        "the policies of west are missing: ScaleOps answered with trouble",
        "a (Deployment in shop on east): east has no policy of the name cost",
    ]


def test_a_name_may_stand_for_workloads_on_several_clusters() -> None:
    workloads = (a_workload("a"), a_workload("b"), a_workload("a", cluster="west"))
    answer = ask("policy_definitions", found(*workloads), workloadName="a")
    assert [(row["clusterName"], row["workloadName"]) for row in answer["workloadPolicies"]] == [("east", "a"), ("west", "a")]
