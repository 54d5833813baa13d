"""Gathers the facts of a report from the store, in one read-only transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.closing_point import ClosingPoint
from domain.closing_snapshot import ClosingCandidate
from domain.component import Component, Team, title_of_team
from domain.cost_change import compare_like_for_like
from domain.measures import unknown_total
from domain.refs import PLATFORM, UNOWNED, EntityRef
from domain.routes import Route, Unrouted, parents_of, platform_route, slack_route
from domain.selectors import dashboard_labels
from domain.snapshots import SeriesPoint
from domain.usual_range import MAX_WEEKS, WeeklyChange, weekly_change
from domain.weeks import WEEKLY_REPORT, IsoWeek, Schedule
from reports.content import UnroutedTeam
from reports.facts import PlatformFacts, ReportMeta, TeamFacts, WeekTotal
from reports.links import Links
from store import Transaction
from store.queries.closing import ClosingSnapshots, ClosingSums
from tasks.context import Policy
from tasks.report.followed import FollowedPeriod, find_followed
from tasks.report.months import component_months, months_of
from tasks.report.opened_alerts import opened_alerts
from tasks.report.reported_alerts import AlertPeriod, handled_alerts, reported_alerts
from tasks.report.requests import ReportRequest
from tasks.report.unallocated import gather_unallocated

TREND_WEEKS: Final = 12
_NO_SNAPSHOT: Final = unknown_total("no closing snapshot")


def route_of(team: EntityRef, teams: Mapping[EntityRef, Team], policy: Policy) -> Route | Unrouted:
    """Return where a team's report goes. Components without an owner are reported to the platform channel."""
    if team in (UNOWNED, PLATFORM):
        return platform_route(policy.routes)
    return slack_route(policy.routes, team=team, owner=teams.get(team), parents=parents_of(team, teams))


def gather_team(transaction: Transaction, policy: Policy, team: EntityRef, request: ReportRequest) -> TeamFacts:
    """Gather the facts of one team's report."""
    schedule = policy.schedules.of(team)
    closing_snapshots = _closing_snapshots(transaction, schedule, request, team)
    owned = _components_in(transaction, team, closing_snapshots)
    titles = {component.ref: component.title or component.spelled_name for component in owned}
    since = closing_snapshots.closed_before or request.week.starts_at(schedule.zone)
    teams = transaction.components.teams()
    until = closing_snapshots.now.as_of if closing_snapshots.now is not None else request.now
    months = months_of(transaction, schedule, request.week, closing_snapshots.now, team)
    # A component belongs to its owner in the closing snapshot.
    subjects = {team, *(closing_snapshots.now.outcomes if closing_snapshots.now is not None else titles)}
    period = AlertPeriod(since=since, until=until, handled_by=min(request.now, max(schedule.due_at(request.week), until)))
    return TeamFacts(
        meta=replace(_meta(policy, schedule, request, route_of(team, teams, policy)), quiet=team in policy.quiet_teams),
        team=team,
        title=title_of_team(team, teams.get(team)),
        now=closing_snapshots.now,
        then=closing_snapshots.then,
        weeks=closing_snapshots.weeks,
        changes_before=closing_snapshots.changes_before,
        sweeps_now=closing_snapshots.sweeps_now,
        sweeps_then=closing_snapshots.sweeps_then,
        titles=titles,
        labels={component.ref: dashboard_labels(component) for component in owned},
        followed=tuple(
            find_followed(
                transaction,
                team,
                FollowedPeriod(
                    since=since,
                    until=until,
                    then=closing_snapshots.then,
                    now=closing_snapshots.now,
                    sweeps=closing_snapshots.sweeps_now,
                ),
            )
        ),
        followed_since=since,
        reported_at=transaction.reports.reported_at(team, WEEKLY_REPORT, before=str(request.week)),
        handled=handled_alerts(transaction, subjects, period),
        alerts=reported_alerts(transaction, subjects, period),
        opened=opened_alerts(
            transaction, subjects, since=request.week.shift(1 - TREND_WEEKS).starts_at(schedule.zone), until=until
        ),
        month_to_date=months.current,
        finished_month=months.finished,
        component_months=component_months(transaction, policy, schedule, closing_snapshots.now, closing_snapshots.candidates),
        monthly_budget=policy.alerts.monthly_budget_of(team, is_team=True),
    )


