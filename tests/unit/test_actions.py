"""The live actions over a double of ScaleOps: their calls, what they reject, and their common fields."""

from __future__ import annotations

from functools import partial

import pytest

from actions.catalogue import ACTIONS
from actions.errors import (
    ActionError,
    AuthenticationError,
    InputError,
    NotAllowedError,
    NotFoundError,
    ServiceUnavailableError,
)
from actions.fanout import ThreadFanOut
from clients.http.errors import ErrorKind, ServiceError
from domain.component import Component
from domain.messages import Json
from domain.refs import UNOWNED, EntityRef
from tests.unit.action_factories import (
    WEB,
    PlannedScaleOps,
    a_component,
    a_workload,
    failure,
    found,
    request_context_of,
    run,
    run_with,
)

# Errors


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("data", {"entityRef": "web"}, "'web' is not an entity reference"),
        ("data", {"entityRef": ""}, "'' is not an entity reference"),
        ("data", {"entityRef": 7}, "the argument entityRef is invalid: input should be a valid string"),
        ("data", {"entity": "x"}, "unknown argument 'entity'; valid arguments are entityRef"),
        ("cost_analysis", {"range": "1y"}, "the argument range is invalid: input should be '7d', '30d' or '90d'"),
        ("cost_analysis", {"hours": 1}, "unknown argument 'hours'; valid arguments are entityRef, range"),
        ("recommendations", {"minSavingsThreshold": "much"}, "the argument minSavingsThreshold is invalid"),
        (
            "network_usage",
            {"timeRangeHours": 0},
            "the argument timeRangeHours is invalid: input should be greater than or equal to 1",
        ),
        ("network_usage", {"timeRangeHours": -1}, "greater than or equal to 1"),
        ("network_usage", {"timeRangeHours": 2161}, "less than or equal to 2160"),
        ("network_usage", {"timeRangeHours": "24"}, "the argument timeRangeHours is invalid: input should be a valid number"),
        ("network_usage", {"timeRangeHours": True}, "the argument timeRangeHours is invalid: input should be a valid number"),
        ("data", {"entityRef": "b" * 1001}, "the argument 'entityRef' is longer than 1000 characters"),
        ("data", {"b" * 9999: 1}, f"unknown argument {'b' * 64!r}; valid arguments are entityRef"),
        ("data", {"b" * 9999: "\0"}, f"the argument {'b' * 64!r} contains a character that is not valid text"),
        (
            "data",
            {"entityRef": "component:default/" + "b" * 300},
            "…' is not an entity reference: it has more than 255 characters",
        ),
        ("data", {"entityRef": "b" * 200}, f"'{'b' * 100}…' is not an entity reference; write"),
    ],
)
def test_invalid_arguments_are_rejected_with_what_is_valid(name: str, arguments: dict[str, Json], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        run_with(name, found(), arguments)
    assert sentence in str(refused.value)


def test_a_missing_reference_is_rejected() -> None:
    with pytest.raises(InputError, match="the argument entityRef is missing"):
        ACTIONS["get_scaleops_data_for_entity"].run({}, request_context_of(found()))


@pytest.mark.parametrize("name", ["data", "cost_analysis", "recommendations", "network_usage", "policy_definitions"])
@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (failure(ErrorKind.CONNECTION, None), ServiceUnavailableError),
        (failure(ErrorKind.THROTTLED, 429), ServiceUnavailableError),
        (failure(ErrorKind.SERVER_ERROR, 500), ServiceUnavailableError),
        (failure(ErrorKind.INVALID_RESPONSE, 200), ServiceUnavailableError),
        (failure(ErrorKind.NOT_FOUND, 404), ServiceUnavailableError),
        (failure(ErrorKind.AUTH, 401), AuthenticationError),
        (failure(ErrorKind.AUTH, 403), NotAllowedError),
        (failure(ErrorKind.REJECTED, 400), InputError),
    ],
)
def test_scaleops_errors_map_to_backstage_errors(name: str, trouble: ServiceError, error: type[ActionError]) -> None:
    with pytest.raises(error, match="ScaleOps returned an error"):
        run(name, PlannedScaleOps(workloads_by_labels={("app=web",): trouble}))


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (failure(ErrorKind.NOT_FOUND, 404), NotFoundError),
        (failure(ErrorKind.CONNECTION, None), ServiceUnavailableError),
        (failure(ErrorKind.AUTH, 401), AuthenticationError),
        (failure(ErrorKind.AUTH, 403), NotAllowedError),
    ],
)
def test_catalog_errors_map_to_backstage_errors(trouble: ServiceError, error: type[ActionError]) -> None:
    with pytest.raises(error):
        run("data", found(), trouble)


def test_error_names_and_statuses_are_those_of_backstage() -> None:
    assert {
        (error.name, error.status)
        for error in (InputError, NotFoundError, AuthenticationError, NotAllowedError, ServiceUnavailableError)
    } == {
        ("InputError", 400),
        ("NotFoundError", 404),
        ("AuthenticationError", 401),
        ("NotAllowedError", 403),
        ("ServiceUnavailableError", 503),
    }


