"""Which snapshot closes a week for a component, and which sweeps may: those within the closing window of the week.

Every caller (report, trend, comparison, alert rule, retention) chooses by `choose_closing`. A component belongs to the team that
owned it in its closing snapshot, so a week counts it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.measures import Total
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.weeks import IsoWeek, P, ReportSchedule, Schedule, current_week

CLOSING_BEFORE: Final = timedelta(hours=24)
CLOSING_AFTER: Final = timedelta(hours=12)
"""A closing snapshot is at most this much older or younger than the end of its week, and not younger than its report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingWindow:
    """Bounds of a closing snapshot's `as_of`, both included."""

    earliest: datetime
    latest: datetime

    def __contains__(self, as_of: datetime) -> bool:
        return self.earliest <= as_of <= self.latest


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingCandidate:
    """The snapshot of a component in one sweep of a closing window, without its workloads."""

    ref: EntityRef
    as_of: datetime
    team: EntityRef
    outcome: Outcome
    reason: str
    """Why it is unknown; empty when measured."""
    cost_7d: Total
    savings_available_per_month: Total
    active_savings_per_month: Total

    @property
    def has_cost(self) -> bool:
        """True if the component was measured and its cost is known at least in part; without workloads it is zero."""
        return self.outcome is Outcome.MEASURED and (self.cost_7d.known > 0 or self.cost_7d.parts == 0)


def closing_window(schedule: ReportSchedule[P], period: P, *, now: datetime) -> ClosingWindow:
    """Return the closing window of a week or month. The current one has not ended: every sweep of it so far may close it."""
    if period == schedule.period_at(now):
        return ClosingWindow(earliest=schedule.starts_at(period), latest=now)
    end = schedule.ends_at(period)
    return ClosingWindow(earliest=end - CLOSING_BEFORE, latest=min(end + CLOSING_AFTER, schedule.due_at(period)))


def choose_closing(candidates: Iterable[ClosingCandidate]) -> Mapping[EntityRef, ClosingCandidate]:
    """Return the closing snapshot of each component, among its snapshots in the sweeps of a closing window.

    It is the newest measured one: first of those whose cost is known, then of all. A component that none of them measured is
    unknown, by its newest.
    """
    chosen: dict[EntityRef, ClosingCandidate] = {}
    for one in candidates:
        best = chosen.get(one.ref)
        if best is None or _rank(best) < _rank(one):
            chosen[one.ref] = one
    return chosen


def _rank(one: ClosingCandidate) -> tuple[bool, bool, datetime]:
    return one.has_cost, one.outcome is Outcome.MEASURED, one.as_of


def weeks_closed_by(as_of: datetime, schedule: Schedule) -> tuple[IsoWeek, IsoWeek]:
    """Return the two weeks in whose closing window a sweep can be."""
    week = current_week(as_of, schedule.zone)
    return week.shift(-1), week
