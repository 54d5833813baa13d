"""Report runs: who claimed which week of which team, from which snapshots it was made, and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, func, select, update

from domain.messages import Json
from domain.refs import EntityRef
from store.schema import report_runs
from store.upserts import insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun:
    """One run of one report. `again` is 0 for the run of the week; those made again by hand are counted from 1."""

    team: EntityRef
    report: str
    week: str
    status: str
    """`made`, `skipped`, or what the report stage says."""
    due_at: datetime
    created_at: datetime
    late_reason: str
    """Empty when on time."""
    as_of_now: datetime | None
    as_of_then: datetime | None
    """The closing snapshots it was made from."""
    content: Json
    """The content model in its JSON, kept compressed; None for a skipped one."""
    again: int = 0


class Reports:
    """Report runs by team, report and week. Written by `report`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, run: ReportRun) -> bool:
        """Insert a run unless it is there; say whether this call inserted it. Exactly one of several callers hears yes."""
        return insert_new(
            self._connection,
            report_runs,
            {
                "team": run.team,
                "report": run.report,
                "week": run.week,
                "again": run.again,
                "status": run.status,
                "due_at": run.due_at,
                "created_at": run.created_at,
                "late_reason": run.late_reason,
                "as_of_now": run.as_of_now,
                "as_of_then": run.as_of_then,
                "content": run.content,
            },
        )

    def run(self, team: EntityRef, report: str, week: str, *, again: int = 0) -> ReportRun | None:
        """Answer one run."""
        chosen = _of(team, report).where(report_runs.c.week == week, report_runs.c.again == again)
        return self._first(chosen)

    def newest(self, team: EntityRef, report: str) -> ReportRun | None:
        """Answer the run of the newest week, its first run; ISO weeks sort as text."""
        return self._first(_of(team, report).where(report_runs.c.again == 0).order_by(report_runs.c.week.desc()))

    def next_attempt(self, team: EntityRef, report: str, week: str) -> int:
        """Answer the number of the next run by hand."""
        counted = select(func.max(report_runs.c.again)).where(
            report_runs.c.team == team, report_runs.c.report == report, report_runs.c.week == week
        )
        newest = self._connection.execute(counted).scalar()
        return 0 if newest is None else newest + 1

    def runs(self, report: str, week: str) -> tuple[ReportRun, ...]:
        """Answer the runs of one week, by team."""
        chosen = select(report_runs).where(report_runs.c.report == report, report_runs.c.week == week)
        found = self._connection.execute(chosen.order_by(report_runs.c.team, report_runs.c.again)).mappings()
        return tuple(_run_of(row) for row in found)

    def runs_of(self, team: EntityRef, report: str) -> tuple[ReportRun, ...]:
        """Answer the runs of one team, oldest week first."""
        found = self._connection.execute(_of(team, report).order_by(report_runs.c.week, report_runs.c.again)).mappings()
        return tuple(_run_of(row) for row in found)

    def handled(self, report: str, week: str) -> frozenset[EntityRef]:
        """Answer the teams whose week was made or given up, without reading what the reports say."""
        chosen = select(report_runs.c.team).where(
            report_runs.c.report == report, report_runs.c.week == week, report_runs.c.again == 0
        )
        return frozenset(self._connection.execute(chosen).scalars())

    def given_up_since(self, report: str, instant: datetime) -> tuple[ReportRun, ...]:
        """Answer the runs that were skipped since an instant, by team and week."""
        chosen = select(report_runs).where(
            report_runs.c.report == report, report_runs.c.status == "skipped", report_runs.c.created_at > instant
        )
        found = self._connection.execute(chosen.order_by(report_runs.c.team, report_runs.c.week)).mappings()
        return tuple(_run_of(row) for row in found)

    def set_status(self, team: EntityRef, report: str, week: str, *, status: str, again: int = 0) -> None:
        """Change the status of one run."""
        self._connection.execute(
            update(report_runs)
            .where(
                report_runs.c.team == team,
                report_runs.c.report == report,
                report_runs.c.week == week,
                report_runs.c.again == again,
            )
            .values(status=status)
        )

    def _first(self, chosen: Select[tuple[object, ...]]) -> ReportRun | None:
        row = self._connection.execute(chosen.limit(1)).mappings().first()
        return None if row is None else _run_of(row)


def _of(team: EntityRef, report: str) -> Select[tuple[object, ...]]:
    return select(report_runs).where(report_runs.c.team == team, report_runs.c.report == report)


def _run_of(row: RowMapping) -> ReportRun:
    return ReportRun(
        team=row["team"],
        report=row["report"],
        week=row["week"],
        status=row["status"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        late_reason=row["late_reason"],
        as_of_now=row["as_of_now"],
        as_of_then=row["as_of_then"],
        content=row["content"],
        again=row["again"],
    )
