"""Deleting sweeps never changes which snapshot closes a week, for any team's zone and schedule, reported or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.closing_snapshot import choose_closing, closing_window
from domain.measures import Unknown
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.weeks import IsoWeek, Schedule, Schedules
from store.retention import Retention, expired
from tests.factories import CHECKOUT, PAYMENTS, SEARCH, make_ref
from tests.unit.test_closing_snapshot import FIVE, candidate
from tests.unit.test_weeks import MONDAY_NINE, schedules, utc

LEDGER = make_ref("ledger")
W20 = IsoWeek.parse("2026-W20")
FIRST = utc("2026-05-16T12:00")
RETENTION = Retention(points=timedelta(days=2), daily=timedelta(days=20), weekly=timedelta(days=700))
SHAPES = {
    "gone": None,
    "measured": (Outcome.MEASURED, (FIVE,)),
    "without cost": (Outcome.MEASURED, (Unknown("no cost"),)),
    "unknown": (Outcome.UNKNOWN, ()),
}
Sweeps = Mapping[datetime, tuple[str, str]]
slots = st.integers(0, 11).map(lambda slot: FIRST + timedelta(hours=6 * slot))
shapes = st.tuples(st.sampled_from(sorted(SHAPES)), st.sampled_from(sorted(SHAPES)))


def closing(sweeps: Sweeps, as_ofs: Collection[datetime]) -> Mapping[EntityRef, datetime]:
    """Choose the closing snapshots of two components."""
    found = []
    for as_of in as_ofs:
        for ref, name in zip((CHECKOUT, LEDGER), sweeps[as_of], strict=True):
            if (shape := SHAPES[name]) is not None:
                made = candidate(as_of, *shape[1], outcome=shape[0])
                found.append(replace(made, ref=ref))
    return {ref: one.as_of for ref, one in choose_closing(found).items()}


def closings(sweeps: Sweeps, kept: Collection[datetime], own: Schedule, now: datetime) -> list[Mapping[EntityRef, datetime]]:
    windows = [closing_window(own, W20.shift(number), now=now) for number in (-1, 0, 1)]
    return [closing(sweeps, [as_of for as_of in kept if as_of in window]) for window in windows]


@given(st.dictionaries(slots, shapes, min_size=1), schedules, st.lists(st.integers(1, 600), min_size=1, max_size=3))
def test_what_closes_a_week_is_kept_whether_reported_or_not(sweeps: Sweeps, own: Schedule, days: list[int]) -> None:
    policy = Schedules(default=MONDAY_NINE, teams={SEARCH: own, PAYMENTS: MONDAY_NINE})
    kept = set(sweeps)
    for day in sorted(days):
        now = FIRST + timedelta(days=3 + day)
        gone = expired(
            kept, reported=(), schedules=policy, retention=RETENTION, now=now, used=lambda one: set(closing(sweeps, one).values())
        )
        kept -= set(gone)
        for schedule in policy.distinct():
            assert closings(sweeps, kept, schedule, now) == closings(sweeps, sweeps.keys(), schedule, now)
