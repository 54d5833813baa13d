"""Report runs: which week of which team was reported, from which snapshots, with what content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, func, select

from domain.messages import Json
from domain.refs import EntityRef
from store.queries.rows import Queries, read_as, row_from
from store.schema import report_runs
from store.upserts import insert_new


class RunStatus(StrEnum):
    """The outcome of a run."""

    MADE = "made"
    SKIPPED = "skipped"
    UNDELIVERABLE = "undeliverable"
    """Made, without a destination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun:
    """One run of one report. `again` is 0 for the run of the week and counts repeats by hand from 1."""

    team: EntityRef
    report: str
    week: str
    status: RunStatus
    due_at: datetime
    created_at: datetime
    late_reason: str
    """Empty when on time."""
    sweeps_now: tuple[datetime, ...] | None
    sweeps_then: tuple[datetime, ...] | None
    """The sweeps that may close the week and the one before, when the report was made: every repeat chooses among the same. None:
    skipped."""
    content: Json
    """The content model as JSON; None for a skipped week, and once purged."""
    again: int = 0


class Reports(Queries):
    """Report runs by team, report and week. Written by `report`."""

    def claim(self, run: ReportRun) -> bool:
        """Insert a run unless it exists. Return True for exactly one of several concurrent callers."""
        return insert_new(self._connection, report_runs, row_from(run))

    def run(self, team: EntityRef, report: str, week: str, *, again: int = 0) -> ReportRun | None:
        """Return one run."""
        chosen = _of(team, report).where(report_runs.c.week == week, report_runs.c.again == again)
        return self._first(chosen)

    def first_with_content(self, team: EntityRef, report: str, week: str) -> ReportRun | None:
        """Return the first run of a week whose content is stored: every later one says the same."""
        chosen = _of(team, report).where(report_runs.c.week == week, report_runs.c.status != RunStatus.SKIPPED)
        run = self._first(chosen.order_by(report_runs.c.again))
        return None if run is None or run.content is None else run

    def newest(self, team: EntityRef, report: str) -> ReportRun | None:
        """Return the first run of the newest week; ISO weeks sort as text."""
        return self._first(_of(team, report).where(report_runs.c.again == 0).order_by(report_runs.c.week.desc()))

    def next_attempt(self, team: EntityRef, report: str, week: str) -> int:
        """Return the number of the next repeat by hand."""
        counted = select(func.max(report_runs.c.again)).where(
            report_runs.c.team == team, report_runs.c.report == report, report_runs.c.week == week
        )
        newest = self._connection.execute(counted).scalar()
        return 0 if newest is None else newest + 1

    def runs(self, report: str, week: str) -> tuple[ReportRun, ...]:
        """Return the runs of one week, by team."""
        chosen = select(report_runs).where(report_runs.c.report == report, report_runs.c.week == week)
        found = self._connection.execute(chosen.order_by(report_runs.c.team, report_runs.c.again)).mappings()
        return tuple(read_as(ReportRun, row, status=RunStatus(row["status"])) for row in found)

    def runs_of(self, team: EntityRef, report: str, *, since_week: str = "") -> tuple[ReportRun, ...]:
        """Return the runs of one team, oldest week first; of all weeks or since one."""
        chosen = _of(team, report).where(report_runs.c.week >= since_week)
        found = self._connection.execute(chosen.order_by(report_runs.c.week, report_runs.c.again)).mappings()
        return tuple(read_as(ReportRun, row, status=RunStatus(row["status"])) for row in found)

    def weeks_of(self, team: EntityRef, report: str) -> tuple[str, ...]:
        """Return the weeks of one team with a stored report, oldest first, without reading the contents."""
        chosen = select(report_runs.c.week).where(
            report_runs.c.team == team,
            report_runs.c.report == report,
            report_runs.c.again == 0,
            report_runs.c.content.is_not(None),
        )
        return tuple(self._connection.execute(chosen.order_by(report_runs.c.week)).scalars())

    def reported_at(self, team: EntityRef, report: str, *, before: str) -> tuple[datetime, ...]:
        """Return the newest sweep of each week before `before` that the report of a team was made from, oldest first."""
        chosen = select(report_runs.c.sweeps_now).where(
            report_runs.c.team == team,
            report_runs.c.report == report,
            report_runs.c.status == RunStatus.MADE,
            report_runs.c.again == 0,
            report_runs.c.week < before,
        )
        found = self._connection.execute(chosen.order_by(report_runs.c.week)).scalars()
        return tuple(max(sweeps) for sweeps in found if sweeps)

    def handled(self, report: str, week: str) -> frozenset[EntityRef]:
        """Return the teams whose week was made or skipped, without reading the contents."""
        chosen = select(report_runs.c.team).where(
            report_runs.c.report == report, report_runs.c.week == week, report_runs.c.again == 0
        )
        return frozenset(self._connection.execute(chosen).scalars())

    def skipped_since(self, report: str, instant: datetime) -> tuple[ReportRun, ...]:
        """Return the runs that were skipped since an instant, by team and week."""
        chosen = select(report_runs).where(
            report_runs.c.report == report, report_runs.c.status == RunStatus.SKIPPED, report_runs.c.created_at > instant
        )
        found = self._connection.execute(chosen.order_by(report_runs.c.team, report_runs.c.week)).mappings()
        return tuple(read_as(ReportRun, row, status=RunStatus(row["status"])) for row in found)

    def _first(self, chosen: Select[tuple[object, ...]]) -> ReportRun | None:
        row = self._connection.execute(chosen.limit(1)).mappings().first()
        return None if row is None else read_as(ReportRun, row, status=RunStatus(row["status"]))


def _of(team: EntityRef, report: str) -> Select[tuple[object, ...]]:
    return select(report_runs).where(report_runs.c.team == team, report_runs.c.report == report)
