"""Renders the index of all reports: every team and week with its headline figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.refs import EntityRef
from reports import content
from reports.formatting import sparkline
from reports.links import PLATFORM_SLUG, percent_encode, team_slug
from reports.render.templating import environment

MAX_WEEKS: Final = 13
MAX_MONTHS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexCell:
    """One report and the path of its page, relative to the index."""

    report: content.Report
    href: str
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


def render_index(reports: Iterable[content.Report], *, instance: str, months: Iterable[str] = ()) -> str:
    """Render the index. Of several reports of one team and week the newest is shown; `months` are those with a roll-up."""
    shown: dict[tuple[str, str], content.Report] = {}
    for report in sorted(reports, key=lambda one: (one.made_at, one.again)):
        shown[report.team, report.week] = report
    weeks = tuple(sorted({week for _, week in shown}, reverse=True)[:MAX_WEEKS])
    newest = weeks[0] if weeks else ""
    cells = {key: _cell(report) for key, report in shown.items() if report.week in weeks}
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
            newest=newest,
            weeks=weeks,  # the newest first
            teams=tuple(team for team in ordered if team != content.PLATFORM),
            platform=shown.get((content.PLATFORM, newest)),
            rows=tuple(rows),
            grid=tuple(TeamRow(title=titles[team], cells=tuple(cells.get((team, week)) for week in weeks)) for team in ordered),
        )
    )


def _cell(report: content.Report) -> IndexCell:
    trend = next((section.body for section in report.sections if isinstance(section.body, content.Trend)), None)
    href = f"reports/{percent_encode(slug_of(report))}/{report.week}.html"
    return IndexCell(report=report, href=href, sparkline="" if trend is None else sparkline(trend))
