"""The live actions over a double of ScaleOps: their calls, what they reject, and their common fields."""

from functools import partial

import pytest

from actions.catalogue import ACTIONS
from actions.errors import ActionError, AuthenticationError, InputError, NotAllowedError, NotFoundError, ServiceUnavailableError
from actions.fanout import ThreadFanOut
from actions.live.upstream import NOTHING_MATCHES
from clients.http.errors import ErrorKind, ServiceError
from domain.component import Component
from domain.messages import Json
from domain.refs import EntityRef
from tests.factories import make_component, make_workload
from tests.stage_factories import (
    WEB,
    PlannedScaleOps,
    make_live_context,
    make_request_context,
    make_service_error,
    plan_workloads,
    run_action,
    run_live_action,
)


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
            {"timeRangeHours": 0.5},
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
    context = make_request_context(live=make_live_context(plan_workloads()))
    with pytest.raises(InputError) as refused:
        run_action(f"get_scaleops_{name}_for_entity", context, **{"entityRef": str(WEB.ref)} | arguments)
    assert sentence in str(refused.value)


def test_a_missing_reference_is_rejected() -> None:
    with pytest.raises(InputError, match="the argument entityRef is missing"):
        run_action("get_scaleops_data_for_entity", make_request_context(live=make_live_context(plan_workloads())))


@pytest.mark.parametrize("name", ["data", "cost_analysis", "recommendations", "network_usage", "policy_definitions"])
@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (make_service_error(ErrorKind.CONNECTION, None), ServiceUnavailableError),
        (make_service_error(ErrorKind.THROTTLED, 429), ServiceUnavailableError),
        (make_service_error(ErrorKind.SERVER_ERROR, 500), ServiceUnavailableError),
        (make_service_error(ErrorKind.INVALID_RESPONSE, 200), ServiceUnavailableError),
        (make_service_error(ErrorKind.NOT_FOUND, 404), ServiceUnavailableError),
        (make_service_error(ErrorKind.AUTH, 401), AuthenticationError),
        (make_service_error(ErrorKind.AUTH, 403), NotAllowedError),
        (make_service_error(ErrorKind.REJECTED, 400), InputError),
    ],
)
def test_scaleops_errors_map_to_backstage_errors(name: str, trouble: ServiceError, error: type[ActionError]) -> None:
    with pytest.raises(error, match="ScaleOps returned an error"):
        run_live_action(name, PlannedScaleOps(workloads_by_labels={("app=web",): trouble}))


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (make_service_error(ErrorKind.NOT_FOUND, 404), NotFoundError),
        (make_service_error(ErrorKind.CONNECTION, None), ServiceUnavailableError),
        (make_service_error(ErrorKind.AUTH, 401), AuthenticationError),
        (make_service_error(ErrorKind.AUTH, 403), NotAllowedError),
    ],
)
def test_catalog_errors_map_to_backstage_errors(trouble: ServiceError, error: type[ActionError]) -> None:
    with pytest.raises(error):
        run_live_action("data", plan_workloads(), trouble)


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
    caller = make_request_context(live=make_live_context(plan_workloads(make_workload())), viewer=lambda _: False)
    with pytest.raises(NotFoundError, match="the catalog has no entity component:default/web"):
        ACTIONS["get_scaleops_data_for_entity"].run({"entityRef": str(WEB.ref)}, caller)


@pytest.mark.parametrize(
    "component",
    [
        make_component("web", label_selector=None),
        make_component("web", label_selector="env!=prod"),
        make_component("web", label_selector="a in ("),
    ],
)
def test_an_entity_without_a_usable_selector_is_an_input_error(component: Component) -> None:
    scaleops = plan_workloads()
    with pytest.raises(InputError):
        run_live_action("data", scaleops, component)
    assert scaleops.calls == []


@pytest.mark.parametrize("name", ["network_usage", "policy_definitions"])
def test_an_unknown_workload_is_not_found(name: str) -> None:
    with pytest.raises(NotFoundError, match="component:default/web has no workload named 'nobody'"):
        run_live_action(name, plan_workloads(make_workload()), workloadName="nobody")


@pytest.mark.parametrize("name", ["data", "cost_analysis", "recommendations", "network_usage", "policy_definitions"])
def test_every_output_names_entity_currency_and_time(name: str) -> None:
    output = run_live_action(name, plan_workloads(), entityRef="COMPONENT:Default/WEB")
    assert output["entity"] == {"name": "Web", "namespace": "Default", "kind": "Component"}
    assert (output["currency"], output["asOf"], output["warnings"]) == ("EUR", "2026-11-23T09:00:00Z", [NOTHING_MATCHES])
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
    scaleops = plan_workloads()
    assert run_live_action(name, scaleops)["summary"].items() >= summary.items()
    assert scaleops.calls == [("workloads", "app=web")]


def test_a_set_in_the_selector_is_one_call_a_value_and_counts_a_workload_once() -> None:
    scaleops = PlannedScaleOps(
        workloads_by_labels={
            ("app=a",): (make_workload("one"), make_workload("both")),
            ("app=b",): (make_workload("both"), make_workload("two")),
        }
    )
    output = run_live_action("data", scaleops, make_component("web", label_selector="app in (a, b), !gpu"))
    assert [row["workloadName"] for row in output["workloads"]] == ["one", "both", "two"]
    assert output["summary"]["totalSavingsAvailable"] == 4.5
    assert len(output["warnings"]) == 1
    assert "'!gpu'" in output["warnings"][0]
    assert scaleops.calls == [("workloads", "app=a"), ("workloads", "app=b")]


def test_namespace_and_cluster_annotations_narrow_the_result() -> None:
    workloads = (make_workload("a"), make_workload("b", namespace="other"), make_workload("c", cluster="west"))
    for component, names in [
        (make_component("web", namespace_limit="shop"), ["a", "c"]),
        (make_component("web", cluster_limit="east"), ["a", "b"]),
        (make_component("web", namespace_limit="shop", cluster_limit="east"), ["a"]),
    ]:
        assert [
            row["workloadName"] for row in run_live_action("data", plan_workloads(*workloads), component)["workloads"]
        ] == names


@pytest.mark.parametrize("named", [WEB.ref, WEB.team])
def test_namespaces_that_the_settings_do_not_allow_are_left_out_with_a_warning(named: EntityRef) -> None:
    workloads = (make_workload("a"), make_workload("b", namespace="other"))
    output = run_live_action("data", plan_workloads(*workloads), namespaces_allowed={named: ("shop",)})
    assert [row["workloadName"] for row in output["workloads"]] == ["a"]
    assert output["warnings"] == [
        "1 of 2 workloads were left out: the settings do not allow component:default/web the namespaces other"
    ]


def test_the_settings_of_a_component_override_those_of_its_team() -> None:
    allowed = {WEB.ref: ("shop", "other"), WEB.team: ("shop",)}
    output = run_live_action(
        "data", plan_workloads(make_workload("a"), make_workload("b", namespace="other")), namespaces_allowed=allowed
    )
    assert len(output["workloads"]) == 2


def test_parallel_calls_return_in_order_and_raise_the_error() -> None:
    with ThreadFanOut(4) as threads:
        assert threads([partial(pow, n, 2) for n in range(10)]) == [n * n for n in range(10)]
        assert threads([]) == []
        done = []

        def fail() -> None:
            raise make_service_error()

        with pytest.raises(ServiceError):
            threads([fail, lambda: done.append(1)])
        assert done == [1]
