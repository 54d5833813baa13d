"""Which report of a team is the next one, and whether it is the first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.refs import EntityRef
from domain.weeks import WEEKLY_REPORT, IsoWeek, Schedule
from store import ReportRun, Transaction


@dataclass(frozen=True, kw_only=True)
class UpcomingReport:
    """The next weekly report of a team, and the one before it."""

    week: IsoWeek
    due_at: datetime
    zone: str
    """The team's time zone."""
    last: ReportRun | None
    """None: the next one is the first."""
    measured_since: datetime | None
    """The first sweep with a component of the team; None: there is none that is closed, and without one no report."""


def upcoming_report(transaction: Transaction, schedule: Schedule, team: EntityRef, now: datetime) -> UpcomingReport:
    """Return the next report of a team: its first is of the first week that ends after its first snapshot."""
    first = transaction.history.first_of_team(team)
    week = schedule.newest_due(now).shift(1)
    if first is not None:
        week = max(week, schedule.period_at(first))
    return UpcomingReport(
        week=week,
        due_at=schedule.due_at(week),
        zone=schedule.zone.key,
        last=transaction.reports.newest(team, WEEKLY_REPORT),
        measured_since=first if transaction.sweeps.newest_closed() is not None else None,
    )
