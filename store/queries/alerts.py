"""Alerts as rows: the events, which are only ever added, and the state they fold into. What they mean is decided in `alerts`."""

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
    """Something that happened to an alert. Numbers of one alert begin at 1 and leave none out; the oldest are forgotten in time."""

    alert: str
    number: int
    kind: str
    """`observed`, `acknowledged`, `snoozed`, `noticed`."""
    at: datetime
    details: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStateRow:
    """The fold of an alert's events, with the columns that lists are made by."""

    alert: str
    rule: str
    ref: EntityRef
    """The component it is about."""
    team: EntityRef
    status: str
    opened_at: datetime | None
    updated_at: datetime
    state: Mapping[str, Json]
    """The value of `alerts` in its own JSON."""


class Alerts:
    """Alerts by their id. Written by `evaluate`, and by acknowledge and snooze."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append_events(self, events: Sequence[AlertEventRow]) -> None:
        """Add events; one whose alert and number stand already is left out, so a repeat adds nothing."""
        rows = [
            {"alert": event.alert, "number": event.number, "kind": event.kind, "at": event.at, "details": dict(event.details)}
            for event in events
        ]
        if rows:
            self._connection.execute(insert_into(self._connection, alert_events).on_conflict_do_nothing(), rows)

    def events_of(self, alert: str) -> tuple[AlertEventRow, ...]:
        """Answer the events of an alert, in order."""
        chosen = select(alert_events).where(alert_events.c.alert == alert).order_by(alert_events.c.number)
        return tuple(
            AlertEventRow(alert=row["alert"], number=row["number"], kind=row["kind"], at=row["at"], details=row["details"])
            for row in self._connection.execute(chosen).mappings()
        )

    def put_states(self, states: Sequence[AlertStateRow]) -> None:
        """Insert or overwrite states."""
        upsert(self._connection, alert_states, [_columns_of(state) for state in states], key=["alert"])

    def put_state(self, state: AlertStateRow) -> None:
        """Insert or overwrite one state."""
        self.put_states([state])

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
        """Answer states, all or by status and team, by alert."""
        chosen = select(alert_states)
        if statuses is not None:
            chosen = chosen.where(alert_states.c.status.in_(list(statuses)))
        if team is not None:
            chosen = chosen.where(alert_states.c.team == team)
        return self._all(chosen)

    def counted(self, *, statuses: Collection[str] | None = None) -> Mapping[EntityRef, int]:
        """Answer how many alerts there are, all or by status, by what they are about."""
        chosen = select(alert_states.c.entity_ref, func.count().label("many")).group_by(alert_states.c.entity_ref)
        if statuses is not None:
            chosen = chosen.where(alert_states.c.status.in_(list(statuses)))
        return {row.entity_ref: row.many for row in self._connection.execute(chosen)}

    def states_of(self, refs: Collection[EntityRef]) -> tuple[AlertStateRow, ...]:
        """Answer the states of some components, by alert."""
        return self._all(select(alert_states).where(alert_states.c.entity_ref.in_(list(refs))))

    def _all(self, chosen: Select[tuple[object, ...]]) -> tuple[AlertStateRow, ...]:
        return tuple(_state_of(row) for row in self._connection.execute(chosen.order_by(alert_states.c.alert)).mappings())


def _columns_of(state: AlertStateRow) -> dict[str, Any]:
    return {
        "alert": state.alert,
        "rule": state.rule,
        "entity_ref": state.ref,
        "team": state.team,
        "status": state.status,
        "opened_at": state.opened_at,
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
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
        state=row["state"],
    )
