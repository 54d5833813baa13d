"""Sweeps: opened once, closed once, evaluated once, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, case, func, or_, select, update

from domain.snapshots import Outcome
from domain.sweeps import Sweep
from store.errors import SweepClosed
from store.queries.rows import Queries
from store.schema import snapshots, sweeps
from store.upserts import insert_new

_MAX_INCOMPLETE_SWEEPS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownReason:
    """Why a sweep could not measure components."""

    as_of: datetime
    reason: str


class Sweeps(Queries):
    """Sweeps by `as_of`. Written by `collect`; `evaluate` marks the evaluated ones."""

    def open(self, as_of: datetime, *, opened_at: datetime) -> Sweep:
        """Open the sweep of a slot, or return the existing one, open or closed."""
        row = {
            "as_of": as_of,
            "opened_at": opened_at,
            "closed_at": None,
            "evaluated_at": None,
            "expected": 0,
            "measured": 0,
            "unknown": 0,
            "listing_complete": False,
            "listing_missing": 0,
            "listing_reason": "",
        }
        insert_new(self._connection, sweeps, row)
        return self._require(as_of)

    def get(self, as_of: datetime, *, for_update: bool = False) -> Sweep | None:
        """Return the sweep of a slot. `for_update` locks it until the transaction ends."""
        chosen = select(sweeps).where(sweeps.c.as_of == as_of)
        return self._first(chosen.with_for_update() if for_update else chosen)

    def record_listing(self, as_of: datetime, *, expected: int, complete: bool, missing: int = 0, reason: str = "") -> None:
        """Record how many components an open sweep has to measure, and whether the catalog listing is complete, or why not."""
        self._connection.execute(
            update(sweeps)
            .where(sweeps.c.as_of == as_of, sweeps.c.closed_at.is_(None))
            .values(expected=expected, listing_complete=complete, listing_missing=missing, listing_reason=reason)
        )

    def close(self, as_of: datetime, *, closed_at: datetime) -> Sweep:
        """Close a sweep with the outcomes it has. Closing it again changes nothing. Raises SweepClosed if it was never opened."""
        counted = select(
            func.coalesce(func.sum(case((snapshots.c.outcome == Outcome.MEASURED.value, 1), else_=0)), 0).label("measured"),
            func.count().label("all"),
        ).where(snapshots.c.as_of == as_of)
        counts = self._connection.execute(counted).one()
        self._connection.execute(
            update(sweeps)
            .where(sweeps.c.as_of == as_of, sweeps.c.closed_at.is_(None))
            .values(closed_at=closed_at, measured=int(counts.measured), unknown=counts.all - int(counts.measured))
        )
        return self._require(as_of)

    def unclosed(self) -> tuple[Sweep, ...]:
        """Return the sweeps that are not closed yet, oldest first."""
        return self._all(select(sweeps).where(sweeps.c.closed_at.is_(None)).order_by(sweeps.c.as_of))

    def newest_closed(self) -> Sweep | None:
        """Return the newest closed sweep."""
        return self._first(_closed().order_by(sweeps.c.as_of.desc()))

    def closed_before(self, as_of: datetime) -> Sweep | None:
        """Return the newest closed sweep before an instant."""
        return self._first(_closed().where(sweeps.c.as_of < as_of).order_by(sweeps.c.as_of.desc()))

    def newest_unknown(self, patterns: Iterable[str]) -> UnknownReason | None:
        """Return the most frequent reason like one of these patterns (of SQL) in the newest closed sweep that has one.

        Only the newest 8 sweeps that could not measure every component are looked through: a reason has no index.
        """
        incomplete = select(sweeps.c.as_of).where(sweeps.c.closed_at.is_not(None), sweeps.c.unknown > 0)
        recent = self._connection.execute(incomplete.order_by(sweeps.c.as_of.desc()).limit(_MAX_INCOMPLETE_SWEEPS)).scalars()
        as_of, reason = snapshots.c.as_of, snapshots.c.reason
        is_like = or_(*(reason.like(pattern) for pattern in patterns))
        of_sweeps = select(as_of, reason).where(as_of.in_(recent.all()), snapshots.c.outcome == Outcome.UNKNOWN.value, is_like)
        ordered = of_sweeps.group_by(as_of, reason).order_by(as_of.desc(), func.count().desc(), reason).limit(1)
        found = self._connection.execute(ordered).first()
        return None if found is None else UnknownReason(as_of=found.as_of, reason=found.reason)

    def closed_between(self, earliest: datetime, latest: datetime) -> tuple[Sweep, ...]:
        """Return the closed sweeps with earliest <= as_of <= latest, newest first."""
        within = _closed().where(sweeps.c.as_of >= earliest, sweeps.c.as_of <= latest)
        return self._all(within.order_by(sweeps.c.as_of.desc()))

    def unevaluated(self) -> tuple[Sweep, ...]:
        """Return the closed sweeps that are not evaluated yet, oldest first."""
        return self._all(_closed().where(sweeps.c.evaluated_at.is_(None)).order_by(sweeps.c.as_of))

    def newest_evaluated(self) -> datetime | None:
        """Return the newest sweep that was evaluated."""
        newest = self._first(select(sweeps).where(sweeps.c.evaluated_at.is_not(None)).order_by(sweeps.c.as_of.desc()))
        return newest.as_of if newest is not None else None

    def mark_evaluated(self, as_of: datetime, *, at: datetime) -> bool:
        """Mark a closed sweep as evaluated. Return True for exactly one of several concurrent callers."""
        marked = self._connection.execute(
            update(sweeps)
            .where(sweeps.c.as_of == as_of, sweeps.c.closed_at.is_not(None), sweeps.c.evaluated_at.is_(None))
            .values(evaluated_at=at)
        )
        return marked.rowcount == 1

    def _require(self, as_of: datetime) -> Sweep:
        found = self.get(as_of)
        if found is None:
            message = f"the sweep of {as_of.isoformat()} was never opened"
            raise SweepClosed(message)
        return found

    def _first(self, chosen: Select[tuple[object, ...]]) -> Sweep | None:
        row = self._connection.execute(chosen.limit(1)).mappings().first()
        return None if row is None else Sweep(**row)

    def _all(self, chosen: Select[tuple[object, ...]]) -> tuple[Sweep, ...]:
        return tuple(Sweep(**row) for row in self._connection.execute(chosen).mappings())


def _closed() -> Select[tuple[object, ...]]:
    return select(sweeps).where(sweeps.c.closed_at.is_not(None))
