"""The exported tables of a report lose nothing that says what a figure is: its period, coverage and as-of."""

import csv
import io
from decimal import Decimal

import pytest

from reports import content
from reports.builders.monthly import build_monthly_report
from reports.builders.report import build_platform_report, build_team_report
from reports.render.documents import PageNavigation, render_page
from reports.render.report_tables import names_of_tables, tables_of
from reports.render.tables import Cell, PageTable, write_csv
from tests.unit import report_samples as samples
from tests.unit.month_samples import month_facts

TEAM = build_team_report(samples.rich_facts())
REPORTS: dict[str, content.AnyReport] = {
    "team": TEAM,
    "nothing": build_team_report(samples.facts_of_nothing()),
    "platform": build_platform_report(samples.platform_facts()),
    "monthly": build_monthly_report(month_facts()),
}


def table(name: str, report: content.AnyReport = TEAM) -> PageTable:
    return next(one for one in tables_of(report) if one.name == name)


def row(found: PageTable, number: int = 0) -> dict[str, Cell]:
    return dict(zip(found.columns, found.rows[number], strict=True))


@pytest.mark.parametrize("name", REPORTS)
def test_every_table_has_its_as_of_and_a_name_of_its_own(name: str) -> None:
    tables = tables_of(REPORTS[name])
    assert all(one.as_of is not None for one in tables)
    assert len({one.name for one in tables}) == len(tables)
    for one in tables:
        head, *rows = csv.reader(io.StringIO(write_csv(one), newline=""))
        assert len(set(head)) == len(head)
        assert {row[head.index("as_of")] for row in rows} == {one.as_of.isoformat() if one.as_of else ""}


@pytest.mark.parametrize("name", ["team", "platform", "monthly"])
def test_every_section_has_its_figures_in_a_table(name: str) -> None:
    report = REPORTS[name]
    kinds = {section.body.kind for section in report.sections if section.body is not None}
    names = {one.name for one in tables_of(report)}
    assert {kind for kind in kinds if not any(one == kind or one.startswith(f"{kind}-") for one in names)} == set()
    assert "headline" in names


@pytest.mark.parametrize("name", REPORTS)
def test_a_section_names_the_tables_that_are_exported(name: str) -> None:
    report = REPORTS[name]
    named = [one for section in report.sections if section.body is not None for one in names_of_tables(section.body)]
    assert [one.name for one in tables_of(report) if not one.name.startswith("headline")] == named


def test_a_partial_sum_says_so_in_its_row() -> None:
    ledger = row(table("components-components"), 2)
    assert ledger["component_title"] == "Ledger"
    assert (ledger["figures_cost_known_workloads"], ledger["figures_cost_workloads"]) == (2, 4)
    assert ledger["figures_cost_is_partial"] is True
    assert ledger["figures_cost_as_of"] == samples.NOW
    assert row(table("components-components"))["figures_cost_is_partial"] is False


def test_automation_is_exported_also_without_a_policy() -> None:
    automation = row(table("automation"))
    assert (automation["automated"], automation["known"], automation["workloads"]) == (3, 7, 8)


def test_the_total_of_the_components_is_exported() -> None:
    total = row(table("components"))
    assert total["total_cost"] == samples.closing_now().cost_7d.amount
    assert total["total_cost_is_partial"] is True
    assert total["total_other_amounts_added"] == Decimal("96.4")


def test_namespaces_are_a_table() -> None:
    assert len(table("unallocated-namespaces-top", REPORTS["platform"]).rows) == 10


def test_a_served_page_leads_to_its_tables() -> None:
    page = render_page(TEAM, navigation=PageNavigation(export="?until=1&sig=x&"))
    for name in ("components-components", "automation", "trend-weeks"):
        assert f'href="?until=1&amp;sig=x&amp;format=csv&amp;table={name}"' in page
    assert "format=csv" not in render_page(TEAM)
