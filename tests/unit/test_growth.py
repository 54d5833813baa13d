"""An alert about money contains what grew: the largest workloads with their causes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from alerts.observations import AlertId, CostFigures
from alerts.policy import Rule
from alerts.states import SlackPost
from domain.closing_point import ClosingPoint
from domain.measures import Unknown
from domain.snapshots import WorkloadPoint
from reports.builders.growth import describe_growth
from reports.notices import MessageContext, slack_notice
from tests.factories import CHECKOUT, SLOT, make_measurement, make_point
from tests.unit.alert_scenario import AlertScenario, finding, met

WEEK = timedelta(days=7)
LONG_AGO = SLOT - 9 * WEEK


def week(*points: WorkloadPoint, back: int = 0) -> ClosingPoint:
    as_of = SLOT - back * WEEK
    return ClosingPoint(as_of=as_of, measurements=(make_measurement("checkout", *points, as_of=as_of),))


def point(name: str, cost: Decimal | Unknown, cluster: str = "east") -> WorkloadPoint:
    return make_point(name, cluster=cluster, cost_7d=cost, listed_since=LONG_AGO)


def grown(*changes: tuple[str, int, int]) -> tuple[str, ...]:
    now = week(*(point(name, Decimal(cost)) for name, _, cost in changes))
    then = week(*(point(name, Decimal(cost)) for name, cost, _ in changes), back=1)
    return describe_growth(now, then, currency="EUR", zone="UTC")


def test_the_three_that_grew_most_are_named_and_the_rest_is_counted() -> None:
    lines = grown(("a", 100, 150), ("b", 100, 300), ("c", 100, 180), ("d", 100, 140), ("e", 100, 130), ("f", 100, 20))
    assert [line.split(",")[0] for line in lines] == [
        "Grew since Mon 16 Nov: b",
        "Grew since Mon 16 Nov: c",
        "Grew since Mon 16 Nov: a",
        "2 more workloads grew: +€70.00",
    ]
    assert lines[0].startswith("Grew since Mon 16 Nov: b, east: +€200.00 (+200%), ")


def test_nothing_that_fell_or_is_noise_is_named() -> None:
    assert grown(("a", 100, 50), ("b", 1000, 1001)) == ()


def test_what_cannot_be_compared_is_counted_and_is_no_growth() -> None:
    now = week(point("a", Decimal(100)), point("b", Decimal(300)))
    unknown = point("a", Unknown("refused"))
    lines = describe_growth(now, week(unknown, point("b", Decimal(100)), back=1), currency="EUR", zone="UTC")
    assert lines[1:] == ("Not comparable, because a cost is unknown: 1 workload",)
    assert describe_growth(now, week(unknown, point("b", Decimal(300)), back=1), currency="EUR", zone="UTC") == ()


def test_a_cost_alert_contains_what_grew_and_asks_for_a_decision() -> None:
    whole = replace(finding(), workload=None, figures=CostFigures(cost_7d=Decimal(300), usual_cost_7d=Decimal(100), weeks=4))
    notice = AlertScenario().observe(met(1))[0]
    notice = replace(notice, alert=AlertId(rule=Rule.COST_INCREASE, about=CHECKOUT), findings=(whole,))
    context = MessageContext(title="Checkout", instance="x", currency="EUR", zone="UTC", growth=grown(("b", 100, 300)))
    message = slack_notice(notice, context, number=1, post=SlackPost(target="C", route="default", root="r"), now=SLOT)
    lines = str(message.renderings[-1].payload["text"]).splitlines()
    assert lines[0] == "Checkout: 7-day cost up €200.00 (+200%) vs 4-week average"
    assert lines[2].startswith("• Grew since Mon 16 Nov: b, east: +€200.00 (+200%), ")
    assert "What to do: Check whether this growth is meant; if it is not, undo the change that caused it." in lines
