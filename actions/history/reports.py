"""Stored weekly reports: who may read one, and the report as a short output."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from actions.errors import NotAllowedError, NotFoundError
from actions.history.models import ReportInput, ReportOutput
from actions.history.view import HistoryView, parse_team, parse_week
from actions.shortening import MAX_LISTED, shorten
from domain.messages import Json
from domain.months import MONTHLY_REPORT, Month
from domain.refs import PLATFORM, EntityRef
from domain.weeks import WEEKLY_REPORT, current_week
from reports.content import MonthlyReport, Report
from reports.links import PLATFORM_SLUG
from store import ReportRun

ALL_TEAMS: Final = "all"
"""The roll-up of all teams, as an argument and in outputs. A group of this name is addressed as `group:default/all`."""
_OMITTED: Final = frozenset({"format", "scope", "team", "week", "page", "route"})


def team_of_report(text: str) -> EntityRef:
    """Parse the team of a report; `all` is the roll-up of all teams. Raises InputError."""
    return PLATFORM if text.strip().lower() == ALL_TEAMS else parse_team(text)


def stored_report(view: HistoryView, team: EntityRef, week: str | None) -> Report:
    """Return the report of a week, or the newest one, if the caller may see every component in it.

    Raises:
        NotFoundError: there is none, or the caller may see nothing of the team.
        NotAllowedError: it counts components that the caller may not see.
    """
    runs = {run.week: run for run in view.rows.reports.runs_of(team, WEEKLY_REPORT) if run.content is not None}
    chosen = max(runs, default=None) if week is None else str(parse_week(week))
    run = runs.get(chosen) if chosen is not None else None
    if run is None or _is_team_hidden(view, team, run):
        listed = runs if team == PLATFORM or view.sees_of_team(team) else {}
        kept = ", ".join(list(listed)[-MAX_LISTED:]) or "none"
        message = f"no report of {_name(team)}{f' for {chosen}' if week else ''} that you may see; weeks with a report: {kept}"
        raise NotFoundError(message)
    _require_all_visible(view, team, run)
    return _as_seen(view, Report.model_validate(run.content))


def months_with_roll_up(view: HistoryView) -> tuple[str, ...]:
    """Return the months whose roll-up is stored and shown to the caller, oldest first."""
    return view.rows.reports.weeks_of(PLATFORM, MONTHLY_REPORT) if view.sees_everything else ()


def stored_month(view: HistoryView, month: Month) -> MonthlyReport:
    """Return the monthly roll-up of all teams.

    Raises:
        NotAllowedError: the caller does not see everything.
        NotFoundError: there is none of that month.
    """
    if not view.sees_everything:
        message = "the monthly roll-up is shown only to callers who may see every component"
        raise NotAllowedError(message)
    runs = {run.week: run for run in view.rows.reports.runs_of(PLATFORM, MONTHLY_REPORT) if run.content is not None}
    if str(month) not in runs:
        kept = ", ".join(list(runs)[-MAX_LISTED:]) or "none"
        message = f"no monthly roll-up of {month}; months with one: {kept}"
        raise NotFoundError(message)
    return MonthlyReport.model_validate(runs[str(month)].content)


def team_of_slug(slug: str) -> EntityRef:
    """Parse a `reports.links.team_slug`, or a plain reference. Only PLATFORM_SLUG is the roll-up. Raises InputError."""
    if slug == PLATFORM_SLUG:
        return PLATFORM
    match [unquote(part) for part in slug.split("~")]:
        case [kind, namespace, name]:
            return parse_team(f"{kind}:{namespace}/{name}")
        case [namespace, name]:
            return parse_team(f"group:{namespace}/{name}")
        case _:
            return parse_team(unquote(slug))


def reports_of_week(view: HistoryView, week: str) -> tuple[Report, ...]:
    """Return the reports of a week that the caller may read, by team."""
    runs = [run for run in view.rows.reports.runs(WEEKLY_REPORT, week) if run.content is not None]
    return tuple(_as_seen(view, Report.model_validate(run.content)) for run in runs if not _hidden(view, run.team, run)[0])


def _as_seen(view: HistoryView, report: Report) -> Report:
    """Leave out what no component claims, unless the caller sees everything: the catalog cannot say who may see it."""
    if view.sees_everything:
        return report
    shown = (
        section.model_copy(update={"body": None, "failure": "Shown only to callers who may see every component."})
        if section.body is not None and section.body.kind == "unallocated"
        else section
        for section in report.sections
    )
    return report.model_copy(update={"sections": tuple(shown)})


def newest_reports(view: HistoryView, *, weeks: int = 3) -> tuple[ReportRun, ...]:
    """Return the newest report of each team that the caller may read, of the last weeks; the roll-up first, then by team."""
    current = current_week(view.history.clock(), view.history.schedules.default.zone)
    newest: dict[EntityRef, ReportRun] = {}
    for back in range(weeks + 1):
        for run in view.rows.reports.runs(WEEKLY_REPORT, str(current.shift(-back))):
            if run.content is not None and run.again == 0 and run.team not in newest and not _hidden(view, run.team, run)[0]:
                newest[run.team] = run
    return tuple(sorted(newest.values(), key=lambda run: (run.team != PLATFORM, run.team)))


def readable_weeks(view: HistoryView, team: EntityRef) -> tuple[str, ...]:
    """Return the weeks with a report of the team that the caller may read, oldest first."""
    if view.sees_everything:
        return view.rows.reports.weeks_of(team, WEEKLY_REPORT)
    return tuple(run.week for run in readable_runs(view, team))


def readable_runs(view: HistoryView, team: EntityRef, *, newest: int | None = None) -> tuple[ReportRun, ...]:
    """Return the weekly reports of the team that the caller may read, oldest first, without those made again by hand.

    `newest`: of this many stored weeks; None: of all.
    """
    stored = view.rows.reports.weeks_of(team, WEEKLY_REPORT)
    since = stored[-newest] if newest is not None and len(stored) > newest else ""
    runs = view.rows.reports.runs_of(team, WEEKLY_REPORT, since_week=since)
    return tuple(run for run in runs if run.content is not None and run.again == 0 and not _hidden(view, team, run)[0])


def get_team_report(view: HistoryView, query: ReportInput) -> ReportOutput:
    """Return a stored report with its long lists cut. Raises as `stored_report`."""
    team = team_of_report(query.team)
    report = stored_report(view, team, query.week)
    document = report.model_dump(mode="json")
    shortened = {key: shorten(value) for key, value in document.items() if key not in _OMITTED}
    return ReportOutput(
        currency=report.currency,
        as_of=report.headline.cost.as_of,
        team=_name(team),
        week=report.week,
        weeks=list(readable_weeks(view, team)[-52:]),
        page=report.page,
        report=shortened,
        warnings=list(report.headline.missing),
    )


def _name(team: EntityRef) -> str:
    return ALL_TEAMS if team == PLATFORM else str(team)


def _require_all_visible(view: HistoryView, team: EntityRef, run: ReportRun) -> None:
    """Raise NotAllowedError unless the caller may see every component that the report counts or names."""
    hidden, counted = _hidden(view, team, run)
    if hidden:
        message = (
            f"the report of {_name(team)} for {run.week} counts {hidden} of {counted} components that you may not see; "
            "get_cost_trend, explain_cost_change and list_recommendations cover those that you may"
        )
        raise NotAllowedError(message)


def _is_team_hidden(view: HistoryView, team: EntityRef, run: ReportRun) -> bool:
    """Return True if the caller may see no component of the team, neither those counted nor those owned now."""
    hidden, counted = _hidden(view, team, run)
    return team != PLATFORM and hidden > 0 and hidden == counted and not view.sees_of_team(team)


def _hidden(view: HistoryView, team: EntityRef, run: ReportRun) -> tuple[int, int]:
    """Return the number of hidden components that a report counts, and the number it counts."""
    if view.sees_everything:
        return 0, 0
    counted = {*_counted(view, team, run), *_named(run.content)}
    return len(counted) - len(view.visible(counted)), len(counted)


def _counted(view: HistoryView, team: EntityRef, run: ReportRun) -> Iterable[EntityRef]:
    for as_ofs in (run.sweeps_now, run.sweeps_then):
        yield from (one.ref for one in view.rows.closing.of_team(team, as_ofs or ()))


_REFERENCE: Final = re.compile(r"[^:/\s]+:[^:/\s]+/[^:/\s]+")


def _named(content: Json) -> Iterable[EntityRef]:
    if isinstance(content, list):
        for one in content:
            yield from _named(one)
    elif isinstance(content, dict):
        ref = content.get("ref")
        if isinstance(ref, str) and _REFERENCE.fullmatch(ref) and not ref.startswith(("group:", "user:")):
            yield EntityRef.parse(ref)
        for one in content.values():
            yield from _named(one)
