"""Which reports are due, computed from stored state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from domain.closing_snapshot import closing_window
from domain.months import MONTHLY_REPORT, Month, MonthlySchedule
from domain.refs import PLATFORM, EntityRef
from domain.sweeps import slot_of
from domain.weeks import CATCH_UP, SWEEP_TIMEOUT, WEEKLY_REPORT, IsoWeek, Lateness, P, Period, ReportSchedule, due_windows
from store import Transaction
from tasks.context import Policy


@dataclass(frozen=True, kw_only=True)
class DueReport:
    """A week of a team, or a month of all teams, to report now."""

    team: EntityRef
    period: Period
    late: Lateness | None


@dataclass(frozen=True, kw_only=True)
class MissedReport:
    """A week or month that is too late to be sent."""

    team: EntityRef
    period: Period
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class DueReports:
    """The reports that are due, those to skip, and the teams whose report waits for a sweep."""

    due: tuple[DueReport, ...]
    skip: tuple[MissedReport, ...]
    waiting: tuple[EntityRef, ...]


def teams_with_reports(transaction: Transaction) -> tuple[EntityRef, ...]:
    """Return the teams that own a component now, by the catalog listing or the newest closed sweep."""
    newest = transaction.sweeps.newest_closed()
    measured = () if newest is None else transaction.snapshots.teams_at(newest.as_of)
    return tuple(sorted({*transaction.components.owners(), *measured}))


def find_due(transaction: Transaction, policy: Policy, now: datetime, *, is_collecting: bool) -> DueReports:
    """Find the reports that are due now: by team, the roll-up last, then the monthly one if it has a channel."""
    sweeps = _expected_sweeps(transaction, policy, now, is_collecting=is_collecting)
    finder = _DueFinder(transaction=transaction, now=now, sweeps=sweeps)
    for team in (*sorted(_possible_owners(transaction, policy, now)), PLATFORM):
        schedule = policy.schedules.of(team)
        owned_at_end = partial(transaction.closing.owned_at_end, team, schedule, now=now)
        newest = schedule.newest_due(now)
        if not finder.is_handled(team, WEEKLY_REPORT, newest):
            last = transaction.reports.newest(team, WEEKLY_REPORT)
            handled = None if last is None else IsoWeek.parse(last.week)
            finder.add(team, schedule, newest_handled=handled, owned_at_end=owned_at_end)
    if policy.routes.monthly_channel is not None:
        monthly = policy.monthly_schedule
        finder.add(PLATFORM, monthly, newest_handled=_newest_month(transaction, monthly, now), owned_at_end=lambda _: True)
    return DueReports(due=tuple(finder.due), skip=tuple(finder.skip), waiting=tuple(finder.waiting))


@dataclass(kw_only=True)
class _DueFinder:
    transaction: Transaction
    now: datetime
    sweeps: Sequence[datetime]
    due: list[DueReport] = field(default_factory=list)
    skip: list[MissedReport] = field(default_factory=list)
    waiting: list[EntityRef] = field(default_factory=list)
    handled: dict[tuple[str, str], frozenset[EntityRef]] = field(default_factory=dict)

    def is_handled(self, team: EntityRef, report: str, newest: IsoWeek) -> bool:
        key = report, str(newest)
        if key not in self.handled:
            self.handled[key] = self.transaction.reports.handled(*key)
        return team in self.handled[key]

    def add(
        self, team: EntityRef, schedule: ReportSchedule[P], *, newest_handled: P | None, owned_at_end: Callable[[P], bool]
    ) -> None:
        first = self.transaction.history.first_of_team(team)
        windows = due_windows(
            schedule, first_snapshot_at=first, newest_handled=newest_handled, now=self.now, owned_at_end=owned_at_end
        )
        self.skip += [MissedReport(team=team, period=period, due_at=schedule.due_at(period)) for period in windows.skip]
        if windows.send is None:
            return
        closing = closing_window(schedule, windows.send, now=self.now)
        is_sweeping = any(as_of in closing for as_of in self.sweeps)
        if is_sweeping and self.now < schedule.due_at(windows.send) + SWEEP_TIMEOUT:
            self.waiting.append(team)
        else:
            self.due.append(DueReport(team=team, period=windows.send, late=windows.late))


def _newest_month(transaction: Transaction, schedule: MonthlySchedule, now: datetime) -> Month:
    """Return the newest month that was made or skipped.

    Before the first one, months that were due before the roll-up was configured are not missed: only one that can still be sent is due.
    """
    last = transaction.reports.newest(PLATFORM, MONTHLY_REPORT)
    if last is not None:
        return Month.parse(last.week)
    newest = schedule.newest_due(now)
    return newest.shift(-1) if now - schedule.due_at(newest) <= CATCH_UP else newest


def _possible_owners(transaction: Transaction, policy: Policy, now: datetime) -> frozenset[EntityRef]:
    """Return the teams with a component in a sweep that may close the newest due week or the one before."""
    owners: set[EntityRef] = set()
    for schedule in policy.schedules.distinct():
        newest = schedule.newest_due(now)
        for week in (newest, newest.shift(-1)):
            owners |= transaction.closing.owners(transaction.closing.deciding_sweeps(schedule, week, now=now))
    return frozenset(owners)


def _expected_sweeps(transaction: Transaction, policy: Policy, now: datetime, *, is_collecting: bool) -> tuple[datetime, ...]:
    """Return the running sweeps, and that of the current slot if another process may open it."""
    running = tuple(sweep.as_of for sweep in transaction.sweeps.unclosed())
    slot = slot_of(now, policy.collect_every)
    return (*running, slot) if is_collecting and transaction.sweeps.get(slot) is None else running
