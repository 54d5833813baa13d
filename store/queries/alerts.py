"""Rows of alerts: append-only events, and the state they fold into. Their meaning is in `alerts`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, func, select

from domain.messages import Json
from domain.refs import EntityRef
from store.schema import alert_events, alert_states
from store.upserts import insert_into, upsert

_LOCKED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEventRow:
    """An event of an alert, numbered from 1 without gaps. Old ones are purged."""

    alert: str
    number: int
    at: datetime
    details: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStateRow:
    """The fold of an alert's events, with the columns that queries filter by."""

    alert: str
    rule: str
    ref: EntityRef
    """The component or team it is about."""
    team: EntityRef
    status: str
    updated_at: datetime
    state: Mapping[str, Json]
    """An `AlertState` as JSON."""


class Alerts:
    """Alerts by id. Written by `evaluate`, acknowledge and snooze."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append_events(self, events: Sequence[AlertEventRow]) -> None:
        """Append events. An event whose alert and number exist is skipped."""
        rows = [
            {"alert": event.alert, "number": event.number, "at": event.at, "details": dict(event.details)} for event in events
        ]
        if rows:
            self._connection.execute(insert_into(self._connection, alert_events).on_conflict_do_nothing(), rows)

    def events_of(self, alert: str) -> tuple[AlertEventRow, ...]:
        """Return the events of an alert, in order."""
        chosen = select(alert_events).where(alert_events.c.alert == alert).order_by(alert_events.c.number)
        return tuple(AlertEventRow(**row) for row in self._connection.execute(chosen).mappings())

    def put_states(self, states: Sequence[AlertStateRow]) -> None:
        """Insert or update states."""
        upsert(self._connection, alert_states, [_row_of(state) for state in states], key=["alert"])

    def state(self, alert: str) -> AlertStateRow | None:
        """Return an alert's state."""
        chosen = select(alert_states).where(alert_states.c.alert == alert)
        row = self._connection.execute(chosen).mappings().first()
        return None if row is None else _state_of(row)

    def lock(self, alerts: Collection[str]) -> tuple[AlertStateRow, ...]:
        """Return the states of some alerts, by alert, and lock them until the transaction ends."""
        names = sorted(set(alerts))
        found: list[AlertStateRow] = []
        for start in range(0, len(names), _LOCKED_AT_ONCE):
            chosen = select(alert_states).where(alert_states.c.alert.in_(names[start : start + _LOCKED_AT_ONCE]))
            found += self._all(chosen.with_for_update())
        return tuple(found)

    def states(self, *, statuses: Collection[str] | None = None, team: EntityRef | None = None) -> tuple[AlertStateRow, ...]:
        """Return states by alert id, optionally of some statuses and of one team."""
        chosen = select(alert_states)
        if statuses is not None:
            chosen = chosen.where(alert_states.c.status.in_(list(statuses)))
        if team is not None:
            chosen = chosen.where(alert_states.c.team == team)
        return self._all(chosen)

    def counts(self, *, statuses: Collection[str] | None = None) -> Mapping[EntityRef, int]:
        """Count alerts by the entity they are about, optionally of some statuses."""
        chosen = select(alert_states.c.entity_ref, func.count().label("total")).group_by(alert_states.c.entity_ref)
        if statuses is not None:
            chosen = chosen.where(alert_states.c.status.in_(list(statuses)))
        return {row.entity_ref: row.total for row in self._connection.execute(chosen)}

    def states_of(self, refs: Collection[EntityRef]) -> tuple[AlertStateRow, ...]:
        """Return the states of alerts about these entities, by alert id."""
        return self._all(select(alert_states).where(alert_states.c.entity_ref.in_(list(refs))))

    def _all(self, chosen: Select[tuple[object, ...]]) -> tuple[AlertStateRow, ...]:
        return tuple(_state_of(row) for row in self._connection.execute(chosen.order_by(alert_states.c.alert)).mappings())


def _row_of(state: AlertStateRow) -> dict[str, Any]:
    return {
        "alert": state.alert,
        "rule": state.rule,
        "entity_ref": state.ref,
        "team": state.team,
        "status": state.status,
        "updated_at": state.updated_at,
        "state": dict(state.state),
    }


def _state_of(row: RowMapping) -> AlertStateRow:
    return AlertStateRow(
        alert=row["alert"],
        rule=row["rule"],
        ref=row["entity_ref"],
        team=row["team"],
        status=row["status"],
        updated_at=row["updated_at"],
        state=row["state"],
    )
