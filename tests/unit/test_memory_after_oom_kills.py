"""A workload that was OOM-killed is never advised to get less memory, wherever advice is given, and the conflict is said."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from alerts.observations import RequestFigures
from alerts.policy import AlertPolicy, Rule
from alerts.rules import SweepHistory, observe
from domain.closing_point import ClosingPoint
from domain.snapshots import WorkloadPoint
from domain.tracking import track
from reports import content
from reports.builders.recommended_actions import MAX_ACTIONS
from reports.builders.report import build_team_report
from reports.findings import format_finding
from reports.render.documents import render_markdown
from tests.factories import make_measurement, make_point, make_workload
from tests.stage_factories import plan_workloads, run_live_action
from tests.unit import report_samples as samples

KILLED: dict[str, Any] = {"oom_kills_24h": 3, "savings_available_per_month": Decimal(120)}
"""A point halves its memory by default: 2 GiB, recommended 1 GiB."""
FLAGS = [{"over_provisioned": True}, {"over_provisioned": True, "automated": True}, {}, {"under_provisioned": True}]


def report_of(*points: WorkloadPoint) -> content.Report:
    now = ClosingPoint(as_of=samples.NOW, measurements=(make_measurement("checkout", *points, as_of=samples.NOW),))
    return build_team_report(replace(samples.rich_facts(), now=now, then=None, followed=()))


@pytest.mark.parametrize("flags", FLAGS)
def test_a_report_says_the_conflict_and_keeps_the_memory(flags: dict[str, Any]) -> None:
    waste = make_point("waste", over_provisioned=True, savings_available_per_month=Decimal(500))
    report = report_of(make_point(**KILLED, **flags), waste)
    actions = next(section.body for section in report.sections if isinstance(section.body, content.TopActions))
    first = actions.top[0]
    assert [one.resource for one in first.places[0].requests] in ([], ["cpu"])
    assert "memory:" not in "".join(patch.yaml for patch in first.patches)
    assert "OOM-killed 3x" in first.sentence
    assert "although ScaleOps recommends less" in first.sentence
    assert [one.monthly_savings for one in actions.top] == [0, 500]
    assert "to save €500.00 a month" in report.headline.todo
    assert ("€120.00 a month is held back" in report.headline.todo) != ("under_provisioned" in flags)
    assert "memory 2048Mi → 1024Mi per pod" in render_markdown(report), "of the other one"
    assert len(re.findall("→ 1024Mi|memory=1024Mi", render_markdown(report))) == 2


def test_kills_do_not_put_waste_first_where_only_cpu_is_lowered() -> None:
    fits = make_point("fits", over_provisioned=True, **(KILLED | {"memory_recommended_bytes": 2.0 * 2**30}))
    waste = make_point("waste", over_provisioned=True, savings_available_per_month=Decimal(500))
    actions = next(one.body for one in report_of(fits, waste).sections if isinstance(one.body, content.TopActions))
    assert [one.sentence for one in actions.top] == [
        "Lower the requests of waste to save €500.00 a month.", "Lower the requests of fits to save €120.00 a month.",
    ]  # fmt: skip


def test_what_is_not_listed_promises_no_savings_of_workloads_that_keep_their_memory() -> None:
    killed = (make_point(f"k{number}", over_provisioned=True, **KILLED) for number in range(MAX_ACTIONS + 2))
    waste = make_point("waste", over_provisioned=True, savings_available_per_month=Decimal(500))
    actions = next(one.body for one in report_of(*killed, waste).sections if isinstance(one.body, content.TopActions))
    assert (actions.more, actions.more_savings) == (3, Decimal(500))


def test_a_tracked_recommendation_keeps_the_memory_too() -> None:
    (known,) = track(make_measurement("checkout", make_point(over_provisioned=True, **KILLED)), ())
    assert known.advised.memory_recommended_bytes == known.advised.memory_request_bytes == 2.0 * 2**30
    assert known.advised.savings_available_per_month == 0, "lists of recommendations promise what reports do"


@pytest.mark.parametrize("flags", FLAGS)
def test_no_alert_advises_less_memory(flags: dict[str, Any]) -> None:
    measured = make_measurement("checkout", make_point(**KILLED, **flags))
    seen = observe(measured, SweepHistory(measured_before=True), AlertPolicy(instance="test"), lifecycle="production")
    found = [(one.alert.rule, finding) for one in seen for finding in one.found]
    assert [rule for rule, _ in found] == ([Rule.UNDER_PROVISIONED] if "under_provisioned" in flags else [])
    for _, finding in found:
        assert isinstance(finding.figures, RequestFigures)
        assert finding.figures.memory_recommended_bytes == 2.0 * 2**30
        assert "keeps its memory although ScaleOps recommends less" in format_finding(finding, "USD")


@pytest.mark.parametrize("flags", FLAGS)
def test_an_agent_gets_the_memory_to_request(flags: dict[str, Any]) -> None:
    workload = make_workload(oom_kills_24h=3, **{"automated": False, **flags})
    output = run_live_action("recommendations", plan_workloads(workload))
    (row,) = output["recommendations"]
    assert (row["recommendedMemory"], row["advisedMemory"]) == (512, 1024)
    assert row["caution"] == "It was OOM-killed 3x in the last 24 h, so it keeps its memory although ScaleOps recommends less."
    assert any(row["caution"] in warning for warning in output["warnings"])
    (calm,) = run_live_action("recommendations", plan_workloads(replace(workload, oom_kills_24h=0)))["recommendations"]
    assert (calm["advisedMemory"], calm["caution"]) == (512, None)
