"""Recommendations from their first sweep to their end. Their meaning is in `domain.tracking`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, Select, and_, func, or_, select

from domain.advice import Issue
from domain.limits import MONEY, OF_MEASURES
from domain.measures import Measured, Unknown, known_or
from domain.refs import EntityRef
from domain.tracking import LastAdvice, Recommendation, RecommendationEnd, RecommendationKey
from store.queries import points
from store.queries.rows import Queries, row_from
from store.schema import recommendations
from store.upserts import upsert

_KEY = ("entity_ref", "cluster", "namespace", "type", "name", "issue", "opened_at")
_ADVICE: Final = TypeAdapter(LastAdvice)


class Recommendations(Queries):
    """Recommendations by component, workload, issue and opening: one that returns is another row. Written by `evaluate`."""

    def put(self, tracked: Sequence[Recommendation]) -> None:
        """Insert or update recommendations."""
        upsert(self._connection, recommendations, [_row_of(recommendation) for recommendation in tracked], key=_KEY)

    def open(self, refs: Iterable[EntityRef] | None = None, *, team: EntityRef | None = None) -> tuple[Recommendation, ...]:
        """Return the open recommendations, of all or of these components, or of a team; by component, workload and issue."""
        chosen = select(recommendations).where(recommendations.c.ended_at.is_(None))
        if refs is not None:
            chosen = chosen.where(recommendations.c.entity_ref.in_(list(refs)))
        return self._all(chosen if team is None else chosen.where(recommendations.c.team == team))

    def counts(self) -> Mapping[EntityRef, int]:
        """Count the open recommendations by component."""
        columns = recommendations.c
        chosen = select(columns.entity_ref, func.count().label("total")).where(columns.ended_at.is_(None))
        return {row.entity_ref: row.total for row in self._connection.execute(chosen.group_by(columns.entity_ref))}

    def followed(self, refs: Iterable[EntityRef]) -> tuple[Recommendation, ...]:
        """Return the recommendations of components that are open, or done with their effect pending."""
        columns = recommendations.c
        pending = and_(columns.ended_as == RecommendationEnd.DONE, columns.judged_at.is_(None))
        return self._all(
            select(recommendations).where(columns.entity_ref.in_(list(refs)), or_(columns.ended_at.is_(None), pending))
        )

    def between(
        self, earliest: datetime, latest: datetime, *, refs: Iterable[EntityRef] = (), team: EntityRef | None = None
    ) -> tuple[Recommendation, ...]:
        """Return the recommendations of components or of a team as they were known at `latest`.

        They were open then, or ended or were judged with earliest < at <= latest.
        """
        columns = recommendations.c
        chosen = select(recommendations).where(
            or_(columns.entity_ref.in_(list(refs)), columns.team == team),
            columns.opened_at <= latest,
            or_(columns.ended_at.is_(None), columns.ended_at > earliest, columns.judged_at > earliest),
        )
        return tuple(one.at(latest) for one in self._all(chosen))

    def done_between(self, earliest: datetime, latest: datetime) -> tuple[Recommendation, ...]:
        """Return the recommendations that were carried out with earliest < ended_at <= latest, as they are known now."""
        columns = recommendations.c
        chosen = select(recommendations).where(
            columns.ended_as == RecommendationEnd.DONE.value, columns.ended_at > earliest, columns.ended_at <= latest
        )
        return self._all(chosen)

    def _all(self, chosen: Select[tuple[object, ...]]) -> tuple[Recommendation, ...]:
        columns = recommendations.c
        workload = (columns.cluster, columns.namespace, columns.type, columns.name)
        ordered = chosen.order_by(columns.entity_ref, *workload, columns.issue, columns.opened_at)
        return tuple(_recommendation_of(row) for row in self._connection.execute(ordered).mappings())


def _row_of(recommendation: Recommendation) -> dict[str, Any]:
    key, realised = recommendation.key, recommendation.realised_per_month
    unknown = realised.reason if isinstance(realised, Unknown) else None
    return {
        "entity_ref": key.entity,
        "team": recommendation.team,
        **row_from(key.workload),
        "issue": key.issue,
        "opened_at": recommendation.opened_at,
        "last_seen": recommendation.last_seen_at,
        "ended_at": recommendation.ended_at,
        "ended_as": recommendation.ending,
        "realised_per_month": known_or(realised, None),
        "judged_at": recommendation.judged_at,
        "details": {**_ADVICE.dump_python(recommendation.advised, mode="json"), "realised_unknown": unknown},
    }


def _recommendation_of(row: RowMapping) -> Recommendation:
    details: dict[str, Any] = dict(row["details"])
    reason = details.pop("realised_unknown")
    return Recommendation(
        key=RecommendationKey(entity=row["entity_ref"], workload=points.key_of(row), issue=Issue(row["issue"])),
        team=row["team"],
        opened_at=row["opened_at"],
        last_seen_at=row["last_seen"],
        advised=_advice_of(details),
        ended_at=row["ended_at"],
        ending=None if row["ended_as"] is None else RecommendationEnd(row["ended_as"]),
        realised_per_month=_realised(row["realised_per_month"], reason),
        judged_at=row["judged_at"],
    )


def _advice_of(details: Mapping[str, Any]) -> LastAdvice:
    """Return the last advice without what an older version stored beyond the plausible range."""
    advice = _ADVICE.validate_python(details)
    implausible: dict[str, Any] = {
        name: None
        for name, accepted in OF_MEASURES.items()
        if (value := getattr(advice, name, None)) is not None and not accepted.accepts(value)
    }
    return replace(advice, **implausible)


def _realised(value: Decimal | None, reason: str | None) -> Measured[Decimal] | None:
    if reason is not None:
        return Unknown(reason)
    return value if value is None or MONEY.accepts(value) else Unknown(points.IMPLAUSIBLE)
