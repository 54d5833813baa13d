"""Kills that are not known may have happened: no advice, alert or sum takes memory from such a workload, and each says why."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from alerts.policy import AlertPolicy, Rule
from alerts.rules import SweepHistory, observe
from domain.closing_point import ClosingPoint
from domain.measures import Unknown
from domain.snapshots import WorkloadPoint
from domain.tracking import track
from reports import content
from reports.builders.report import build_team_report
from reports.render.documents import render_markdown
from tests.factories import make_measurement, make_point, make_workload
from tests.stage_factories import plan_workloads, run_live_action
from tests.unit import report_samples as samples

UNKNOWN = Unknown("ScaleOps left it out")
NOT_KNOWN: dict[str, Any] = {"oom_kills_24h": UNKNOWN, "savings_available_per_month": Decimal(120)}
"""A point halves its memory by default: 2 GiB, recommended 1 GiB."""
LOWERING = [{"over_provisioned": True}, {"over_provisioned": True, "automated": True}, {}]


def report_of(*points: WorkloadPoint) -> content.Report:
    now = ClosingPoint(as_of=samples.NOW, measurements=(make_measurement("checkout", *points, as_of=samples.NOW),))
    return build_team_report(replace(samples.rich_facts(), now=now, then=None, followed=()))


@pytest.mark.parametrize("flags", LOWERING)
def test_a_report_gives_no_advice_and_names_what_is_not_known(flags: dict[str, Any]) -> None:
    report = report_of(make_point(**NOT_KNOWN, **flags))
    actions = next(section.body for section in report.sections if isinstance(section.body, content.TopActions))
    assert (actions.top, actions.unknown) == ((), 1)
    text = render_markdown(report)
    assert "1024Mi" not in text
    assert "OOM kill count of 1 workload on east is unknown" in text
    assert "No recommendation needs action" not in text
    rest = "left to ScaleOps automation" if "automated" in flags else "from workloads whose state is not known"
    assert report.headline.todo == f"Savings of €120.00 a month are {rest}."


def test_the_issue_is_unknown_with_its_reason() -> None:
    point = make_point(over_provisioned=True, oom_kills_24h=Unknown("ScaleOps left it out"))
    assert point.issue == Unknown("whether it was OOM-killed is not known, and ScaleOps recommends less memory")


def test_raising_requests_is_advised_without_less_memory() -> None:
    report = report_of(make_point(under_provisioned=True, cpu_recommended_millicores=2000.0, **NOT_KNOWN))
    (action,) = next(section.body for section in report.sections if isinstance(section.body, content.TopActions)).top
    assert [one.resource for one in action.places[0].requests] == ["cpu"]


def test_advice_that_takes_no_memory_stays() -> None:
    point = make_point(over_provisioned=True, memory_recommended_bytes=2.0 * 2**30, **NOT_KNOWN)
    (action,) = next(section.body for section in report_of(point).sections if isinstance(section.body, content.TopActions)).top
    assert action.monthly_savings == 120


def test_the_alert_neither_opens_nor_resolves() -> None:
    measured = make_measurement("checkout", make_point(over_provisioned=True, **NOT_KNOWN))
    seen = observe(measured, SweepHistory(measured_before=True), AlertPolicy(instance="test"), lifecycle="production")
    (over,) = [one for one in seen if one.alert.rule is Rule.OVER_PROVISIONED]
    assert (over.found, len(over.unknown)) == ((), 1)


def test_a_recommendation_is_neither_opened_nor_ended() -> None:
    known = track(make_measurement("checkout", make_point(over_provisioned=True)), ())
    assert len(known) == 1
    held = make_measurement("checkout", make_point(over_provisioned=True, **NOT_KNOWN))
    assert track(held, known) == ()
    assert track(held, ()) == ()


def test_an_agent_is_told_to_keep_the_memory_and_why() -> None:
    output = run_live_action("recommendations", plan_workloads(make_workload(oom_kills_24h=None, over_provisioned=True)))
    (row,) = output["recommendations"]
    assert (row["recommendedMemory"], row["advisedMemory"]) == (512, 1024)
    assert row["caution"] == "Whether it was OOM-killed is not known, so it keeps its memory although ScaleOps recommends less."