def test_a_hidden_entity_is_not_found() -> None:
    caller = request_context_of(found(a_workload()), viewer=lambda _: False)
    with pytest.raises(NotFoundError, match="the catalog has no entity component:default/web"):
        ACTIONS["get_scaleops_data_for_entity"].run({"entityRef": str(WEB)}, caller)


@pytest.mark.parametrize(
    "component",
    [a_component(label_selector=None), a_component(label_selector="env!=prod"), a_component(label_selector="a in (")],
)
def test_an_entity_without_a_usable_selector_is_an_input_error(component: Component) -> None:
    scaleops = found()
    with pytest.raises(InputError):
        run("data", scaleops, component)
    assert scaleops.calls == []


@pytest.mark.parametrize("name", ["network_usage", "policy_definitions"])
def test_an_unknown_workload_is_not_found(name: str) -> None:
    with pytest.raises(NotFoundError, match="component:default/web has no workload named 'nobody'"):
        run(name, found(a_workload()), workloadName="nobody")


# What every output says


@pytest.mark.parametrize("name", ["data", "cost_analysis", "recommendations", "network_usage", "policy_definitions"])
def test_every_output_names_entity_currency_and_time(name: str) -> None:
    output = run(name, found(), entityRef="COMPONENT:Default/WEB")
    assert output["entity"] == {"name": "Web", "namespace": "Default", "kind": "Component"}
    assert (output["currency"], output["asOf"], output["warnings"]) == ("EUR", "2026-11-16T06:00:00Z", [])
    assert output["period"] == {"cost_analysis": "7d", "network_usage": "24h", "policy_definitions": "now"}.get(name, "month")


@pytest.mark.parametrize(
    ("name", "summary"),
    [
        ("data", {"totalWorkloads": 0, "totalSavingsAvailable": 0, "totalActiveSavings": 0, "automatedWorkloads": 0}),
        ("cost_analysis", {"totalCost": 0, "averageHourlyCost": 0, "totalSavingsAvailable": 0}),
        ("recommendations", {"totalRecommendations": 0, "highPriority": 0, "totalPotentialSavings": 0}),
        ("network_usage", {"totalWorkloads": 0, "totalNetworkCost": 0, "totalTraffic": 0}),
        ("policy_definitions", {"totalWorkloads": 0, "workloadsWithPolicies": 0, "uniquePolicies": []}),
    ],
)
def test_no_workloads_give_empty_lists_zero_sums_and_no_more_calls(name: str, summary: dict[str, Json]) -> None:
    scaleops = found()
    assert run(name, scaleops)["summary"].items() >= summary.items()
    assert scaleops.calls == [("workloads", "app=web")]


# Ownership


def test_a_set_in_the_selector_is_one_call_a_value_and_counts_a_workload_once() -> None:
    scaleops = PlannedScaleOps(
        workloads_by_labels={
            ("app=a",): (a_workload("one"), a_workload("both")),
            ("app=b",): (a_workload("both"), a_workload("two")),
        }
    )
    output = run("data", scaleops, a_component(label_selector="app in (a, b), !gpu"))
    assert [row["workloadName"] for row in output["workloads"]] == ["one", "both", "two"]
    assert output["summary"]["totalSavingsAvailable"] == 4.5
    assert len(output["warnings"]) == 1
    assert "'!gpu'" in output["warnings"][0]
    assert scaleops.calls == [("workloads", "app=a"), ("workloads", "app=b")]


def test_namespace_and_cluster_annotations_narrow_the_result() -> None:
    workloads = (a_workload("a"), a_workload("b", namespace="other"), a_workload("c", cluster="west"))
    for component, names in [
        (a_component(namespace_limit="shop"), ["a", "c"]),
        (a_component(cluster_limit="east"), ["a", "b"]),
        (a_component(namespace_limit="shop", cluster_limit="east"), ["a"]),
    ]:
        assert [row["workloadName"] for row in run("data", found(*workloads), component)["workloads"]] == names


@pytest.mark.parametrize("named", [WEB, UNOWNED])
def test_namespaces_that_the_settings_do_not_allow_are_left_out_with_a_warning(named: EntityRef) -> None:
    workloads = (a_workload("a"), a_workload("b", namespace="other"))
    output = run("data", found(*workloads), namespaces_allowed={named: ("shop",)})
    assert [row["workloadName"] for row in output["workloads"]] == ["a"]
    assert output["warnings"] == [
        "1 of 2 workloads were left out: the settings do not allow component:default/web the namespaces other"
    ]


def test_the_settings_of_a_component_override_those_of_its_team() -> None:
    allowed = {WEB: ("shop", "other"), UNOWNED: ("shop",)}
    output = run("data", found(a_workload("a"), a_workload("b", namespace="other")), namespaces_allowed=allowed)
    assert len(output["workloads"]) == 2


# Fan-out


def test_parallel_calls_return_in_order_and_raise_the_error() -> None:
    with ThreadFanOut(4) as threads:
        assert threads([partial(pow, n, 2) for n in range(10)]) == [n * n for n in range(10)]
        assert threads([]) == []
        done = []

        def fail() -> None:
            raise failure()

        with pytest.raises(ServiceError):
            threads([fail, lambda: done.append(1)])
        assert done == [1]
