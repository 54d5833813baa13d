"""A quiet week is reported in one short message; a week of which anything is unknown, unusual or new never is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from alerts.policy import Rule
from domain.advice import Issue
from domain.closing_point import ClosingPoint
from domain.refs import EntityRef
from domain.tracking import RecommendationEnd
from domain.usual_range import WeeklyChange
from reports.builders.report import build_team_report
from reports.facts import OpenedAlert, ReportedAlert, TeamAlerts, TeamFacts
from reports.render.documents import render_page
from reports.render.slack import render_slack
from tests.factories import make_ref
from tests.unit.report_samples import NOW, THEN, WEEK, make_meta, measured, point, recommendation, rich_facts, weeks_until


def closing(*costs: float | None, unknown: bool = False, as_of: datetime = NOW) -> ClosingPoint:
    points = [point(f"w{number}", cost) for number, cost in enumerate(costs)]
    others = [measured("ledger", unknown="ScaleOps did not answer")] if unknown else []
    found = [replace(one, snapshot=replace(one.snapshot, as_of=as_of)) for one in (measured("checkout", *points), *others)]
    return ClosingPoint(as_of=as_of, measurements=tuple(found))


def usual_changes(weeks: int = 12) -> tuple[WeeklyChange, ...]:
    return tuple(
        WeeklyChange(week=WEEK.shift(-back), amount=Decimal(5 * (-1) ** back), cost_then=Decimal(300), is_comparable=True)
        for back in range(weeks, 0, -1)
    )


def quiet_facts(now: ClosingPoint | None = None, then: ClosingPoint | None = None) -> TeamFacts:
    now, then = now or closing(103, 201), then or closing(100, 200, as_of=THEN)
    return replace(
        rich_facts(),
        meta=make_meta(quiet=True),
        now=now,
        then=then,
        weeks=weeks_until(now),
        followed=(recommendation("checkout", "w0", Issue.OVER_PROVISIONED, 30),),
        alerts=TeamAlerts(open=(ReportedAlert(rule=Rule.OVER_PROVISIONED, about=make_ref(), since=THEN - timedelta(days=9)),)),
        opened=(OpenedAlert(rule=Rule.UNDER_PROVISIONED, about=make_ref(), as_of=THEN - timedelta(days=1), is_page=True),),
        changes_before=usual_changes(),
    )


def slack_texts(facts: TeamFacts) -> list[str]:
    return [str(renderings[-1].payload["text"]) for renderings in render_slack(build_team_report(facts))]


def test_a_quiet_week_is_one_message_with_total_change_and_link() -> None:
    report = build_team_report(quiet_facts())
    texts = slack_texts(quiet_facts())
    assert len(texts) == 1
    assert texts[0].splitlines()[0] == "Payments: weekly cost, 2026-W47"
    assert "€304.00" in texts[0]
    assert "+€4.00" in texts[0] or "€4.00" in texts[0]
    assert "The full report: https://reports.example/reports/payments/2026-W47" in texts[0].splitlines()
    assert "What to do" in render_page(report)
    assert "Automation and policies" in render_page(report)


def test_without_a_page_the_message_names_the_command() -> None:
    report = build_team_report(quiet_facts()).model_copy(update={"page": None})
    texts = [str(renderings[-1].payload["text"]) for renderings in render_slack(report)]
    assert "The full report: scaleops-worker report --team group:default/payments --week 2026-W47" in texts[0].splitlines()


AboutFacts = Callable[[TeamFacts], TeamFacts]
LATER = NOW - timedelta(days=2)
UNQUIET: dict[str, AboutFacts] = {
    "not configured": lambda facts: replace(facts, meta=make_meta()),
    "above the usual range": lambda facts: replace(facts, now=closing(160, 250)),
    "below the usual range": lambda facts: replace(facts, now=closing(50, 150)),
    "too early to say": lambda facts: replace(facts, changes_before=usual_changes(5)),
    "no week before": lambda facts: replace(facts, then=None),
    "no snapshot": lambda facts: replace(facts, now=None),
    "a component is unknown": lambda facts: replace(facts, now=closing(103, 201, unknown=True)),
    "a component was unknown the week before": lambda facts: replace(facts, then=closing(100, 200, unknown=True, as_of=THEN)),
    "the cost of a workload is unknown": lambda facts: replace(
        facts, now=closing(103, 201, None), then=closing(100, 200, 1, as_of=THEN)
    ),
    "the listing is incomplete": lambda facts: replace(facts, now=replace(closing(103, 201), listing_complete=False)),
    "a workload was added": lambda facts: replace(facts, now=closing(103, 201, 400)),
    "a workload was removed": lambda facts: replace(facts, then=closing(100, 200, 400, as_of=THEN)),
    "a recommendation is new": lambda facts: replace(
        facts, followed=(recommendation("checkout", "w0", Issue.UNDER_PROVISIONED, 3),)
    ),
    "a recommendation came and went": lambda facts: replace(
        facts, followed=(recommendation("checkout", "w0", Issue.UNDER_PROVISIONED, 3, RecommendationEnd.NO_LONGER_ADVISED),)
    ),
    "an alert opened": lambda facts: replace(
        facts,
        alerts=TeamAlerts(open=(ReportedAlert(rule=Rule.BUDGET, about=EntityRef.parse("group:default/payments"), since=LATER),)),
    ),
    "on-call was paged, and the alert has ended": lambda facts: replace(
        facts,
        alerts=TeamAlerts(),
        opened=(OpenedAlert(rule=Rule.UNDER_PROVISIONED, about=make_ref(), as_of=LATER, is_page=True),),
    ),
    "a cost became usual": lambda facts: replace(facts, alerts=TeamAlerts(became_usual=(make_ref(),))),
}


@pytest.mark.parametrize("change", UNQUIET.values(), ids=UNQUIET)
def test_what_is_unusual_new_or_unknown_is_never_quiet(change: AboutFacts) -> None:
    facts = change(quiet_facts())
    assert not build_team_report(facts).quiet
    assert not any("nothing new is advised" in text for text in slack_texts(facts))


@pytest.mark.parametrize("now", [closing(100, 200), closing(103, 201, 2)])
def test_noise_is_quiet(now: ClosingPoint) -> None:
    assert build_team_report(quiet_facts(now)).quiet
