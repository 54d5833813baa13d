"""Which reports are due, computed from stored state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from domain.closing_snapshot import closing_window
from domain.refs import PLATFORM, EntityRef
from domain.sweeps import slot_of
from domain.weeks import SWEEP_TIMEOUT, WEEKLY_REPORT, IsoWeek, Lateness, due_windows
from store import Transaction
from tasks.context import Policy


@dataclass(frozen=True, kw_only=True)
class DueReport:
    """A week of a team to report now."""

    team: EntityRef
    week: IsoWeek
    late: Lateness | None


@dataclass(frozen=True, kw_only=True)
class DueReports:
    """The reports that are due, the (team, week) pairs to skip, and the teams whose report waits for a sweep."""

    due: tuple[DueReport, ...]
    skip: tuple[tuple[EntityRef, IsoWeek], ...]
    waiting: tuple[EntityRef, ...]


def teams_with_reports(transaction: Transaction) -> tuple[EntityRef, ...]:
    """Return the teams that own a component now, by the catalog listing or the newest closed sweep."""
    newest = transaction.sweeps.newest_closed()
    measured = () if newest is None else transaction.snapshots.teams_at(newest.as_of)
    return tuple(sorted({*transaction.components.owners(), *measured}))


def find_due(transaction: Transaction, policy: Policy, now: datetime, *, is_collecting: bool) -> DueReports:
    """Find the reports that are due now, by team, the roll-up last."""
    sweeps = _expected_sweeps(transaction, policy, now, is_collecting=is_collecting)
    handled: dict[IsoWeek, frozenset[EntityRef]] = {}
    due: list[DueReport] = []
    skip: list[tuple[EntityRef, IsoWeek]] = []
    waiting: list[EntityRef] = []
    for team in (*sorted(_possible_owners(transaction, policy, now)), PLATFORM):
        schedule = policy.schedules.of(team)
        newest = schedule.newest_due(now)
        if newest not in handled:
            handled[newest] = transaction.reports.handled(WEEKLY_REPORT, str(newest))
        if team in handled[newest]:
            continue
        last = transaction.reports.newest(team, WEEKLY_REPORT)
        windows = due_windows(
            schedule,
            first_snapshot_at=transaction.history.first_of_team(team),
            newest_handled=None if last is None else IsoWeek.parse(last.week),
            now=now,
            owned_at_end=partial(transaction.closing.owned_at_end, team, schedule, now=now),
        )
        skip += [(team, week) for week in windows.skip]
        if windows.send is None:
            continue
        closing = closing_window(schedule, windows.send, now=now)
        is_sweeping = any(as_of in closing for as_of in sweeps)
        if is_sweeping and now < schedule.due_at(windows.send) + SWEEP_TIMEOUT:
            waiting.append(team)
        else:
            due.append(DueReport(team=team, week=windows.send, late=windows.late))
    return DueReports(due=tuple(due), skip=tuple(skip), waiting=tuple(waiting))


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
