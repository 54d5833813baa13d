"""Golden files of everything a report becomes. To refresh them after a wanted change: REFRESH_GOLDEN=1 pytest, then read the diff."""

import json
import os
from pathlib import Path

import pytest

from reports import content
from reports.build.report import compose_platform, compose_team
from reports.render.html_page import write_page
from reports.render.index_page import write_index
from reports.render.markdown import write_markdown
from reports.render.slack import write_slack
from tests.unit import report_cast as cast

GOLDEN = Path(__file__).parent.parent / "golden"

REPORTS = {
    "team": compose_team(cast.rich_facts()),
    "first-week": compose_team(cast.facts_of_the_first_week()),
    "nothing": compose_team(cast.facts_of_nothing()),
    "platform": compose_platform(cast.platform_facts()),
}


def slack_in_full(report: content.Report) -> str:
    messages = [
        [{"variant": str(rendering.variant), "payload": dict(rendering.payload)} for rendering in renderings]
        for renderings in write_slack(report)
    ]
    return json.dumps(messages, indent=1, ensure_ascii=False) + "\n"


WRITERS = {
    "json": lambda report: report.to_json() + "\n",
    "slack.json": slack_in_full,
    "md": write_markdown,
    "html": write_page,
}


def compare_with_golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("REFRESH_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_as_it_always_did(name: str, form: str) -> None:
    compare_with_golden(f"report-{name}.{form}", WRITERS[form](REPORTS[name]))


def test_the_index_reads_as_it_always_did() -> None:
    compare_with_golden("index.html", write_index(cast.many_reports(), instance="demo"))


@pytest.mark.parametrize("name", REPORTS)
def test_the_json_of_a_report_reads_back_as_the_same_report(name: str) -> None:
    report = REPORTS[name]
    assert content.Report.model_validate_json(report.to_json()).to_json() == report.to_json()
