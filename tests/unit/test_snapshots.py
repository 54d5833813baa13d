"""Known workloads of which a sweep measured nothing stay in the sums of their component, as unknown."""

from decimal import Decimal

from domain.measures import Total, Unknown, is_known
from tests.factories import make_key, make_measurement, make_point


def test_a_workload_that_was_not_measured_joins_as_unknown() -> None:
    measured = make_measurement("checkout", make_point("worker", cost_7d=Decimal(5)))
    found = measured.with_unmeasured([make_key("worker"), make_key("api")], reason="the cluster is lost")

    assert [point.key for point in found.points] == [make_key("api"), make_key("worker")]
    assert found.snapshot.workloads == (make_key("api"), make_key("worker"))
    assert found.points[0].cost_7d == Unknown("the cluster is lost")
    assert found.points[0].as_of == measured.snapshot.as_of
    assert found.points[1] is measured.points[0]
    assert found.snapshot.cost_7d == Total(amount=Decimal(5), known=1, parts=2)


def test_without_any_it_stays_as_it_is() -> None:
    unknown = make_measurement("checkout", reason="with 503")
    measured = make_measurement("checkout", make_point("api"))

    assert unknown.with_unmeasured([], reason="x") is unknown
    assert measured.with_unmeasured([make_key("api")], reason="x") is measured


def test_an_unknown_component_keeps_the_workloads_that_are_known_of_it() -> None:
    found = make_measurement("checkout", reason="with 503").with_unmeasured([make_key("api")], reason="with 503")

    assert not is_known(found.snapshot.cost_7d.amount)
    assert (found.snapshot.cost_7d.known, found.snapshot.cost_7d.parts) == (0, 1)
