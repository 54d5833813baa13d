"""Alerts as rows: locks the states that a transaction changes, and writes events together with the states they lead to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from alerts.folding import AlertChange
from alerts.observations import AlertId
from alerts.states import EVENT_JSON, STATE_JSON, AlertState
from store import AlertEventRow, AlertStateRow, Transaction


def lock_alerts(transaction: Transaction, alerts: Iterable[AlertId]) -> dict[AlertId, AlertState]:
    """Return the stored states of some alerts, locked until the transaction ends. An alert without events has no row."""
    states = [STATE_JSON.validate_python(row.state) for row in transaction.alerts.lock([str(alert) for alert in alerts])]
    return {state.alert: state for state in states}


def write_changes(transaction: Transaction, changes: Sequence[AlertChange], *, now: datetime) -> None:
    """Append the events, and replace each alert's state by its newest."""
    events = [
        AlertEventRow(
            alert=str(change.state.alert),
            number=change.state.events,
            at=change.event.at,
            details=EVENT_JSON.dump_python(change.event, mode="json"),
        )
        for change in changes
    ]
    transaction.alerts.append_events(events)
    newest = {change.state.alert: change.state for change in changes}
    transaction.alerts.put_states([_state_row(state, now) for _, state in sorted(newest.items())])


def _state_row(state: AlertState, now: datetime) -> AlertStateRow:
    return AlertStateRow(
        alert=str(state.alert),
        rule=state.alert.rule.value,
        ref=state.alert.about,
        team=state.team,
        status=state.phase.value,
        updated_at=now,
        state=STATE_JSON.dump_python(state, mode="json"),
    )
