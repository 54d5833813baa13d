"""Sweeps whose time is over go with all that hangs on them, and nothing else does. On both databases."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select

from domain.bulk_trust import BulkCheck, BulkSubject
from domain.weeks import Schedule, Schedules
from store import Store
from store.engines import reading
from store.retention import Retention
from store.schema import snapshot_points, snapshots, workload_points
from tests.factories import SLOT, make_measurement, make_point
from tests.integration.test_store_alerts import run
from tests.stage_factories import record_sweep

DAYS = (0, 1, 20, 21)
SCHEDULES = Schedules(default=Schedule.parse(zone="UTC", day="monday", at="09:00"))


def sweep_at(store: Store, as_of: datetime) -> None:
    shared = make_point("shared")
    measurements = make_measurement("a", shared, make_point("own"), as_of=as_of), make_measurement("b", shared, as_of=as_of)
    record_sweep(store, as_of, *measurements)


def rows_in(store: Store) -> list[int]:
    with reading(store._engine) as connection:
        tables = (snapshots, workload_points, snapshot_points)
        return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]


def test_a_dropped_sweep_leaves_nothing_behind(store: Store) -> None:
    for days in DAYS:
        sweep_at(store, SLOT + timedelta(days=days))
    assert rows_in(store) == [8, 8, 12]
    now = SLOT + timedelta(days=21, hours=1)
    never = Retention(points=timedelta(days=14), daily=timedelta(0), weekly=timedelta(0))
    with store.transaction() as transaction:
        due = transaction.purge.due(never, SCHEDULES, now=now)
        assert due == (SLOT, SLOT + timedelta(days=1))
        for as_of in due:
            transaction.purge.drop(as_of)
        assert transaction.purge.due(never, SCHEDULES, now=now) == ()
        assert transaction.sweeps.get(SLOT) is None
        left = transaction.sweeps.closed_between(SLOT, now)
        assert [sweep.as_of for sweep in left] == [SLOT + timedelta(days=21), SLOT + timedelta(days=20)]
        assert list(transaction.snapshots.of_sweep(SLOT)) == []
        assert len(list(transaction.snapshots.of_sweep(SLOT + timedelta(days=20)))) == 2
    assert rows_in(store) == [4, 4, 6]


def test_open_sweeps_and_those_that_reports_were_made_from_are_kept(store: Store) -> None:
    tuesday = SLOT + timedelta(days=1)
    sweep_at(store, tuesday)
    sweep_at(store, tuesday + timedelta(days=1))
    sweep_at(store, tuesday + timedelta(days=200))
    now = tuesday + timedelta(days=200, hours=1)
    with store.transaction() as transaction:
        transaction.sweeps.open(tuesday + timedelta(days=2), opened_at=tuesday)
        transaction.reports.claim(replace(run(), sweeps_now=(tuesday + timedelta(days=1),), sweeps_then=(tuesday,)))
        assert transaction.purge.due(Retention(), SCHEDULES, now=now) == ()
        much_later = now + timedelta(days=600)
        assert transaction.purge.due(Retention(), SCHEDULES, now=much_later) == (tuesday, tuesday + timedelta(days=1))


def test_a_response_is_not_said_to_be_trusted_from_before_a_sweep_that_is_deleted(store: Store) -> None:
    hours = (0, 6, 12, 18, 24 * 30)
    for number in hours:
        as_of = SLOT + timedelta(hours=number)
        sweep_at(store, as_of)
        reason = "it is empty" if number == 6 else ""
        check = BulkCheck(as_of=as_of, subject=BulkSubject.COSTS, cluster="east", trusted=not reason, reason=reason)
        with store.transaction() as transaction:
            transaction.bulk_checks.record([check])
    month, year = (SLOT + timedelta(days=days) for days in (30, 365))
    with store.transaction() as transaction:
        due = transaction.purge.due(Retention(), SCHEDULES, now=month)
        assert due == (SLOT + timedelta(hours=6),)
        for as_of in due:
            transaction.purge.drop(as_of)
        transaction.purge.drop_bulk_checks(now=month)
        assert [one.since for one in transaction.bulk_checks.standings()] == [SLOT + timedelta(hours=12)]
        transaction.purge.drop_bulk_checks(now=year)
        assert [len(transaction.bulk_checks.of_sweep(SLOT + timedelta(hours=number))) for number in hours] == [1, 0, 1, 1, 1]
