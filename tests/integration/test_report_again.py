"""A report says the same whenever it is made: late, again, or shown first; only later data differ.

Two weeks with an OOM-killed workload and an over-provisioned one close on Monday, 21 September. Then both are fixed, costs double,
their alerts resolve, the component changes its owner, and what has outlived its retention is deleted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alerts.policy import AlertPolicy, Rule
from domain.refs import PLATFORM, EntityRef
from domain.snapshots import WorkloadPoint
from domain.weeks import WEEKLY_REPORT, IsoWeek
from reports import content
from store import ReportRun, RunStatus, Store
from tasks.evaluate.manual import acknowledge_alert
from tasks.maintenance.purging import purge_expired
from tasks.report.reported_alerts import AlertPeriod, handled_alerts
from tasks.report.stage import ReportMade, preview, report_due, send
from tests.factories import PAYMENTS, SEARCH, make_component, make_point
from tests.integration.alert_installation import START, Installation, alert, fine, group, starved
from tests.services.databases import make_sqlite
from tests.stage_factories import weekly_report

W38 = IsoWeek(2026, 38)
LAST_SLOT = 57
"""The newest sweep before the report is due: Monday, 21 September, 06:00 UTC."""
DUE = START + timedelta(days=14, hours=9)
SUBJECTS = [pytest.param(PAYMENTS, id="team"), pytest.param(None, id="roll-up")]


def oversized(**changes: Any) -> WorkloadPoint:
    values: dict[str, Any] = {"over_provisioned": True, "savings_available_per_month": Decimal(300), "cost_7d": Decimal(150)}
    return make_point("batch", **(values | changes))


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Installation]:
    """Return a database file and its installation, whose store is closed, for `installation` to copy."""
    file = tmp_path_factory.mktemp("two_weeks") / "worker.db"
    with closing(Store.open(make_sqlite(file))) as store:
        made = Installation(store=store, components=[make_component("checkout")])
        for slot in range(LAST_SLOT + 1):
            made.run({"checkout": [starved(), oversized(cost_7d=Decimal(100 + slot))]})
    made.now = DUE
    return file, made


@pytest.fixture
def installation(two_weeks: tuple[Path, Installation], tmp_path: Path) -> Iterator[Installation]:
    file, made = two_weeks
    copied = shutil.copy(file, tmp_path / "worker.db")
    with closing(Store.open(f"sqlite:///{copied}")) as store:
        yield replace(made, store=store, seen=set(made.seen))


def let_time_pass(installation: Installation, *, days: int) -> None:
    """Fix and change everything."""
    installation.components = [make_component("checkout", team=SEARCH)]
    installation.teams = [group(), group(SEARCH)]
    for _ in range(days * 4):
        installation.run({"checkout": [fine(cost_7d=Decimal(400)), oversized(automated=True, cost_7d=Decimal(500))]})


def figures_of(report: content.Report) -> Any:
    return report.model_dump(mode="json", exclude={"made_at", "again", "late_reason"})


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_report_shown_late_says_what_it_would_have_said(installation: Installation, subject: EntityRef | None) -> None:
    on_time = preview(installation.context, subject, W38)
    let_time_pass(installation, days=2)
    assert figures_of(preview(installation.context, subject, W38)) == figures_of(on_time)


def test_a_late_report_has_the_alerts_of_its_closing_snapshot(installation: Installation) -> None:
    let_time_pass(installation, days=2)
    (report,) = (one.report for one in report_due(installation.context).made if one.report.scope == "team")
    (alerts,) = (section.body for section in report.sections if isinstance(section.body, content.AlertList))
    assert [one.rule for one in alerts.open] == ["under-provisioned", "over-provisioned"]
    assert report.late_reason


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_report_made_again_says_the_same_whatever_was_measured_or_deleted_since(
    installation: Installation, subject: EntityRef | None
) -> None:
    first = {one.report.scope: weekly_report(one) for one in report_due(installation.context).made}[
        "team" if subject else "platform"
    ]
    let_time_pass(installation, days=12)
    installation.now += timedelta(days=300)
    installation.alerts = AlertPolicy(instance="test", monthly_budgets={PAYMENTS: Decimal(7)})
    purge_expired(installation.context)

    again = send(installation.context, subject, W38, again=True)

    assert isinstance(again, ReportMade)
    assert again.report.again == 1
    assert figures_of(weekly_report(again)) == figures_of(first)
    with installation.store.reading() as transaction:
        runs = transaction.reports.runs_of(subject or PLATFORM, WEEKLY_REPORT)
    first_run, second_run = [run for run in runs if run.week == str(W38)]
    assert (second_run.sweeps_now, second_run.sweeps_then) == (first_run.sweeps_now, first_run.sweeps_then)
    assert first_run.status is second_run.status is RunStatus.MADE


def test_a_report_with_a_failed_section_is_built_again(installation: Installation) -> None:
    report = preview(installation.context, PAYMENTS, W38)
    broken = content.Section(title="Alerts", body=None, failure="This section could not be built (KeyError).")
    with installation.store.transaction() as transaction:
        transaction.reports.claim(
            ReportRun(
                team=PAYMENTS,
                report=WEEKLY_REPORT,
                week=str(W38),
                status=RunStatus.MADE,
                due_at=DUE,
                created_at=DUE,
                late_reason="",
                sweeps_now=(START + timedelta(days=14),),
                sweeps_then=(START + timedelta(days=7),),
                content=json.loads(report.model_copy(update={"sections": (broken,)}).model_dump_json()),
            )
        )
    again = send(installation.context, PAYMENTS, W38, again=True)
    assert isinstance(again, ReportMade)
    assert {section.failure for section in again.report.sections} == {""}
    assert len(again.report.sections) == len(report.sections)


@pytest.mark.parametrize(("minutes", "is_handled"), [(-10, True), (10, False)])
def test_only_what_was_acknowledged_by_the_due_time_was_handled_then(
    installation: Installation, *, minutes: int, is_handled: bool
) -> None:
    about = make_component("checkout").ref
    installation.now = DUE + timedelta(minutes=minutes)
    acknowledge_alert(installation.context, str(alert("checkout", Rule.OVER_PROVISIONED)), by="alex")
    let_time_pass(installation, days=2)
    period = AlertPeriod(since=START + timedelta(days=7), until=START + timedelta(days=14, hours=6), handled_by=DUE)
    with installation.store.reading() as transaction:
        assert handled_alerts(transaction, [about], period) == ({("over-provisioned", about)} if is_handled else set())