def gather_platform(transaction: Transaction, policy: Policy, request: ReportRequest) -> PlatformFacts:
    """Gather the facts of the roll-up of all teams."""
    schedule = policy.schedules.default
    closing_snapshots = _closing_snapshots(transaction, schedule, request, PLATFORM)
    teams = transaction.components.teams()
    now, then = closing_snapshots.now, closing_snapshots.then
    owners = transaction.components.owners() if now is None else _owners_in(now)
    named = {*owners, *(_owners_in(then) if then is not None else ())}
    months = months_of(transaction, schedule, request.week, closing_snapshots.now, PLATFORM)
    since = request.week.starts_at(schedule.zone) if then is None else then.as_of
    return PlatformFacts(
        meta=_meta(policy, schedule, request, platform_route(policy.routes)),
        now=closing_snapshots.now,
        then=closing_snapshots.then,
        weeks=closing_snapshots.weeks,
        changes_before=closing_snapshots.changes_before,
        sweeps_now=closing_snapshots.sweeps_now,
        sweeps_then=closing_snapshots.sweeps_then,
        titles={component.ref: component.title or component.spelled_name for component in transaction.components.all()},
        team_titles={team: title_of_team(team, teams.get(team)) for team in named},
        unallocated=gather_unallocated(transaction, closing_snapshots.sweeps_of_weeks, shared=policy.shared_namespaces),
        unrouted=tuple(_routing_gaps(owners, teams, policy)),
        catalog_problems=tuple(problem for team in owners if team in teams for problem in teams[team].problems),
        skipped=tuple(
            f"{title_of_team(run.team, teams.get(run.team))}: {run.late_reason}"
            for run in transaction.reports.skipped_since(WEEKLY_REPORT, request.now - timedelta(days=7))
        ),
        opened=opened_alerts(transaction, None, since=since, until=request.now if now is None else now.as_of),
        month_to_date=months.current,
        finished_month=months.finished,
    )


def _owners_in(closing: ClosingPoint) -> tuple[EntityRef, ...]:
    return tuple(sorted({measurement.snapshot.team for measurement in closing.measurements}))


def describe_destination(route: Route | Unrouted) -> str:
    """Return where a report goes, in a sentence."""
    if isinstance(route, Route):
        return f"It goes to {route.target}, by {route.rule}."
    return f"It has no destination: {route.reason}."


def _meta(policy: Policy, schedule: Schedule, request: ReportRequest, route: Route | Unrouted) -> ReportMeta:
    return ReportMeta(
        week=request.week,
        zone=schedule.zone.key,
        due_at=schedule.due_at(request.week),
        made_at=request.now,
        late=request.late,
        again=request.again,
        running=request.running,
        currency=policy.currency,
        route=describe_destination(route),
        links=Links(workload=policy.dashboard_link, pages=policy.public_url, catalog=policy.catalog_url),
    )


@dataclass(frozen=True, kw_only=True)
class _ClosingSnapshots:
    """The closing snapshots of this week and the one before, and the totals of the weeks up to this one."""

    now: ClosingPoint | None
    then: ClosingPoint | None
    weeks: tuple[WeekTotal, ...]
    """Oldest first, from the first measured week on."""
    changes_before: tuple[WeeklyChange, ...]
    sweeps_now: tuple[datetime, ...]
    sweeps_then: tuple[datetime, ...]
    """The sweeps that may close the two weeks."""
    sweeps_of_weeks: Mapping[IsoWeek, tuple[datetime, ...]]
    """The sweeps that may close each week of the trend, oldest first."""
    candidates: Mapping[IsoWeek, Sequence[ClosingCandidate]]
    """The closing snapshots of each week, oldest first."""

    @property
    def closed_before(self) -> datetime | None:
        """As-of of the closing snapshots of the newest earlier week that has some: what ended since was not reported."""
        return next((one.as_of for one in reversed(self.weeks[:-1]) if one.as_of is not None), None)


