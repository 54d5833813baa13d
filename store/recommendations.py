"""Recommendations from the first sweep that saw them to how they ended. What they mean is decided in `domain.tracking`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from domain.messages import Json
from domain.refs import EntityRef
from domain.workload import WorkloadKey
from store import points
from store.schema import recommendations
from store.writing import upsert

_KEY = ("entity_ref", "cluster", "namespace", "type", "name", "issue", "opened_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationRow:
    """One recommendation of one workload of one component. The same issue, come back after it ended, is another row."""

    ref: EntityRef
    team: EntityRef
    key: WorkloadKey
    issue: str
    opened_at: datetime
    """The sweep that saw it first."""
    last_seen: datetime
    """The newest sweep that saw it open."""
    ended_at: datetime | None = None
    ended_as: str | None = None
    """`done`, `no longer advised`, `gone`."""
    realised_per_month: Decimal | None = None
    """Savings of a done one, per month."""
    details: Mapping[str, Json] = field(default_factory=dict)
    """What else `domain.tracking` keeps; Decimals as text."""


class Recommendations:
    """Recommendations by component, workload, issue and opening. Written by `evaluate`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, rows: Sequence[RecommendationRow]) -> None:
        """Insert or overwrite; one row a component, workload, issue and opening."""
        upsert(self._connection, recommendations, [_columns_of(row) for row in rows], key=_KEY)

    def open_ones(self, refs: Iterable[EntityRef] | None = None) -> tuple[RecommendationRow, ...]:
        """Answer what has not ended, of all components or of these, by component, workload and issue."""
        chosen = select(recommendations).where(recommendations.c.ended_at.is_(None))
        if refs is not None:
            chosen = chosen.where(recommendations.c.entity_ref.in_(list(refs)))
        return self._all(chosen)

    def open_of_team(self, team: EntityRef) -> tuple[RecommendationRow, ...]:
        """Answer what a team has not dealt with."""
        return self._all(select(recommendations).where(recommendations.c.team == team, recommendations.c.ended_at.is_(None)))

    def ended_between(
        self, earliest: datetime, latest: datetime, *, team: EntityRef | None = None
    ) -> tuple[RecommendationRow, ...]:
        """Answer what ended with earliest < ended_at <= latest, of everybody or of one team."""
        chosen = select(recommendations).where(recommendations.c.ended_at > earliest, recommendations.c.ended_at <= latest)
        if team is not None:
            chosen = chosen.where(recommendations.c.team == team)
        return self._all(chosen)

    def _all(self, chosen: Select[tuple[object, ...]]) -> tuple[RecommendationRow, ...]:
        columns = recommendations.c
        ordered = chosen.order_by(
            columns.entity_ref,
            columns.cluster,
            columns.namespace,
            columns.type,
            columns.name,
            columns.issue,
            columns.opened_at,
        )
        return tuple(_row_of(row) for row in self._connection.execute(ordered).mappings())


def _columns_of(row: RecommendationRow) -> dict[str, Any]:
    return {
        "entity_ref": row.ref,
        "team": row.team,
        "cluster": row.key.cluster,
        "namespace": row.key.namespace,
        "type": row.key.type,
        "name": row.key.name,
        "issue": row.issue,
        "opened_at": row.opened_at,
        "last_seen": row.last_seen,
        "ended_at": row.ended_at,
        "ended_as": row.ended_as,
        "realised_per_month": row.realised_per_month,
        "details": dict(row.details),
    }


def _row_of(row: RowMapping) -> RecommendationRow:
    return RecommendationRow(
        ref=row["entity_ref"],
        team=row["team"],
        key=points.key_of(row),
        issue=row["issue"],
        opened_at=row["opened_at"],
        last_seen=row["last_seen"],
        ended_at=row["ended_at"],
        ended_as=row["ended_as"],
        realised_per_month=row["realised_per_month"],
        details=row["details"],
    )
