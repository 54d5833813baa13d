"""Renders the index of all reports: every team and week with its headline figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.refs import EntityRef
from reports import content
from reports.formatting import sparkline
from reports.links import PLATFORM_SLUG, percent_encode, team_slug
from reports.render.tables import Cell, PageTable
from reports.render.templating import environment

MAX_WEEKS: Final = 13
MAX_MONTHS: Final = 12
_COLUMNS: Final = (
    "team", "title", "week", "measured_at", "cost", "workloads_with_cost", "workloads", "like_for_like", "share",
    "savings_available", "savings_realised", "components_measured", "components",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexCell:
    """One report and the address of its page."""

    report: content.Report
    href: str
    team_href: str
    """The page of the team, or the report where there is none."""
    sparkline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRow:
    """One team's reports per week; None for a week without one."""

    title: str
    cells: tuple[IndexCell | None, ...]


def page_path(report: content.Report) -> str:
    """Return the path of a report's page, relative to the index: `reports/payments/2026-W47.html`."""
    return f"reports/{slug_of(report)}/{report.week}.html"


def slug_of(report: content.Report) -> str:
    """Return the path segment of a report's team."""
    return PLATFORM_SLUG if report.scope == content.PLATFORM else team_slug(EntityRef.parse(report.team))


def render_index(reports: Iterable[content.Report], *, instance: str, months: Iterable[str] = (), is_served: bool = False) -> str:
    """Render the index. Of several reports of one team and week the newest is shown.

    Args:
        reports: of all teams and weeks.
        instance: the name of the installation.
        months: those with a roll-up.
        is_served: by the gateway, which has pages of teams and of the status, and exports tables. A file links to other files.
    """
    shown = _newest_made(reports)
    weeks = tuple(sorted({week for _, week in shown}, reverse=True)[:MAX_WEEKS])
    newest = weeks[0] if weeks else ""
    base = "/" if is_served else ""
    cells = {key: _cell(report, base) for key, report in shown.items() if report.week in weeks}
    titles = {team: shown[team, week].title for team, week in sorted(shown)}
    ordered = sorted(titles, key=lambda team: (team != content.PLATFORM, titles[team].lower(), team))
    rows = sorted(
        (cell for (team, week), cell in cells.items() if week == newest and team != content.PLATFORM),
        key=lambda cell: (-(cell.report.headline.cost.amount or Decimal(0)), cell.report.team),
    )
    return (
        environment("html")
        .get_template("index.html")
        .render(
            instance=instance,
            months=sorted(months, reverse=True)[:MAX_MONTHS],
            platform_slug=PLATFORM_SLUG,
            is_served=is_served,
            newest=newest,
            weeks=weeks,  # the newest first
            teams=tuple(team for team in ordered if team != content.PLATFORM),
            platform=shown.get((content.PLATFORM, newest)),
            rows=tuple(rows),
            grid=tuple(TeamRow(title=titles[team], cells=tuple(cells.get((team, week)) for week in weeks)) for team in ordered),
        )
    )


def index_tables(reports: Iterable[content.Report]) -> tuple[PageTable, ...]:
    """Return the tables of the index: the newest week, and all weeks, a row for each report."""
    shown = sorted(_newest_made(reports).values(), key=lambda one: (one.team != content.PLATFORM, one.title.lower(), one.week))
    newest = max((report.week for report in shown), default="")
    return (
        _table("teams", f"Teams, {newest}", [report for report in shown if report.week == newest]),
        _table("weeks", "All weeks", shown),
    )


def _table(name: str, title: str, reports: Sequence[content.Report]) -> PageTable:
    return PageTable(
        name=name,
        title=title,
        columns=_COLUMNS,
        rows=tuple(_row(report) for report in reports),
        currency=reports[0].currency if reports else None,
        period="cost 7 days, savings per month",
        as_of=max((one.headline.cost.as_of for one in reports if one.headline.cost.as_of is not None), default=None),
    )


def _row(report: content.Report) -> tuple[Cell, ...]:
    head = report.headline
    cost = head.cost
    return (
        report.team, report.title, report.week, cost.as_of, cost.amount, *cost.counts,
        head.like_for_like and head.like_for_like.amount, head.share,
        head.savings_available.amount, head.savings_realised.amount, head.components_measured, head.components,
    )  # fmt: skip


def _newest_made(reports: Iterable[content.Report]) -> dict[tuple[str, str], content.Report]:
    return {(one.team, one.week): one for one in sorted(reports, key=lambda one: (one.made_at, one.again))}


def _cell(report: content.Report, base: str) -> IndexCell:
    trend = next((section.body for section in report.sections if isinstance(section.body, content.Trend)), None)
    href = f"{base}reports/{percent_encode(slug_of(report))}/{report.week}.html"
    return IndexCell(
        report=report,
        href=href,
        team_href=href.rpartition("/")[0] if base else href,
        sparkline="" if trend is None else sparkline(trend),
    )
