"""What became of a recommendation is in exactly one report, whenever it ended, and whatever could not be measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.snapshots import WorkloadPoint
from domain.tracking import RecommendationKey
from domain.weeks import IsoWeek
from store import Store
from tasks.report.report_data import gather_team
from tasks.report.requests import ReportRequest
from tests.factories import PAYMENTS, make_point
from tests.integration.test_comparison_of_weeks import DUE, MONDAY, WEEK, sweep
from tests.services.databases import make_sqlite
from tests.stage_factories import make_policy

DAYS, WEEKS = 29, 4
AROUND_CLOSING = (6, 7, 8, 13, 14, 15)
days = st.integers(min_value=0, max_value=DAYS - 1)
endings = st.tuples(days, st.sampled_from(["workload removed", "component removed"]))
failures = st.frozensets(days, max_size=12)
History = tuple[tuple[int, str], frozenset[int]]
"""When and how a component's workload ends, and the days on which the component could not be measured."""


def shown(name: str, day: int, ending: tuple[int, str], failed: frozenset[int]) -> list[WorkloadPoint] | str | None:
    if day >= ending[0] and ending[1] == "component removed":
        return None
    if day in failed:
        return "ScaleOps is down"
    return [make_point(f"{name}-stays"), *([make_point(f"{name}-goes")] if day < ending[0] else [])]


def play(store: Store, histories: Mapping[str, History], down: frozenset[int]) -> None:
    """Sweep all components once a day from a Monday on, except while the worker is down; the first days are calm."""
    owners = dict.fromkeys([*histories, "anchor"], PAYMENTS)
    for day in range(DAYS):
        if day not in down or day in (0, DAYS - 1):
            parts = {name: shown(name, day, (max(1, at), how), failed) for name, ((at, how), failed) in histories.items()}
            points = {name: points for name, points in parts.items() if points is not None} | {"anchor": [make_point("anchor")]}
            sweep(store, MONDAY + timedelta(days=day), points, owners)


def reported_ends(store: Store) -> Counter[RecommendationKey]:
    found: Counter[RecommendationKey] = Counter()
    for weeks in range(1, WEEKS + 1):
        week = IsoWeek.parse("2026-W45").shift(weeks)
        with store.reading() as transaction:
            request = ReportRequest(week=week, now=MONDAY + weeks * WEEK + DUE)
            facts = gather_team(transaction, make_policy(), PAYMENTS, request)
        if facts.now is not None:
            found.update(one.key for one in facts.followed if one.ended_at is not None)
    return found


def ended(store: Store) -> set[RecommendationKey]:
    with store.reading() as transaction:
        known = transaction.recommendations.between(MONDAY, MONDAY + WEEKS * WEEK, team=PAYMENTS)
    return {one.key for one in known if one.ended_at is not None}


@pytest.mark.parametrize("down", [frozenset[int](), frozenset({6, 7}), frozenset({13, 14})], ids=str)
def test_an_end_around_a_closing_sweep_is_reported_once(sqlite_store: Store, down: frozenset[int]) -> None:
    names = {f"{name}-until-day-{day}": day for day in AROUND_CLOSING for name in ("checkout", "cart")}
    play(sqlite_store, {name: ((day, "workload removed"), frozenset()) for name, day in names.items()}, down)
    assert reported_ends(sqlite_store) == Counter(dict.fromkeys(ended(sqlite_store), 1))
    assert Counter(key.entity.name for key in ended(sqlite_store)) == Counter(dict.fromkeys(names, 1))


@settings(max_examples=10)
@given(st.lists(st.tuples(endings, failures), min_size=6, max_size=6), st.frozensets(days, max_size=8))
def test_every_end_is_in_exactly_one_report(histories: list[History], down: frozenset[int]) -> None:
    with TemporaryDirectory() as folder, closing(Store.open(make_sqlite(Path(folder) / "w.db"))) as store:
        play(store, {f"component-{number}": one for number, one in enumerate(histories)}, down)
        assert reported_ends(store) == Counter(dict.fromkeys(ended(store), 1))
