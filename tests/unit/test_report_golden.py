"""Golden files of every rendering of a report, compared without the style sheet, which is checked once.

To refresh them after an intended change: REFRESH_GOLDEN=1 pytest, then review the diff.
"""

import json
import os
import re
from pathlib import Path

import pytest

import templates
from reports import content
from reports.builders.monthly import build_monthly_report
from reports.builders.report import build_platform_report, build_team_report
from reports.render.documents import render_markdown, render_page
from reports.render.index_page import render_index
from reports.render.renderings import slack_messages
from tests.unit import report_samples as samples
from tests.unit.month_samples import month_facts

GOLDEN = Path(__file__).parent.parent / "golden"
STYLE = re.compile(r"<style>.*</style>", re.DOTALL)

REPORTS: dict[str, content.AnyReport] = {
    "team": build_team_report(samples.rich_facts()),
    "first-week": build_team_report(samples.facts_of_the_first_week()),
    "nothing": build_team_report(samples.facts_of_nothing()),
    "platform": build_platform_report(samples.platform_facts()),
    "monthly": build_monthly_report(month_facts()),
}


def all_slack_messages(report: content.AnyReport) -> str:
    messages = [
        [{"variant": str(rendering.variant), "payload": dict(rendering.payload)} for rendering in renderings]
        for renderings in slack_messages(report)
    ]
    return json.dumps(messages, indent=1, ensure_ascii=False) + "\n"


WRITERS = {
    "json": lambda report: report.to_json() + "\n",
    "slack.json": all_slack_messages,
    "md": render_markdown,
    "html": render_page,
}


def compare_with_golden(name: str, text: str) -> None:
    file = GOLDEN / name
    text = STYLE.sub("<style></style>", text)
    if os.environ.get("REFRESH_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_matches_its_golden_file(name: str, form: str) -> None:
    compare_with_golden(f"report-{name}.{form}", WRITERS[form](REPORTS[name]))


def test_the_index_matches_its_golden_file() -> None:
    compare_with_golden("index.html", render_index(samples.many_reports(), instance="demo"))


@pytest.mark.parametrize("name", REPORTS)
def test_report_json_round_trips(name: str) -> None:
    report = REPORTS[name]
    assert type(report).model_validate_json(report.to_json()).to_json() == report.to_json()


@pytest.mark.parametrize(
    "page", [render_page(REPORTS["team"]), render_index(samples.many_reports(), instance="demo")], ids=["report", "index"]
)
def test_every_page_contains_the_whole_style_sheet(page: str) -> None:
    sheet = (Path(templates.__file__).parent / "style.css").read_text(encoding="utf-8")
    assert f"<style>\n{sheet}</style>" in page
