"""A week of simulated schedule with two beats and four workers: no duplicate, no gap."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from domain.refs import PLATFORM
from reports import content
from simulator.serving import Simulator
from tasks.report.due import teams_with_reports
from tests.acceptance.fleet import MINUTE, Fleet
from tests.acceptance.invariants import violations
from tests.services.queues import QueueServer
from worker.schedule import COLLECT, DELIVER, EVALUATE, QUEUES, WATCH

MONDAY = datetime(2026, 11, 2, tzinfo=timezone.utc)
NEXT_MONDAY = MONDAY + timedelta(days=7)


def test_two_beats_and_four_workers_run_for_a_week(
    tmp_path: Path, simulator: Simulator, queues: QueueServer, postgres_url: str
) -> None:
    simulator.load("demo")
    workers = (QUEUES, QUEUES, (WATCH, COLLECT), (DELIVER, EVALUATE))
    every = timedelta(hours=12)
    fleet = Fleet(tmp_path, simulator, queues, postgres_url, MONDAY + MINUTE, beats=2, workers=workers, every=every)
    fleet.reports_on_mondays = True
    with fleet:
        fleet.live()
        while fleet.now < NEXT_MONDAY:
            fleet.next_slot()
            fleet.live()
        fleet.set_clock(NEXT_MONDAY + timedelta(hours=9, minutes=1))
        fleet.live()
        with fleet.store.reading() as transaction:
            reported = transaction.reports.runs("weekly", "2026-W45")
            teams = {*teams_with_reports(transaction), PLATFORM}
        assert {run.team for run in reported} == teams
        assert len(reported) == len(teams)
        posts = fleet.posts()
        names = [content.PLATFORM if run.team == PLATFORM else run.team for run in reported]
        assert [name for name in names if posts[f"report:weekly:{name}:2026-W45:slack:1"] != 1] == []
        assert any(one["resolved_at"] for one in simulator.state.pagerduty.incidents)
        assert violations(fleet) == []
