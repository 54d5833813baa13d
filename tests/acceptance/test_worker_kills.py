"""kill -9 at every step boundary of every stage: afterwards everything is as if nothing had happened, within minutes.

Here one death follows another within a slot; `make chaos` gives each a slot of its own, and kills child and whole worker at each.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from simulator.serving import Simulator
from store import ReportRun
from tasks.report.report_data import PLATFORM
from tasks.report.stage import teams_with_reports
from tests.acceptance.crossings import ADVANCE, DELIVER, JUDGE, MEASURE, REPORT
from tests.acceptance.faults import die_at, go_to_report_morning
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.promises import broken_promises
from tests.services.queues import QueueServer
from worker.schedule import QUEUES

MONDAY = datetime(2026, 11, 2, tzinfo=timezone.utc)
NEXT_MONDAY = MONDAY + timedelta(days=7)
RECOVERY = timedelta(minutes=15)
"""From the last death. Two minutes until a stalled sweep is rung out again, or a lease of two minutes and a look-up a minute later;
and here a minute passes in half a second, so that a new worker costs several."""


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str) -> Fleet:
    simulator.load("demo")
    return Fleet(tmp_path, simulator, queues, postgres_url, MONDAY + MINUTE, workers=(QUEUES, QUEUES))


def test_killed_anywhere_while_opening_a_sweep(fleet: Fleet) -> None:
    kill_everywhere(fleet, ADVANCE)


def test_killed_anywhere_while_measuring(fleet: Fleet) -> None:
    kill_everywhere(fleet, MEASURE)


def test_killed_anywhere_while_judging(fleet: Fleet) -> None:
    kill_everywhere(fleet, JUDGE)


def test_killed_anywhere_while_sending(fleet: Fleet) -> None:
    kill_everywhere(fleet, DELIVER)


def test_killed_anywhere_while_reporting(fleet: Fleet) -> None:
    with fleet:
        fleet.set_clock(NEXT_MONDAY - timedelta(hours=6) + MINUTE)
        fleet.live()
        go_to_report_morning(fleet)
        die_at(fleet, REPORT[0], "child")
        die_at(fleet, REPORT[1], "worker")
        with fleet.store.reading() as transaction:
            teams = {*teams_with_reports(transaction), PLATFORM}
        fleet.reports_on_mondays = True
        fleet.live(most=RECOVERY)
        made = reports_of(fleet)
        assert len(made) == len(teams)
        assert {run.team for run in made} == teams
        assert {run.status for run in made} == {"made"}
        assert broken_promises(fleet) == []


def reports_of(fleet: Fleet) -> tuple[ReportRun, ...]:
    with fleet.store.reading() as transaction:
        return transaction.reports.runs("weekly", "2026-W45")


def kill_everywhere(fleet: Fleet, crossings: tuple[str, ...]) -> None:
    with fleet:
        fleet.live()
        fleet.next_slot()
        for number, crossing in enumerate(crossings):
            die_at(fleet, crossing, "worker" if number % 5 == 0 else "child")
        fleet.live(most=RECOVERY)
        assert broken_promises(fleet) == []
