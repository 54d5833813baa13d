"""What is still open is one line for each age, by workload over clusters: never a line for each, and without accusation."""

from dataclasses import replace
from decimal import Decimal

from domain.advice import Issue
from domain.closing_point import ClosingPoint
from reports import content
from reports.builders.report import build_team_report
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from tests.factories import make_key, make_measurement, make_point
from tests.unit import report_samples as samples


def test_open_recommendations_are_counted_and_named_once() -> None:
    places = [("ads", "east", 77), ("ads", "west", 30), ("cart", "east", 35), ("new", "east", 3), ("mid", "east", 15)]
    keys = {(name, cluster): make_key(name, cluster=cluster) for name, cluster, _ in places}
    points = [make_point(key=key, over_provisioned=True, savings_available_per_month=Decimal(10)) for key in keys.values()]
    now = ClosingPoint(as_of=samples.NOW, measurements=(make_measurement("checkout", *points, as_of=samples.NOW),))
    followed = []
    for name, cluster, days in places:
        one = samples.recommendation("checkout", name, Issue.OVER_PROVISIONED, days)
        followed.append(replace(one, key=replace(one.key, workload=keys[name, cluster])))
    report = build_team_report(replace(samples.rich_facts(), now=now, then=None, followed=tuple(followed)))
    follow = next(one.body for one in report.sections if isinstance(one.body, content.FollowUp))
    assert follow.open_lines == (
        "1 recommendation newly advised, \N{EURO SIGN}10.00 a month: new.",
        "1 recommendation open since Sun 8 Nov or later, \N{EURO SIGN}10.00 a month: mid.",
        "3 recommendations open for 4+ weeks, \N{EURO SIGN}30.00 a month: ads x2 (11 weeks), cart (5 weeks).",
    )
    slack = str([message[0].payload for message in render_slack(report)])
    for rendering in (render_page(report), render_markdown(report), slack):
        assert all(line in rendering for line in follow.open_lines)
        assert "gnored" not in rendering
