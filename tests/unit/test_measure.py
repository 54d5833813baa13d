"""Measuring one component: known and unknown values with reasons, and no exception for its own problems."""

from datetime import timedelta
from decimal import Decimal

from actions.live.measure import MeasureResult, measure
from clients.http.errors import ErrorKind, ServiceError
from domain.component import Component
from domain.measures import Total, Unknown
from domain.snapshots import NetworkOff, NetworkUse, Outcome, WorkloadPoint
from tests.factories import NOW, make_component, make_cost_row, make_destination, make_workload
from tests.stage_factories import WEB, PlannedScaleOps, make_service_error, plan_workloads


def measured(scaleops: PlannedScaleOps, component: Component | None = None) -> MeasureResult:
    return measure(component or WEB, scaleops, as_of=NOW)


def points_of(measuring: MeasureResult) -> dict[str, WorkloadPoint]:
    return {f"{point.key.name}@{point.key.cluster}": point for point in measuring.measurement.points}


def test_a_measurement_makes_one_set_of_calls() -> None:
    a = make_workload("a")
    scaleops = plan_workloads(
        a, costs_by_cluster={"east": (make_cost_row(a),)}, flags={"east": True}, network_by_name={"a": (make_destination("2"),)}
    )
    result = measured(scaleops)
    assert sorted(str(call[0]) for call in scaleops.calls) == ["costs", "flags", "network", "policies", "workloads"]
    assert ("network", "east/shop/Deployment/a", timedelta(hours=168), NOW) in scaleops.calls
    assert not result.is_scaleops_down


def test_a_lone_surrogate_in_a_name_does_not_prevent_measurement() -> None:
    a = make_workload("a", policy_name="odd \ud800")
    result = measured(plan_workloads(a, costs_by_cluster={"east": (make_cost_row(a),)}, flags={"east": False}))
    assert result.measurement.snapshot.outcome is Outcome.MEASURED


def test_what_is_known_of_a_workload_becomes_its_point() -> None:
    a = make_workload("a", under_provisioned=True, oom_kills_24h=3)
    plans = {"costs_by_cluster": {"east": (make_cost_row(a, total="12.34"),)}, "flags": {"east": True}}
    [point] = measured(
        plan_workloads(a, network_by_name={"a": (make_destination("2", cross="1"), make_destination("3"))}, **plans)
    ).measurement.points
    assert (point.as_of, point.key, point.policy_name) == (NOW, a.key, "cost")
    assert (point.automated, point.under_provisioned, point.over_provisioned) == (True, True, False)
    assert (point.cpu_request_millicores, point.cpu_recommended_millicores) == (100, 80.5)
    assert (point.memory_request_bytes, point.memory_recommended_bytes, point.replicas) == (1024, 512, 2)
    assert (point.cost_7d, point.savings_available_per_month) == (Decimal("12.34"), Decimal(0)), "what needs more saves nothing"
    assert (point.active_savings_per_month, point.oom_kills_24h) == (Decimal(2), 3)
    assert point.network == NetworkUse(cost=Decimal(5), cross_az_cost=Decimal(1), cross_az_traffic_bytes=Decimal(100))


def test_totals_hold_what_is_known_with_their_coverage() -> None:
    known, unknown = make_workload("a"), make_workload("b", savings_available_per_month=None)
    snapshot = measured(plan_workloads(known, unknown, costs_by_cluster={"east": (make_cost_row(known),)})).measurement.snapshot
    assert snapshot.outcome is Outcome.MEASURED
    assert snapshot.workloads == (known.key, unknown.key)
    assert snapshot.cost_7d == Total(amount=Decimal(168), known=1, parts=2)
    assert snapshot.savings_available_per_month == Total(amount=Decimal("1.5"), known=1, parts=2)
    assert snapshot.warnings == ("east has no policy named cost",), "the points hold what is unknown of a workload"


def test_a_component_without_workloads_is_measured_as_zero() -> None:
    result = measured(plan_workloads())
    assert result.measurement.snapshot.outcome is Outcome.MEASURED
    assert result.measurement.snapshot.cost_7d == Total(amount=Decimal(0), known=0, parts=0)
    assert result.measurement.points == ()


def test_values_of_failed_calls_are_unknown_with_the_reason() -> None:
    a, b = make_workload("a", automated=None), make_workload("b", cluster="west", policy_name="N/A")
    scaleops = plan_workloads(
        a,
        b,
        costs_by_cluster={"east": make_service_error(), "west": ()},
        flags={"east": True},
        network_by_name={"a": make_service_error()},
    )
    points = points_of(measured(scaleops))
    trouble = Unknown("ScaleOps returned an error")
    assert (points["a@east"].cost_7d, points["a@east"].network) == (trouble, trouble)
    assert points["a@east"].automated == Unknown("ScaleOps left it out")
    assert points["b@west"].cost_7d == Unknown("the cost report has no row for it")
    assert (points["b@west"].network, points["b@west"].policy_name) == (NetworkOff(), None)


def test_missing_network_figures_are_unknown_one_by_one() -> None:
    plans = {"flags": {"east": True}, "network_by_name": {"a": (make_destination("2", cross=None),)}}
    [point] = measured(plan_workloads(make_workload("a"), **plans)).measurement.points
    assert isinstance(point.network, NetworkUse)
    assert (point.network.cost, point.network.cross_az_cost) == (Decimal(2), Unknown("ScaleOps left it out"))


def test_without_the_flags_network_is_unknown_not_off() -> None:
    [point] = measured(plan_workloads(make_workload("a"), flags=make_service_error())).measurement.points
    assert point.network == Unknown("ScaleOps returned an error")


def test_workloads_that_cannot_be_listed_are_an_unknown_outcome() -> None:
    result = measured(PlannedScaleOps(workloads_by_labels={("app=web",): make_service_error()}))
    snapshot = result.measurement.snapshot
    assert (snapshot.outcome, snapshot.reason) == (Outcome.UNKNOWN, "ScaleOps returned an error")
    assert snapshot.cost_7d.amount == Unknown("ScaleOps returned an error")
    assert (result.measurement.points, result.is_scaleops_down) == ((), False)


def test_an_unusable_selector_is_an_unknown_outcome() -> None:
    result = measured(plan_workloads(), make_component("web", label_selector="!gpu"))
    assert result.measurement.snapshot.outcome is Outcome.UNKNOWN
    assert "nothing of the selector '!gpu' can be sent" in result.measurement.snapshot.reason
    assert not result.is_scaleops_down


def test_an_unavailable_scaleops_is_distinguished() -> None:
    away = ServiceError("ScaleOps refused the login", kind=ErrorKind.AUTH, permanent=True, service_down=True)
    assert measured(PlannedScaleOps(workloads_by_labels={("app=web",): away})).is_scaleops_down
