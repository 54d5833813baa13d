"""The weekly history of a component, a team or everything, from closing snapshots. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.closing_snapshot import closing_window
from domain.refs import EntityRef
from domain.snapshots import SeriesPoint
from domain.weeks import IsoWeek, current_week
from store import Transaction
from tasks.context import StageContext


class NoHistory(Exception):
    """Nothing was ever measured of it; the message says so and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyCost:
    """One week. `point` is None when no snapshot closes it."""

    week: IsoWeek
    is_running: bool
    """It has not ended: the newest sweep so far stands for it."""
    point: SeriesPoint | None


def weekly_trend(context: StageContext, ref: EntityRef, *, weeks: int) -> tuple[WeeklyCost, ...]:
    """Answer the last so many weeks, oldest first, the running one last; weeks before the first snapshot are left out.

    A group or user is taken for a team, everything else for a component.

    Raises:
        NoHistory: nothing was measured of it in that time.
    """
    now = context.clock()
    schedule = context.policy.schedules.of(ref)
    running = current_week(now, schedule.zone)
    wanted = [running.plus(-back) for back in range(weeks - 1, -1, -1)]
    with context.store.reading() as transaction:
        windows = {week: closing_window(schedule, week, now=now) for week in wanted}
        as_ofs = _sweeps(transaction, ref, windows[wanted[0]].earliest, now)
        chosen = {week: as_of for week, window in windows.items() if (as_of := window.closing(as_ofs)) is not None}
        series = {point.as_of: point for point in _series(transaction, ref, list(chosen.values()))}
    found = [
        WeeklyCost(week=week, is_running=week == running, point=series.get(chosen[week]) if week in chosen else None)
        for week in wanted
    ]
    first = next((number for number, one in enumerate(found) if one.point is not None), None)
    if first is None:
        message = f"nothing was measured of {ref} in the last {weeks} weeks; `scaleops-worker collect` measures, `status` shows what is known"
        raise NoHistory(message)
    return tuple(found[first:])


def _sweeps(transaction: Transaction, ref: EntityRef, earliest: datetime, latest: datetime) -> Sequence[datetime]:
    if ref.kind in {"group", "user"}:
        return transaction.history.sweeps_of_team(ref, earliest=earliest, latest=latest)
    return transaction.history.sweeps_of_component(ref, earliest=earliest, latest=latest)


def _series(transaction: Transaction, ref: EntityRef, as_ofs: Sequence[datetime]) -> tuple[SeriesPoint, ...]:
    if ref.kind in {"group", "user"}:
        return transaction.history.of_team(ref, as_ofs=as_ofs)
    return transaction.history.of_component(ref, as_ofs=as_ofs)
