"""Stored weekly reports: who may read one, and the report as a short answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from actions.errors import NotAllowedError, NotFoundError
from actions.history.context import HistoryView, parse_team, parse_week
from actions.history.models import ReportInput, ReportOutput
from domain.messages import Json
from domain.refs import EntityRef
from reports.content import PLATFORM as PLATFORM_WORD
from reports.content import Report
from reports.links import PLATFORM_SLUG
from store import ReportRun

PLATFORM: Final = EntityRef("platform", "default", "platform")
"""What the roll-up of all teams is recorded under."""
WEEKLY: Final = "weekly"
LISTED: Final = 12
"""Entries that a list keeps in the short answer; the trend has as many weeks."""
_LEFT_OUT: Final = frozenset({"format", "scope", "team", "week", "page", "route"})


def team_of_report(text: str) -> EntityRef:
    """Read the team of a report; `platform` is the roll-up of all. Raises InputError."""
    return PLATFORM if text.strip().lower() in {PLATFORM_WORD, str(PLATFORM)} else parse_team(text)


def stored_report(reading: HistoryView, team: EntityRef, week: str | None) -> Report:
    """Answer the report of a week, or the newest one, to who may see all that it counts.

    Raises:
        NotFoundError: there is none, or nothing of the team may be shown.
        NotAllowedError: it counts components that may not be shown.
    """
    runs = {run.week: run for run in reading.rows.reports.runs_of(team, WEEKLY) if run.content is not None}
    chosen = max(runs, default=None) if week is None else str(parse_week(week))
    run = runs.get(chosen) if chosen is not None else None
    if run is None or _is_of_a_hidden_team(reading, team, run):
        listed = runs if team == PLATFORM or reading.sees_of_team(team) else {}
        kept = ", ".join(list(listed)[-LISTED:]) or "none"
        message = (
            f"there is no report of {_name(team)}{f' for {chosen}' if week else ''} that you may see; weeks with a report: {kept}"
        )
        raise NotFoundError(message)
    _require_whole(reading, team, run)
    return Report.model_validate(run.content)


def team_of_slug(slug: str) -> EntityRef:
    """Read what `reports.links.team_slug` writes, its percent signs decoded, and plain references too. Raises InputError."""
    if slug == PLATFORM_SLUG:
        return PLATFORM
    match slug.split("~"):
        case [kind, namespace, name]:
            return team_of_report(f"{kind}:{namespace}/{name}")
        case [namespace, name]:
            return team_of_report(f"group:{namespace}/{name}")
        case _:
            return team_of_report(slug)


def reports_of_week(reading: HistoryView, week: str) -> tuple[Report, ...]:
    """Answer the reports of a week that whoever asks may read, by team."""
    runs = [run for run in reading.rows.reports.runs(WEEKLY, week) if run.content is not None]
    return tuple(Report.model_validate(run.content) for run in runs if not _hidden(reading, run.team, run)[0])


def weeks_to_read(reading: HistoryView, team: EntityRef) -> tuple[str, ...]:
    """Answer the weeks of which whoever asks may read the report of a team, oldest first."""
    runs = [run for run in reading.rows.reports.runs_of(team, WEEKLY) if run.content is not None and run.again == 0]
    return tuple(run.week for run in runs if not _hidden(reading, team, run)[0])


def get_team_report(reading: HistoryView, asked: ReportInput) -> ReportOutput:
    """Answer a stored report, its long lists cut. Raises like `stored_report`."""
    team = team_of_report(asked.team)
    report = stored_report(reading, team, asked.week)
    document = report.model_dump(mode="json")
    shortened = {key: shorten(value) for key, value in document.items() if key not in _LEFT_OUT}
    return ReportOutput(
        currency=report.currency,
        as_of=report.headline.cost.as_of,
        team=_name(team),
        week=report.week,
        weeks=list(weeks_to_read(reading, team)[-52:]),
        page=report.page,
        report=shortened,
        warnings=list(report.headline.missing),
    )


def shorten(value: Json, most: int = LISTED) -> Json:
    """Cut every list in a document to its first entries, and say beside it how long it was."""
    if isinstance(value, list):
        return [shorten(one, most) for one in value[:most]]
    if not isinstance(value, dict):
        return value
    short: dict[str, Json] = {}
    for key, one in value.items():
        short[key] = shorten(one, most)
        if isinstance(one, list) and len(one) > most:
            short.setdefault(f"{key}Total", value.get(f"{key}Total", len(one)))
    return short


def _name(team: EntityRef) -> str:
    return PLATFORM_WORD if team == PLATFORM else str(team)


def _require_whole(reading: HistoryView, team: EntityRef, run: ReportRun) -> None:
    """Check that whoever asks may see every component that the report counts or names."""
    hidden, counted = _hidden(reading, team, run)
    if hidden:
        message = (
            f"the report of {_name(team)} for {run.week} counts {hidden} of {counted} components that you may not see; "
            "get_cost_trend, compare_weeks and list_recommendations answer over those that you may"
        )
        raise NotAllowedError(message)


def _is_of_a_hidden_team(reading: HistoryView, team: EntityRef, run: ReportRun) -> bool:
    """Say whether nothing of a team may be seen, neither what a report counts nor what it owns now: to whoever asks there is none."""
    hidden, counted = _hidden(reading, team, run)
    return team != PLATFORM and hidden > 0 and hidden == counted and not reading.sees_of_team(team)


def _hidden(reading: HistoryView, team: EntityRef, run: ReportRun) -> tuple[int, int]:
    """Answer how many components a report counts that may not be shown, and how many it counts."""
    if reading.sees_everything:
        return 0, 0
    counted = {*_counted(reading, team, run), *_named(run.content)}
    return len(counted) - len(reading.visible(counted)), len(counted)


def _counted(reading: HistoryView, team: EntityRef, run: ReportRun) -> Iterable[EntityRef]:
    for as_of in (run.as_of_now, run.as_of_then):
        if as_of is None:
            continue
        if team == PLATFORM:
            yield from reading.rows.snapshots.outcomes(as_of)
        else:
            yield from (one.snapshot.ref for one in reading.rows.snapshots.of_team(team, as_of))


_REFERENCE: Final = re.compile(r"[^:/\s]+:[^:/\s]+/[^:/\s]+")


def _named(content: Json) -> Iterable[EntityRef]:
    """Answer the components that a report names anywhere in its sections."""
    if isinstance(content, list):
        for one in content:
            yield from _named(one)
    elif isinstance(content, dict):
        ref = content.get("ref")
        if isinstance(ref, str) and _REFERENCE.fullmatch(ref) and not ref.startswith(("group:", "user:")):
            yield EntityRef.parse(ref)
        for one in content.values():
            yield from _named(one)
