"""Builds report content from facts. A section that fails is replaced by its failure; the others are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from domain.closing_point import ClosingPoint
from domain.cost_decomposition import CostDecomposition, decompose
from domain.money import parse_currency
from domain.refs import PLATFORM, RESERVED_TEAMS
from domain.weeks import Lateness
from reports import content
from reports.builders.alerts import list_alerts
from reports.builders.components import build_components
from reports.builders.follow_up import FollowUpContext, build_follow_up
from reports.builders.gaps import list_gaps
from reports.builders.headline import write_headline
from reports.builders.names import ReportNames, names_of, title_of
from reports.builders.platform import build_team_overview
from reports.builders.quiet import is_quiet
from reports.builders.recommended_actions import choose_actions
from reports.builders.sections import summarise_automation, summarise_network
from reports.builders.trend import build_report_trend
from reports.builders.unallocated import build_unallocated
from reports.builders.why import build_why
from reports.facts import PlatformFacts, TeamFacts
from reports.formatting import format_delay, format_instant
from reports.links import PLATFORM_SLUG, team_slug

Part = tuple[str, Callable[[], content.Body]]
"""The title of a section and its builder."""


def build_team_report(facts: TeamFacts) -> content.Report:
    """Build the weekly report of one team."""
    found = _decompose(facts)
    report = _report(
        facts,
        found,
        scope="team",
        team=str(facts.team),
        title=facts.title,
        slug=team_slug(facts.team),
        parts=_team_parts(facts, found),
    )
    return report.model_copy(update={"quiet": facts.meta.quiet and is_quiet(facts, None if found is None else found.change)})


def build_platform_report(facts: PlatformFacts) -> content.Report:
    """Build the roll-up of all teams."""
    found = _decompose(facts)
    return _report(
        facts,
        found,
        scope="platform",
        team=content.PLATFORM,
        title=RESERVED_TEAMS[PLATFORM],
        slug=PLATFORM_SLUG,
        parts=_platform_parts(facts, found),
    )


def _team_parts(facts: TeamFacts, found: CostDecomposition | None) -> Iterable[Part]:
    now, then, currency = facts.now, facts.then, facts.meta.currency
    if now is None:
        yield _trend(facts)
        return
    names = names_of(now, then, facts.titles)
    yield from _why(facts, found, names)
    yield "Components", lambda: build_components(facts, now, names)
    yield ("What to do", lambda: choose_actions(now, currency=currency, names=names, labels=facts.labels, links=facts.meta.links))
    yield "Follow-up on recommendations", lambda: _follow_up(facts, now)
    if facts.alerts.open or facts.alerts.became_usual:
        yield "Alerts", lambda: list_alerts(facts.alerts, title_of(facts), zone=facts.meta.zone)
    yield _trend(facts)
    yield "Cross-zone traffic", lambda: summarise_network(now, currency=currency, names=names)
    yield "Automation and policies", lambda: summarise_automation(now)
    yield "What could not be measured", lambda: list_gaps(now, names)


def _trend(facts: TeamFacts | PlatformFacts) -> Part:
    return "Cost over the weeks", lambda: build_report_trend(facts)


def _why(facts: TeamFacts | PlatformFacts, found: CostDecomposition | None, names: ReportNames) -> Iterable[Part]:
    now, then, meta = facts.now, facts.then, facts.meta
    if now is not None and then is not None:
        yield ("Why the cost changed", lambda: build_why(now, then, names, currency=meta.currency, zone=meta.zone, found=found))


def _follow_up(facts: TeamFacts, now: ClosingPoint) -> content.FollowUp:
    context = FollowUpContext(
        now=now,
        reported_at=frozenset({*facts.reported_at, now.as_of}),
        handled=facts.handled,
        since=facts.followed_since,
        currency=facts.meta.currency,
        zone=facts.meta.zone,
        names=names_of(now, facts.then, facts.titles, others=(one.key.workload for one in facts.followed)),
    )
    return build_follow_up(facts.followed, context)


def _platform_parts(facts: PlatformFacts, found: CostDecomposition | None) -> Iterable[Part]:
    now, then, meta = facts.now, facts.then, facts.meta
    if now is not None:
        yield from _why(facts, found, names_of(now, then, facts.titles))
        yield (
            "Teams",
            lambda: build_team_overview(
                now, then, currency=meta.currency, titles=facts.team_titles, links=meta.links, week=meta.week
            ),
        )
    yield "Unallocated cost", lambda: build_unallocated(facts.unallocated, meta.currency)
    yield _trend(facts)
    yield (
        "Routing",
        lambda: content.RoutingProblems(
            unrouted=facts.unrouted, skipped=facts.skipped, teams=len(facts.team_titles), problems=facts.catalog_problems
        ),
    )
    if now is not None:
        yield "Automation and policies", lambda: summarise_automation(now)
        yield "What could not be measured", lambda: list_gaps(now, names_of(now, then, facts.titles))


def _decompose(facts: TeamFacts | PlatformFacts) -> CostDecomposition | None:
    return None if facts.now is None or facts.then is None else decompose(facts.now, facts.then)


def _report(
    facts: TeamFacts | PlatformFacts,
    found: CostDecomposition | None,
    *,
    scope: Literal["team", "platform"],
    team: str,
    title: str,
    slug: str,
    parts: Iterable[Part],
) -> content.Report:
    meta = facts.meta
    sections = tuple(build_section(part_title, make) for part_title, make in parts)
    return content.Report(
        scope=scope,
        team=team,
        title=title,
        week=str(meta.week),
        first_day=meta.week.monday.isoformat(),
        last_day=meta.week.sunday.isoformat(),
        zone=meta.zone,
        due_at=meta.due_at,
        made_at=meta.made_at,
        late_reason=format_lateness(meta.late, meta.zone),
        again=meta.again,
        running=meta.running,
        currency=parse_currency(meta.currency),
        route=meta.route,
        headline=write_headline(facts, None if found is None else found.change, sections=sections),
        sections=sections,
        page=meta.links.report(slug, meta.week),
        catalog=meta.links.entity(facts.team if isinstance(facts, TeamFacts) else PLATFORM),
        dashboard=meta.links.dashboard,
    )


def build_section(title: str, make: Callable[[], content.Body]) -> content.Section:
    """Build a section, or one that says that it could not be built."""
    try:
        return content.Section(title=title, body=make())
    except Exception as error:  # noqa: BLE001 - a failure in one section must not lose the report
        return content.Section(title=title, body=None, failure=f"This section could not be built ({type(error).__name__}).")


def format_lateness(late: Lateness | None, zone: str) -> str:
    """Return why a report is late; empty if it is not."""
    if late is None:
        return ""
    due = format_instant(late.due_at, zone)
    return (
        f"This report comes {format_delay(late.made_at - late.due_at)} late: it was due {due}, but no run produced it until now."
    )
