"""From facts to content. A section that cannot be made says so and leaves the others standing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain.money import format_count, parse_currency
from domain.trends import ClosingPoint, CostChange, compare
from reports import content
from reports.build.top_actions import choose_actions, findings_of
from reports.build.platform import line_up_teams, list_routing
from reports.build.sections import follow_up, list_gaps, list_movers, measure_automation, measure_network, names_of
from reports.facts import ReportMeta, PlatformFacts, TeamFacts, WeekTotal
from reports.build.headline import amount_of, write_headline
from reports.links import PLATFORM_SLUG, team_slug
from reports.dates import format_delay, format_moment

Part = tuple[str, Callable[[], content.Body]]
"""The title of a section, and what makes it."""


def compose_team(facts: TeamFacts) -> content.Report:
    """Compose the weekly report of one team."""
    frame = facts.frame
    change = _change(facts.now, facts.then)
    return _report(
        frame,
        scope="team",
        team=str(facts.team),
        title=facts.title,
        slug=team_slug(facts.team),
        headline=_headline(facts, change),
        parts=(("Cost over the weeks", lambda: trend_of(facts.weeks, frame.currency)), *_team_parts(facts, change)),
    )


def compose_platform(facts: PlatformFacts) -> content.Report:
    """Compose the roll-up of all teams."""
    frame = facts.frame
    change = _change(facts.now, facts.then)
    return _report(
        frame,
        scope="platform",
        team=content.PLATFORM,
        title="All teams",
        slug=PLATFORM_SLUG,
        headline=_headline(facts, change),
        parts=(("Cost over the weeks", lambda: trend_of(facts.weeks, frame.currency)), *_platform_parts(facts)),
    )


def trend_of(weeks: Iterable[WeekTotal], currency: str) -> content.Trend:
    """Turn the weekly totals into the picture's numbers."""
    return content.Trend(
        weeks=tuple(
            content.TrendWeek(
                week=str(one.week), cost=amount_of(one.cost_7d, currency=currency, period="7 days", as_of=one.as_of)
            )
            for one in weeks
        )
    )


def _team_parts(facts: TeamFacts, change: CostChange | None) -> Iterable[Part]:
    now, then, currency = facts.now, facts.then, facts.frame.currency
    if now is None:
        return
    names = names_of(now, then, facts.titles)
    if change is not None:
        yield "What moved the cost", lambda: list_movers(change, currency, names)
    yield (
        "What to do",
        lambda: choose_actions(now, currency=currency, names=names, labels=facts.labels, links=facts.frame.links),
    )
    yield (
        "What became of the recommendations",
        lambda: follow_up(
            facts.followed,
            since=facts.followed_since,
            until=now.as_of,
            currency=currency,
            zone=facts.frame.zone,
            titles=facts.titles,
        ),
    )
    yield "Traffic between zones", lambda: measure_network(now, currency=currency, names=names)
    yield "Automation and policies", lambda: measure_automation(now)
    yield "What could not be measured", lambda: list_gaps(now, facts.titles)


def _platform_parts(facts: PlatformFacts) -> Iterable[Part]:
    now, then, frame = facts.now, facts.then, facts.frame
    if now is not None:
        yield (
            "Teams",
            lambda: line_up_teams(
                now, then, currency=frame.currency, titles=facts.team_titles, links=frame.links, week=frame.week
            ),
        )
    yield "Routes", lambda: list_routing(facts.unrouted, facts.skipped)
    if now is not None:
        yield "Automation and policies", lambda: measure_automation(now)
        yield "What could not be measured", lambda: list_gaps(now, facts.titles)


def _report(
    frame: ReportMeta, *, scope: str, team: str, title: str, slug: str, headline: content.Headline, parts: Iterable[Part]
) -> content.Report:
    return content.Report(
        scope="platform" if scope == content.PLATFORM else "team",
        team=team,
        title=title,
        week=str(frame.week),
        first_day=frame.week.monday.isoformat(),
        last_day=frame.week.sunday.isoformat(),
        zone=frame.zone,
        due_at=frame.due_at,
        made_at=frame.made_at,
        late_because=format_late(frame),
        again=frame.again,
        running=frame.running,
        currency=parse_currency(frame.currency),
        route=frame.route,
        headline=headline,
        sections=tuple(_section(part_title, make) for part_title, make in parts),
        page=frame.links.report(slug, frame.week),
    )


def _section(title: str, make: Callable[[], content.Body]) -> content.Section:
    try:
        return content.Section(title=title, body=make())
    except Exception as trouble:  # noqa: BLE001 - one section's bug must not cost a team its report; the section tells it
        return content.Section(title=title, body=None, failed=f"This section could not be made ({type(trouble).__name__}).")


def format_late(frame: ReportMeta) -> str:
    """Say why a report comes late; empty when it does not."""
    if frame.late is None:
        return ""
    due = format_moment(frame.late.due_at, frame.zone)
    return f"This report comes {format_delay(frame.late.made_at - frame.late.due_at)} late: it was due {due} and nothing made it until now."


def _change(now: ClosingPoint | None, then: ClosingPoint | None) -> CostChange | None:
    return None if now is None or then is None else compare(now, then)


def _headline(facts: TeamFacts | PlatformFacts, change: CostChange | None) -> content.Headline:
    return write_headline(
        now=facts.now,
        then=facts.then,
        change=change,
        findings=() if facts.now is None else findings_of(facts.now),
        currency=facts.frame.currency,
        no_snapshot_because=_why_no_snapshot(facts.frame),
        month_to_date=facts.month_to_date,
        monthly_budget=facts.monthly_budget,
        also_missing=_unrouted(facts) if isinstance(facts, PlatformFacts) else (),
    )


def _unrouted(facts: PlatformFacts) -> Iterable[str]:
    if facts.unrouted:
        one = len(facts.unrouted) == 1
        have = (
            "has no channel of its own; where its report goes" if one else "have no channel of their own; where their reports go"
        )
        yield f"{format_count(len(facts.unrouted), 'team')} {have} stands below."
    if facts.skipped:
        verb = "was" if len(facts.skipped) == 1 else "were"
        yield f"{format_count(len(facts.skipped), 'report')} {verb} given up because the worker came back too late."


def _why_no_snapshot(frame: ReportMeta) -> str:
    if frame.running:
        return "Nothing has been measured yet this week."
    return "Nothing was measured around the end of this week, so its cost is unknown."