def _closing_snapshots(
    transaction: Transaction, schedule: Schedule, request: ReportRequest, team: EntityRef
) -> _ClosingSnapshots:
    weeks = [request.week.shift(-back) for back in range(MAX_WEEKS + 1, -1, -1)]
    closing = transaction.closing
    sweeps = closing.sweeps_of_weeks(team, schedule, weeks, now=request.now)
    chosen = {week: closing.of_team(team, sweeps[week]) for week in weeks}
    totals, changes = _weekly(closing, chosen)
    trend = totals[-TREND_WEEKS:]
    first = next((number for number, total in enumerate(trend) if total.as_of is not None), len(trend) - 1)
    sweeps_then, sweeps_now = (sweeps[week] for week in weeks[-2:])
    then, now = (closing.read(chosen[week], sweeps[week]) for week in weeks[-2:])
    if now is not None and then is not None:
        now, then = (
            closing.with_other_owners(now, then, sweeps_now, of=team),
            closing.with_other_owners(then, now, sweeps_then, of=team),
        )
    return _ClosingSnapshots(
        now=now,
        then=then,
        weeks=tuple(trend[first:]),
        changes_before=tuple(one for one in changes if one.week < request.week),
        sweeps_now=sweeps_now,
        sweeps_then=sweeps_then,
        sweeps_of_weeks={week: sweeps[week] for week in weeks[-TREND_WEEKS:]},
        candidates=chosen,
    )


def _weekly(
    closing: ClosingSnapshots, chosen: Mapping[IsoWeek, Sequence[ClosingCandidate]]
) -> tuple[list[WeekTotal], list[WeeklyChange]]:
    """Return the totals of weeks that follow one another, and the changes between them. Two weeks at a time are in memory."""
    totals: list[WeekTotal] = []
    changes: list[WeeklyChange] = []
    before: ClosingSums | None = None
    for week, candidates in chosen.items():
        sums = closing.sums(candidates)
        totals.append(_week_total(week, None if sums is None else sums.point))
        if sums is not None and before is not None:
            like_for_like = compare_like_for_like(sums.workloads, before.workloads)
            changes.append(weekly_change(week, like_for_like, now=sums.point.cost_7d, then=before.point.cost_7d))
        before = sums
    return totals, changes


def _week_total(week: IsoWeek, total: SeriesPoint | None) -> WeekTotal:
    if total is None:
        return WeekTotal(week=week, as_of=None, cost_7d=_NO_SNAPSHOT)
    return WeekTotal(week=week, as_of=total.as_of, cost_7d=total.cost_7d)


def _components_in(transaction: Transaction, team: EntityRef, closing_snapshots: _ClosingSnapshots) -> tuple[Component, ...]:
    """Return the components that a team owns now, or owned in one of the two closing snapshots."""
    owned = {component.ref: component for component in transaction.components.of_team(team)}
    for closing in (closing_snapshots.now, closing_snapshots.then):
        for measurement in closing.measurements if closing is not None else ():
            ref = measurement.snapshot.ref
            known = None if ref in owned else transaction.components.get(ref)
            if known is not None:
                owned[ref] = known
    return tuple(owned.values())


def _routing_gaps(owners: Iterable[EntityRef], teams: Mapping[EntityRef, Team], policy: Policy) -> Iterable[UnroutedTeam]:
    for team in owners:
        if team == UNOWNED:
            continue
        route = route_of(team, teams, policy)
        known = teams.get(team)
        reasons = [str(rejected) for rejected in route.rejected]
        if isinstance(route, Unrouted):
            reasons.append(route.reason)
        elif route.is_fallback:
            reasons.append(f"its report goes by {route.rule}")
        if reasons and (known is None or not known.in_catalog):
            reasons.append("it is not in the catalog")
        if reasons:
            yield UnroutedTeam(ref=str(team), title=title_of_team(team, known), reason="; ".join(reasons))
