"""Rows of alerts: append-only events, and the state they fold into. Their meaning is in `alerts`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import RowMapping, Select, func, select

from domain.messages import Json
from domain.refs import EntityRef
from store.queries.rows import Queries, read_as, row_from
from store.schema import alert_events, alert_states
from store.upserts import insert_into, upsert

_READ_AT_ONCE: Final = 500


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


class Alerts(Queries):
    """Alerts by id. Written by `evaluate`, acknowledge and snooze."""

    def append_events(self, events: Sequence[AlertEventRow]) -> None:
        """Append events. An event whose alert and number exist is skipped."""
        if events:
            rows = [row_from(event) for event in events]
            self._connection.execute(insert_into(self._connection, alert_events).on_conflict_do_nothing(), rows)

    def events_of(self, alert: str) -> tuple[AlertEventRow, ...]:
        """Return the events of an alert, in order."""
        chosen = select(alert_events).where(alert_events.c.alert == alert).order_by(alert_events.c.number)
        return tuple(read_as(AlertEventRow, row) for row in self._connection.execute(chosen).mappings())

    def events_since(self, earliest: datetime, *, alerts: Collection[str]) -> tuple[AlertEventRow, ...]:
        """Return the events of some alerts from an instant on, by instant, alert and number."""
        names, found = sorted(set(alerts)), list[AlertEventRow]()
        for start in range(0, len(names), _READ_AT_ONCE):
            some = alert_events.c.alert.in_(names[start : start + _READ_AT_ONCE])
            rows = self._connection.execute(select(alert_events).where(alert_events.c.at >= earliest, some)).mappings()
            found += [read_as(AlertEventRow, row) for row in rows]
        return tuple(sorted(found, key=lambda event: (event.at, event.alert, event.number)))

    def notifications(
        self, since: datetime, *, until: datetime, alerts: Collection[str] | None = None
    ) -> tuple[AlertEventRow, ...]:
        """Return the notifications of some alerts, or of all, from an instant to another, oldest first."""
        columns = alert_events.c
        sent = select(alert_events).where(
            columns.at >= since, columns.at <= until, columns.details["kind"].as_string() == "notified"
        )
        wanted: list[Select[tuple[object, ...]]] = [sent]
        if alerts is not None:
            names = sorted(set(alerts))
            batches = (names[start : start + _READ_AT_ONCE] for start in range(0, len(names), _READ_AT_ONCE))
            wanted = [sent.where(columns.alert.in_(batch)) for batch in batches]
        found = [read_as(AlertEventRow, row) for one in wanted for row in self._connection.execute(one).mappings()]
        return tuple(sorted(found, key=lambda event: (event.at, event.alert, event.number)))

    def put_states(self, states: Sequence[AlertStateRow]) -> None:
        """Insert or update states."""
        rows = [{"entity_ref": state.ref, **row_from(state, without=("ref",))} for state in states]
        upsert(self._connection, alert_states, rows, key=["alert"])

    def state(self, alert: str) -> AlertStateRow | None:
        """Return an alert's state."""
        chosen = select(alert_states).where(alert_states.c.alert == alert)
        row = self._connection.execute(chosen).mappings().first()
        return None if row is None else _state_of(row)

    def lock(self, alerts: Collection[str]) -> tuple[AlertStateRow, ...]:
        """Return the states of some alerts, by alert, and lock them until the transaction ends."""
        return self._some(alerts, for_update=True)

    def _some(self, alerts: Collection[str], *, for_update: bool) -> tuple[AlertStateRow, ...]:
        names = sorted(set(alerts))
        found: list[AlertStateRow] = []
        for start in range(0, len(names), _READ_AT_ONCE):
            chosen = select(alert_states).where(alert_states.c.alert.in_(names[start : start + _READ_AT_ONCE]))
            found += self._all(chosen.with_for_update() if for_update else chosen)
        return tuple(found)

    def states_by_id(self, alerts: Collection[str]) -> tuple[AlertStateRow, ...]:
        """Return the states of some alerts, by alert."""
        return self._some(alerts, for_update=False)

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


def _state_of(row: RowMapping) -> AlertStateRow:
    return read_as(AlertStateRow, row, ref=row["entity_ref"])
