"""Whatever is unknown, no rendering of a report holds a zero or a "none" for it. Every known figure here is above zero."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.closing_point import ClosingPoint
from domain.measures import Unknown
from domain.snapshots import Measurement, WorkloadPoint
from reports import content
from reports.builders.report import build_platform_report, build_team_report
from reports.render.documents import render_markdown, render_page
from reports.render.index_page import render_index
from reports.render.slack import render_slack
from tests.factories import PAYMENTS, make_lost_point
from tests.unit import report_samples as samples

NONE_SAID = (
    "No workloads ran",
    "no workloads",
    "Everything was measured",
    "No recommendation needs action",
    "no recommendations",
    "No recommendations that need a decision.",
    "No workload changed its cost",
    "No workload has cross-zone traffic",
    "0 of 0",
    "€0.00",
    "none yet",
)
GAPS = ("cost_7d", "savings_available_per_month", "active_savings_per_month", "automated", "under_provisioned", "oom_kills_24h")
DOWN = "ScaleOps answered 500"

names = st.sampled_from(["api", "web", "job"])
gaps = st.frozensets(st.sampled_from(GAPS))


def point_with(name: str, gaps: frozenset[str], *, over: bool) -> WorkloadPoint:
    made = samples.point(name, 12.5, over=over, automated=not over, savings=3.25, active=1.75, cross_az=None)
    unknown: dict[str, Any] = dict.fromkeys(gaps, Unknown(DOWN))
    return replace(made, **unknown)


points = st.builds(point_with, names, gaps, over=st.booleans())


@st.composite
def measurements(draw: st.DrawFn, name: str) -> Measurement:
    """Draw a component: measured with gaps, or unknown with or without its last known workloads."""
    if draw(st.booleans()):
        drawn = draw(st.lists(points, min_size=1, max_size=3, unique_by=lambda one: one.key))
        return samples.measured(name, *drawn, team=draw(st.sampled_from([PAYMENTS, samples.SHOP])))
    lost = [make_lost_point(one, cluster="prod@eu-west-1") for one in draw(st.lists(names, max_size=2, unique=True))]
    return samples.measured(name, *lost, unknown=DOWN)


@st.composite
def closings(draw: st.DrawFn, *, unknown: bool) -> ClosingPoint:
    drawn = [draw(measurements(name)) for name in draw(st.lists(st.sampled_from(["checkout", "ledger"]), unique=True))]
    if unknown:
        drawn.append(samples.measured("invoices", unknown=DOWN))
    return ClosingPoint(as_of=samples.NOW, measurements=tuple(drawn))


def reports_of(now: ClosingPoint, then: ClosingPoint | None) -> Sequence[content.Report]:
    weeks = samples.weeks_until(now, (None, 80))
    changes: dict[str, Any] = {"now": now, "then": then and replace(then, as_of=samples.NOW - timedelta(days=7)), "weeks": weeks}
    team = replace(samples.rich_facts(), **changes, followed=(), month_to_date=None, monthly_budget=None)
    return build_team_report(team), build_platform_report(replace(samples.platform_facts(), **changes, month_to_date=None))


def renderings_of(report: content.Report) -> Mapping[str, str]:
    messages = render_slack(report)
    return {
        "html": render_page(report),
        "markdown": render_markdown(report),
        "slack": " ".join(json.dumps(one.payload, ensure_ascii=False) for message in messages for one in message),
        "index": render_index([report], instance="test"),
    }


@given(closings(unknown=True), st.none() | closings(unknown=False))
@settings(max_examples=40)  # each is eight renderings
def test_no_rendering_says_none_or_zero_while_a_component_is_unknown(now: ClosingPoint, then: ClosingPoint | None) -> None:
    for report in reports_of(now, then):
        assert {section.failure for section in report.sections} == {""}
        for form, text in renderings_of(report).items():
            said = [one for one in NONE_SAID if one in text and not (then is not None and one == "€0.00")]
            assert (form, said) == (form, [])


@given(closings(unknown=True))
def test_no_sum_is_complete_or_zero_while_a_component_is_unknown(now: ClosingPoint) -> None:
    for report in reports_of(now, None):
        document = json.loads(report.to_json())
        # No component claims what is unallocated.
        document["sections"] = [one for one in document["sections"] if one["body"]["kind"] != "unallocated"]
        amounts = [one for one in _amounts(document) if one["as_of"] is not None]
        assert [one for one in amounts if one["amount"] == 0] == []
        headline = document["headline"]
        for name in ("cost", "savings_available", "savings_realised"):
            assert headline[name]["known"] < headline[name]["parts"]
            assert (headline[name]["amount"] is None) == (headline[name]["known"] == 0)


def _amounts(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, list):
        return [one for item in document for one in _amounts(item)]
    if not isinstance(document, dict):
        return []
    own = [document] if {"amount", "known", "parts"} <= document.keys() else []
    return own + [one for item in document.values() for one in _amounts(item)]


@pytest.mark.parametrize("facts", [samples.facts_of_nothing(), replace(samples.facts_of_nothing(), then=samples.closing_then())])
def test_a_week_without_a_snapshot_is_unknown_in_every_rendering(facts: Any) -> None:
    report = build_team_report(replace(facts, monthly_budget=None))
    for form, text in renderings_of(report).items():
        assert (form, [one for one in NONE_SAID if one in text]) == (form, [])


def test_an_empty_database_has_no_report_that_was_made() -> None:
    facts = replace(
        samples.platform_facts(), now=None, then=None, weeks=(), team_titles={}, unrouted=(), skipped=(), month_to_date=None
    )
    for form, text in renderings_of(build_platform_report(facts)).items():
        assert (form, "no report was skipped" in text) == (form, False)
        if form != "index":
            assert "No team owns a component yet, so no report was due." in text
