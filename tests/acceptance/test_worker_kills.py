"""kill -9 in every state between the steps of every stage, several within a slot: minutes later everything due is done, once."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from domain.refs import PLATFORM
from simulator.serving import Simulator
from tasks.report.due import teams_with_reports
from tests.acceptance.crash_points import DELIVERING, EVALUATING, INVENTORY, MEASURING, OPENING, REPORTING, TaskStep, crash_states
from tests.acceptance.faults import crash_at, go_to_report_morning, kill_on_roll_up_morning
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.invariants import violations
from tests.services.queues import QueueServer
from worker.schedule import QUEUES

MONDAY = datetime(2026, 11, 2, tzinfo=timezone.utc)
RECOVERY = timedelta(minutes=15)
"""From the last crash. Two minutes until a stalled sweep is enqueued again, or a lease of two minutes and a look-up a minute later;
and here a minute takes a third of a second, so that starting a worker takes several."""


@pytest.fixture
def fleet(tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str) -> Fleet:
    simulator.load("demo")
    return Fleet(tmp_path, simulator, queues, postgres_url, MONDAY + MINUTE, workers=(QUEUES, QUEUES))


@pytest.mark.parametrize(
    "steps",
    [OPENING, INVENTORY, MEASURING, EVALUATING, DELIVERING],
    ids=["opening a sweep", "taking the inventory", "measuring", "evaluating", "delivering"],
)
def test_a_crash_between_any_two_steps(fleet: Fleet, steps: tuple[TaskStep, ...]) -> None:
    with fleet:
        fleet.live()
        fleet.next_slot()
        for number, point in enumerate(crash_states(*steps)):
            crash_at(fleet, point, "worker" if number % 5 == 0 else "child")
        fleet.live(most=RECOVERY)
        assert violations(fleet) == []


def test_a_crash_while_reporting_a_week_and_a_month(
    tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str
) -> None:
    """The roll-up of September is due on a Thursday, alone."""
    simulator.load("demo")
    begin = datetime(2026, 9, 27, 18, tzinfo=timezone.utc) + MINUTE
    fleet = Fleet(tmp_path, simulator, queues, postgres_url, begin, workers=(QUEUES, QUEUES), monthly_channel="C0LEADERS1")
    with fleet:
        fleet.live()
        go_to_report_morning(fleet)
        before, after, _ = crash_states(*REPORTING)
        crash_at(fleet, before, "child")
        crash_at(fleet, after, "worker")
        with fleet.store.reading() as transaction:
            teams = {*teams_with_reports(transaction), PLATFORM}
        fleet.reports_on_mondays = True
        fleet.live(most=RECOVERY)
        with fleet.store.reading() as transaction:
            made = transaction.reports.runs("weekly", "2026-W39")
        assert len(made) == len(teams)
        assert {run.team for run in made} == teams
        assert {run.status for run in made} == {"made"}
        kill_on_roll_up_morning(fleet, after, "child")
        with fleet.store.reading() as transaction:
            (roll_up,) = transaction.reports.runs("monthly", "2026-09")
        assert (roll_up.team, roll_up.status) == (PLATFORM, "made")
        assert violations(fleet) == []
