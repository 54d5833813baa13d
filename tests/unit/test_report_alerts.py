"""A team's alerts in its weekly report, in every rendering."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from alerts.policy import Rule
from reports import content
from reports.builders.report import build_team_report
from reports.facts import ReportedAlert, TeamAlerts
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from tests.factories import make_ref
from tests.unit.report_samples import rich_facts

SINCE = datetime(2026, 8, 31, 6, tzinfo=timezone.utc)
CHECKOUT = ReportedAlert(rule=Rule.BUDGET, about=make_ref("checkout"), since=SINCE)


def text_in_slack(report: content.Report) -> str:
    return json.dumps([dict(one.payload) for renderings in render_slack(report) for one in renderings], ensure_ascii=False)


@pytest.mark.parametrize("render", [render_page, render_markdown, text_in_slack, content.Report.to_json])
def test_open_alerts_and_costs_that_became_usual_are_in_every_rendering(render: object) -> None:
    alerts = TeamAlerts(open=(CHECKOUT,), became_usual=(make_ref("airflow"),))
    text = render(build_team_report(replace(rich_facts(), alerts=alerts)))  # type: ignore[operator]  # a renderer
    assert "above its budget, since" in text
    assert "31 Aug" in text
    assert "airflow" in text
    if render is not content.Report.to_json:
        assert "Open alerts: 1." in text
        assert "1 higher cost lasted two weeks and is the usual level now: airflow." in text


def test_an_alert_about_the_team_has_the_title_of_the_team() -> None:
    facts = replace(rich_facts(), title="The Payments Team")
    about_team = ReportedAlert(rule=Rule.BUDGET, about=facts.team, since=SINCE)
    text = render_markdown(build_team_report(replace(facts, alerts=TeamAlerts(open=(about_team,)))))
    assert "The Payments Team: above its budget, since" in text


def test_without_alerts_there_is_no_section() -> None:
    sections = build_team_report(replace(rich_facts(), alerts=TeamAlerts())).sections
    assert "Alerts" not in {section.title for section in sections}
