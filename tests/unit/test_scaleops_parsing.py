"""Odd rows of ScaleOps: a value that cannot be read is unknown, a row that cannot be read is set aside, and neither costs another."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from actions.live.measure import LEFT_OUT, NOT_READABLE, measure
from clients.http.messages import decode_json
from clients.scaleops import parsing
from clients.scaleops.parsing import UnexpectedSchema
from domain.measures import Total, Unknown
from domain.snapshots import Measurement, Outcome
from domain.workload import Workload, set_aside_of
from tests.factories import NOW
from tests.stage_factories import WEB, PlannedScaleOps, run_live_action

ANSWERS = Path(__file__).parents[1] / "data" / "answers"
ROW: dict[str, Any] = {
    "id": "shop_Deployment_web",
    "clusterName": "east",
    "namespace": "shop",
    "workloadName": "web",
    "type": "Deployment",
    "policyName": "production",
    "auto": False,
    "isOverProvisioned": True,
    "isUnderProvisioned": False,
    "replicas": 2,
    "cpuRequests": 500,
    "cpuRecommended": 200,
    "memRequests": 1024,
    "memRecommended": 512,
    "savingsAvailable": 120.5,
    "activeSavings": 0,
    "oomCountLast24h": 0,
}
OTHER = {**ROW, "id": "shop_Deployment_api", "workloadName": "api"}
COST = {"id": "SHOP_DEPLOYMENT_WEB", "workloadName": "web", "totalCost": 40.2, "hourlyCost": 0.24, "savingsAvailable": 28}
OTHER_COST = {**COST, "id": "SHOP_DEPLOYMENT_API", "workloadName": "api"}

SCALARS = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-(2**80), 2**80),
    some.floats(),
    some.text(max_size=5),
    some.sampled_from(
        ["NaN", "", "1e400", "1,120.50", "$40.20", "500m", "1Gi", "disabled", "true", "-1", " 7 ", "\ud800", "9" * 400]
    ),
)
ANY_JSON = some.recursive(
    SCALARS,
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def measured(rows: list[object], costs: list[object] = [COST, OTHER_COST]) -> Measurement:  # noqa: B006 - never changed
    scaleops = PlannedScaleOps(
        workloads_by_labels={("app=web",): parsing.to_workloads({"workloads": rows})},
        costs_by_cluster={"east": parsing.to_cost_rows({"aggregatedWorkloads": costs})},
        flags={"east": False},
    )
    return measure(WEB, scaleops, as_of=NOW).measurement


@pytest.mark.parametrize(
    ("field", "value", "attribute"),
    [
        ("savingsAvailable", float("nan"), "savings_available_per_month"),
        ("savingsAvailable", "NaN", "savings_available_per_month"),
        ("savingsAvailable", "1e400", "savings_available_per_month"),
        ("savingsAvailable", 1e30, "savings_available_per_month"),
        ("savingsAvailable", "", "savings_available_per_month"),
        ("savingsAvailable", "1,120.50", "savings_available_per_month"),
        ("savingsAvailable", True, "savings_available_per_month"),
        ("activeSavings", {"amount": 1}, "active_savings_per_month"),
        ("cpuRequests", float("inf"), "cpu_request_millicores"),
        ("cpuRequests", "500m", "cpu_request_millicores"),
        ("cpuRecommended", -1, "cpu_recommended_millicores"),
        ("memRequests", 1.7976931348623157e308, "memory_request_bytes"),
        ("memRecommended", "1Gi", "memory_recommended_bytes"),
        ("replicas", 2.5, "replicas"),
        ("replicas", 2**40, "replicas"),
        ("oomCountLast24h", 2**64 - 1, "oom_kills_24h"),
        ("oomCountLast24h", 2**63, "oom_kills_24h"),
        ("oomCountLast24h", -1, "oom_kills_24h"),
        ("auto", "", "automated"),
        ("auto", "disabled", "automated"),
        ("isUnderProvisioned", 7, "under_provisioned"),
        ("policyName", ["production"], "policy_name"),
        ("id", {}, "id"),
    ],
)
def test_a_value_that_cannot_be_read_is_unknown_and_named(field: str, value: object, attribute: str) -> None:
    web, other = parsing.to_workloads({"workloads": [{**ROW, field: value}, OTHER]})
    assert getattr(web, attribute) is None
    assert web.unreadable == (field,)
    assert other.unreadable == ()


@pytest.mark.parametrize(
    ("field", "value", "attribute", "read"),
    [
        ("replicas", 2.0, "replicas", 2),
        ("auto", "TRUE", "automated", True),
        ("auto", "false", "automated", False),
        ("auto", 0, "automated", False),
        ("id", 42, "id", "42"),
        ("savingsAvailable", " 40.2 ", "savings_available_per_month", Decimal("40.2")),
        ("cpuRequests", "500", "cpu_request_millicores", 500),
        ("policyName", None, "policy_name", None),
    ],
)
def test_a_value_of_another_type_is_read_where_it_is_clear(field: str, value: object, attribute: str, read: object) -> None:
    [web] = parsing.to_workloads({"workloads": [{**ROW, field: value}]})
    assert getattr(web, attribute) == read
    assert web.unreadable == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, "row 1: it is null, not an object"),
        (7, "row 1: it is a number, not an object"),
        ([], "row 1: it is a list, not an object"),
        ({**ROW, "workloadName": None}, "row 1 (shop_Deployment_web): workloadName is missing"),
        ({**ROW, "clusterName": "  "}, "row 1 (web): clusterName is an empty text, not a name"),
        ({**ROW, "namespace": True}, "row 1 (web): namespace is a boolean, not a name"),
        ({**ROW, "type": {}}, "row 1 (web): type is an object, not a name"),
        ({**ROW, "workloadName": "x" * 5000}, "row 1 (shop_Deployment_web): workloadName is a text, not a name"),
    ],
)
def test_a_row_that_cannot_be_read_is_set_aside_and_its_component_is_incomplete(row: object, reason: str) -> None:
    measurement = measured([row, OTHER])
    snapshot = measurement.snapshot
    assert snapshot.outcome is Outcome.MEASURED
    assert snapshot.cost_7d == Total(amount=Decimal("40.2"), known=1, parts=2)
    assert [point.key.name for point in measurement.points if point.key.is_identified] == ["api"]
    (unreadable,) = [point for point in measurement.points if not point.key.is_identified]
    assert isinstance(unreadable.cost_7d, Unknown)
    label, cause = reason.split(": ")
    assert label in unreadable.key.name
    assert unreadable.cost_7d.reason == f"its row could not be read: {cause}"


def test_a_row_set_aside_is_not_taken_for_one_of_another_cluster_or_namespace() -> None:
    rows = parsing.to_workloads({"workloads": [{**ROW, "workloadName": None}, OTHER]})
    elsewhere = run_live_action(
        "data", PlannedScaleOps(workloads_by_labels={("app=web",): rows}), namespaces_allowed={WEB.ref: ("bank",)}
    )
    assert not any("could not be read" in warning for warning in elsewhere["warnings"])
    here = run_live_action("data", PlannedScaleOps(workloads_by_labels={("app=web",): rows}))
    assert (
        "1 row of ScaleOps' workload list could not be read and is unknown: row 1 (shop_Deployment_web): workloadName is missing"
        in (here["warnings"])
    )


@pytest.mark.parametrize("empty", [{}, {"workloads": None}, {"workloads": []}])
def test_nothing_is_empty_in_every_form_of_the_api(empty: object) -> None:
    assert parsing.to_workloads(empty) == ()


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (None, "the document: null"),
        ([ROW], "the document: a list"),
        ("workloads", "the document: a text"),
        ({"workloads": {}}, "workloads: an object in place of a list"),
        ({"workloads": "none"}, "workloads: a text in place of a list"),
        ({"workloads": 0}, "workloads: a number in place of a list"),
        ({"error": "try later"}, "workloads: it is missing, among 1 other members"),
        ({"workloads": [None, 7]}, "workloads: none of 2 rows can be read; row 1: it is null"),
        ({"workloads": [ROW, *[None] * 2000]}, "workloads: more than 1,000 rows cannot be read; row 2: it is null"),
    ],
)
def test_a_response_of_another_shape_is_an_error_and_not_empty(document: object, where: str) -> None:
    with pytest.raises(UnexpectedSchema, match=where):
        parsing.to_workloads(document)


def test_odd_rows_of_the_other_endpoints_cost_only_themselves() -> None:
    costs = parsing.to_cost_rows({"aggregatedWorkloads": [None, {"id": None}, {"id": 42, "totalCost": "NaN"}, COST, {"id": []}]})
    assert [(row.id, row.total_cost, row.unreadable) for row in costs] == [
        ("42", None, ("totalCost",)),
        (COST["id"], Decimal("40.2"), ()),
    ]
    assert [aside.label for aside in set_aside_of(costs)] == ["row 1", "row 5"]
    peers = parsing.to_destinations([None, {"Name": "x", "replicas": "many", "totalCost": {"total": 1e300}, "totalTraffic": 3}])
    assert [(peer.name, peer.replicas, peer.total_cost and peer.total_cost.total, peer.total_traffic) for peer in peers] == [
        ("x", None, None, None)
    ]
    policies = parsing.to_policies(
        {"policies": [{"metadata": {"name": "cost"}}, {"metadata": None}, {"metadata": {"name": None}}]}
    )
    assert ([policy.name for policy in policies], len(set_aside_of(policies))) == (["cost"], 2)
    flags = parsing.to_flags({"networkCostEnabled": {"a": True, "b": "false", "c": None, "d": "maybe"}})
    assert flags == {"a": True, "b": False, "c": None, "d": None}


def test_an_unclear_network_flag_is_unknown_and_not_off() -> None:
    scaleops = PlannedScaleOps(
        workloads_by_labels={("app=web",): parsing.to_workloads({"workloads": [ROW]})}, flags={"east": None}
    )
    [point] = measure(WEB, scaleops, as_of=NOW).measurement.points
    assert isinstance(point.network, Unknown)


def test_a_row_of_the_inventory_that_cannot_be_read_is_an_unknown_workload() -> None:
    unreadable, nothing, web = parsing.to_inventory([{**ROW, "workloadName": None}, None, ROW])
    assert (unreadable.key.cluster, unreadable.key.namespace, unreadable.id) == ("east", "shop", "shop_Deployment_web")
    assert not unreadable.key.is_identified
    assert not nothing.key.is_identified
    assert (unreadable.savings_available_per_month, nothing.id) == (None, None)
    assert web.key.name == "web"


def test_why_a_number_is_unknown_is_said() -> None:
    [web, api] = measured([{**ROW, "savingsAvailable": "NaN", "activeSavings": None}, OTHER]).points
    assert web.savings_available_per_month == Unknown(NOT_READABLE)
    assert web.active_savings_per_month == Unknown(LEFT_OUT)
    assert api.savings_available_per_month == Decimal("120.5")


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"workloads":[]}',
        '\ufeff{"workloads":[]}'.encode("utf-16-le"),
        b'{"workloads":[], "x": "\\ud800"}',
        b'{"workloads":[], "x": NaN}',
        b'{"workloads":[], "x": "\xff"}',
        b'{"workloads":[], "x": ' + b"9" * 9000 + b"}",
    ],
)
def test_json_is_decoded_as_it_is_sent_in_practice(body: bytes) -> None:
    document = decode_json(body)
    assert isinstance(document, dict)
    assert parsing.to_workloads({"workloads": document["workloads"]}) == ()
    json.dumps(document, ensure_ascii=False).encode()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1,", b"[" * 100_000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_json(body)


@pytest.mark.parametrize("name", sorted(path.name for path in ANSWERS.glob("*.dash.json")))
def test_an_answer_from_the_field_costs_at_most_its_own_number(name: str) -> None:
    workloads = parsing.to_workloads(decode_json((ANSWERS / name).read_bytes()))
    cost_file = ANSWERS / name.replace(".dash.", ".cost.")
    costs = parsing.to_cost_rows(decode_json(cost_file.read_bytes())) if cost_file.exists() else ()
    scaleops = PlannedScaleOps(
        workloads_by_labels={("app=web",): workloads}, costs_by_cluster={"prod": costs}, flags={"prod": False}
    )
    measurement = measure(WEB, scaleops, as_of=NOW).measurement
    by_name = {point.key.name: point for point in measurement.points}
    assert measurement.snapshot.outcome is Outcome.MEASURED
    assert len(measurement.points) == 2
    assert by_name["cart"].savings_available_per_month == Decimal("120.5")
    if costs:
        assert measurement.snapshot.cost_7d == Total(amount=Decimal("40.2"), known=1, parts=2)


def rows_with_one_odd_value() -> some.SearchStrategy[dict[str, Any]]:
    return some.tuples(some.sampled_from(sorted(ROW)), ANY_JSON).map(lambda odd: {**ROW, odd[0]: odd[1]})


@given(odd=rows_with_one_odd_value() | ANY_JSON, before=some.booleans())
def test_any_value_in_any_field_never_raises_and_never_costs_another_row(odd: object, *, before: bool) -> None:
    rows = [odd, OTHER] if before else [OTHER, odd]
    found = parsing.to_workloads(decode_json(json.dumps({"workloads": rows}).encode()))
    assert len(found) + len(set_aside_of(found)) == 2
    [other] = [workload for workload in found if workload.key.name == "api"][-1:]
    assert (other.savings_available_per_month, other.unreadable) == (Decimal("120.5"), ())
    for workload in found:
        assert_is_sane(workload)


def assert_is_sane(workload: Workload) -> None:
    for value in (workload.savings_available_per_month, workload.active_savings_per_month):
        assert value is None or abs(value) <= 10**12
    for count in (workload.replicas, workload.oom_kills_24h):
        assert count is None or 0 <= count <= 10**7
    str(workload.key).encode()


@given(odd=ANY_JSON, field=some.sampled_from(["id", *sorted(COST)]))
def test_any_value_in_a_cost_row_or_peer_or_policy_never_raises(odd: object, field: str) -> None:
    rows = parsing.to_cost_rows({"aggregatedWorkloads": [{**COST, field: odd}, OTHER_COST]})
    assert OTHER_COST["id"] in [row.id for row in rows]
    assert parsing.to_destinations([{"Name": "x", "totalCost": odd, "replicas": odd, "crossAZTraffic": {"total": odd}}, {}])
    assert parsing.to_policies({"policies": [{"metadata": {"name": odd}}, {"metadata": odd}, {"metadata": {"name": "cost"}}]})
    assert parsing.to_flags({"networkCostEnabled": {"east": odd}}).keys() == {"east"}
