"""Gathers the facts of the monthly roll-up from the store, in one read-only transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from domain.closing_point import ClosingPoint
from domain.closing_snapshot import closing_window
from domain.closing_split import split_closing, team_of
from domain.component import Team, title_of_team
from domain.forecast import RATE_WEEKS
from domain.measures import Total
from domain.months import MONTHLY_REPORT, Month, MonthlySchedule
from domain.refs import PLATFORM, EntityRef
from domain.routes import Route, Unrouted
from reports import content
from reports.facts import MonthFacts, MonthMeta, TeamMonthFacts
from reports.links import Links
from store import Transaction
from tasks.context import Policy
from tasks.report.months import cost_of_month
from tasks.report.report_data import describe_destination
from tasks.report.requests import MonthRequest
from tasks.report.unallocated import gather_closing

_WEEK: Final = timedelta(days=7)
_NEAR: Final = timedelta(hours=24)


def gather_month(
    transaction: Transaction, policy: Policy, schedule: MonthlySchedule, request: MonthRequest, route: Route | Unrouted
) -> MonthFacts:
    """Gather the facts of the roll-up of a month."""
    month = request.month
    sweeps = tuple(transaction.closing.sweeps_in(closing_window(schedule, month, now=request.now), now=request.now))
    now = transaction.closing.read(transaction.closing.of_team(PLATFORM, sweeps), sweeps)
    teams = transaction.components.teams()
    up_to = sweeps[-1] if sweeps else min(month.ends_at, request.now)
    until = min(month.ends_at, up_to) if request.running else month.ends_at
    last = None if now is None else now.series_point
    return MonthFacts(
        meta=_meta(policy, schedule, request, route),
        now=now,
        cost=cost_of_month(transaction, PLATFORM, until, last=last, up_to=up_to),
        before=cost_of_month(transaction, PLATFORM, month.starts_at, last=None, up_to=month.starts_at + _NEAR),
        reported_before=_reported(transaction, month.shift(-1)),
        weeks=_weeks(transaction, now),
        teams=_teams(transaction, policy, now, teams, until=until, up_to=up_to),
        done=transaction.recommendations.done_between(month.starts_at, month.ends_at),
        unallocated=gather_closing(
            transaction, transaction.unallocated.closing(sweeps, shared=policy.shared_namespaces), shared=policy.shared_namespaces
        ),
        titles={component.ref: component.title or component.spelled_name for component in transaction.components.all()},
        sweeps=sweeps,
    )


def _meta(policy: Policy, schedule: MonthlySchedule, request: MonthRequest, route: Route | Unrouted) -> MonthMeta:
    return MonthMeta(
        month=request.month,
        zone=schedule.zone.key,
        due_at=schedule.due_at(request.month),
        made_at=request.now,
        late=request.late,
        again=request.again,
        running=request.running,
        currency=policy.currency,
        route=describe_destination(route),
        links=Links(workload=policy.dashboard_link, pages=policy.public_url, catalog=policy.catalog_url),
    )


def _reported(transaction: Transaction, month: Month) -> content.Budget | None:
    """Return what the roll-up of a month said it cost, so that the next one compares with what its readers saw."""
    run = transaction.reports.first_with_content(PLATFORM, MONTHLY_REPORT, str(month))
    return None if run is None else content.MonthlyReport.model_validate(run.content).headline.cost


def _weeks(transaction: Transaction, now: ClosingPoint | None) -> tuple[Total, ...]:
    """Return the cost of the last seven days, and of the weeks before that have a sweep at most a day away from their end."""
    if now is None:
        return ()
    ends = [now.as_of - number * _WEEK for number in range(1, RATE_WEEKS)]
    found = [max((one.as_of for one in transaction.sweeps.closed_between(end - _NEAR, end)), default=None) for end in ends]
    points = transaction.history.of_team(PLATFORM, as_ofs=[as_of for as_of in found if as_of is not None])
    return now.cost_7d, *(point.cost_7d for point in reversed(points))


def _teams(
    transaction: Transaction,
    policy: Policy,
    now: ClosingPoint | None,
    known: Mapping[EntityRef, Team],
    *,
    until: datetime,
    up_to: datetime,
) -> tuple[TeamMonthFacts, ...]:
    """Return the teams that owned a component at the end of the month, and those with a budget that owned one in it."""
    nothing = ClosingPoint(as_of=until, measurements=())
    closing = {} if now is None else {team: mine for team, (mine, _) in split_closing(now, nothing, team_of).items()}
    budgeted = {team for team in transaction.components.owners() if policy.alerts.monthly_budget_of(team, is_team=True)}
    rows = []
    for team in sorted({*closing, *budgeted}):
        last = closing[team].series_point if team in closing else None
        rows.append(
            TeamMonthFacts(
                team=team,
                title=title_of_team(team, known.get(team)),
                cost=cost_of_month(transaction, team, until, last=last, up_to=up_to),
                monthly_budget=policy.alerts.monthly_budget_of(team, is_team=True),
            )
        )
    return tuple(rows)
