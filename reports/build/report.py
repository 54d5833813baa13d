"""Builds report content from facts. A section that fails is replaced by its failure; the others are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain.money import format_count, parse_currency
from domain.trends import ClosingPoint, CostChange, compare
from reports import content
from reports.build.top_actions import choose_actions, findings_of
from reports.build.platform import build_team_overview, list_routing_problems
from reports.build.sections import build_follow_up, list_gaps, list_movers, summarise_automation, summarise_network, names_of
from reports.facts import ReportMeta, PlatformFacts, TeamFacts, WeekTotal
from reports.build.headline import amount_of, write_headline
from reports.links import PLATFORM_SLUG, team_slug
from reports.dates import format_delay, format_instant

Part = tuple[str, Callable[[], content.Body]]
"""The title of a section and its builder."""


def build_team_report(facts: TeamFacts) -> content.Report:
    """Build the weekly report of one team."""
    meta = facts.meta
    change = _change(facts.now, facts.then)
    return _report(
        meta,
        scope="team",
        team=str(facts.team),
        title=facts.title,
        slug=team_slug(facts.team),
        headline=_headline(facts, change),
        parts=(("Cost over the weeks", lambda: build_trend(facts.weeks, meta.currency)), *_team_parts(facts, change)),
    )


def build_platform_report(facts: PlatformFacts) -> content.Report:
    """Build the roll-up of all teams."""
    meta = facts.meta
    change = _change(facts.now, facts.then)
    return _report(
        meta,
        scope="platform",
        team=content.PLATFORM,
        title="All teams",
        slug=PLATFORM_SLUG,
        headline=_headline(facts, change),
        parts=(("Cost over the weeks", lambda: build_trend(facts.weeks, meta.currency)), *_platform_parts(facts)),
    )


def build_trend(weeks: Iterable[WeekTotal], currency: str) -> content.Trend:
    """Convert weekly totals to report content."""
    return content.Trend(
        weeks=tuple(
            content.TrendWeek(
                week=str(one.week), cost=amount_of(one.cost_7d, currency=currency, period="7 days", as_of=one.as_of)
            )
            for one in weeks
        )
    )


def _team_parts(facts: TeamFacts, change: CostChange | None) -> Iterable[Part]:
    now, then, currency = facts.now, facts.then, facts.meta.currency
    if now is None:
        return
    names = names_of(now, then, facts.titles)
    if change is not None:
        yield "What moved the cost", lambda: list_movers(change, currency, names)
    yield (
        "What to do",
        lambda: choose_actions(now, currency=currency, names=names, labels=facts.labels, links=facts.meta.links),
    )
    yield (
        "Follow-up on recommendations",
        lambda: build_follow_up(
            facts.followed,
            since=facts.followed_since,
            until=now.as_of,
            currency=currency,
            zone=facts.meta.zone,
            titles=facts.titles,
        ),
    )
    yield "Cross-zone traffic", lambda: summarise_network(now, currency=currency, names=names)
    yield "Automation and policies", lambda: summarise_automation(now)
    yield "What could not be measured", lambda: list_gaps(now, facts.titles)


def _platform_parts(facts: PlatformFacts) -> Iterable[Part]:
    now, then, meta = facts.now, facts.then, facts.meta
    if now is not None:
        yield (
            "Teams",
            lambda: build_team_overview(
                now, then, currency=meta.currency, titles=facts.team_titles, links=meta.links, week=meta.week
            ),
        )
    yield "Routing", lambda: list_routing_problems(facts.unrouted, facts.skipped)
    if now is not None:
        yield "Automation and policies", lambda: summarise_automation(now)
        yield "What could not be measured", lambda: list_gaps(now, facts.titles)


def _report(
    meta: ReportMeta, *, scope: str, team: str, title: str, slug: str, headline: content.Headline, parts: Iterable[Part]
) -> content.Report:
    return content.Report(
        scope="platform" if scope == content.PLATFORM else "team",
        team=team,
        title=title,
        week=str(meta.week),
        first_day=meta.week.monday.isoformat(),
        last_day=meta.week.sunday.isoformat(),
        zone=meta.zone,
        due_at=meta.due_at,
        made_at=meta.made_at,
        late_reason=format_lateness(meta),
        again=meta.again,
        running=meta.running,
        currency=parse_currency(meta.currency),
        route=meta.route,
        headline=headline,
        sections=tuple(_section(part_title, make) for part_title, make in parts),
        page=meta.links.report(slug, meta.week),
    )


def _section(title: str, make: Callable[[], content.Body]) -> content.Section:
    try:
        return content.Section(title=title, body=make())
    except Exception as error:  # noqa: BLE001 - a failure in one section must not lose the report
        return content.Section(title=title, body=None, failure=f"This section could not be built ({type(error).__name__}).")


def format_lateness(meta: ReportMeta) -> str:
    """Return why a report is late; empty if it is not."""
    if meta.late is None:
        return ""
    due = format_instant(meta.late.due_at, meta.zone)
    return f"This report comes {format_delay(meta.late.made_at - meta.late.due_at)} late: it was due {due}, but no run produced it until now."


def _change(now: ClosingPoint | None, then: ClosingPoint | None) -> CostChange | None:
    return None if now is None or then is None else compare(now, then)


def _headline(facts: TeamFacts | PlatformFacts, change: CostChange | None) -> content.Headline:
    return write_headline(
        now=facts.now,
        then=facts.then,
        change=change,
        findings=() if facts.now is None else findings_of(facts.now),
        currency=facts.meta.currency,
        no_snapshot_reason=_no_snapshot_reason(facts.meta),
        month_to_date=facts.month_to_date,
        monthly_budget=facts.monthly_budget,
        also_missing=_unrouted(facts) if isinstance(facts, PlatformFacts) else (),
    )


def _unrouted(facts: PlatformFacts) -> Iterable[str]:
    if facts.unrouted:
        have = "has no channel of its own" if len(facts.unrouted) == 1 else "have no channel of their own"
        yield f"{format_count(len(facts.unrouted), 'team')} {have}; see Routing below."
    if facts.skipped:
        verb = "was" if len(facts.skipped) == 1 else "were"
        yield f"{format_count(len(facts.skipped), 'report')} {verb} skipped because the worker was down for too long."


def _no_snapshot_reason(meta: ReportMeta) -> str:
    if meta.running:
        return "No data yet this week."
    return "No data from the end of this week, so its cost is unknown."
