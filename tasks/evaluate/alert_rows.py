"""Alerts as rows: locks the states that a transaction changes, and writes events together with the states they lead to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from alerts.folding import AlertChange
from alerts.observations import AlertId
from alerts.states import AlertState, event_to_json, state_from_json, state_to_json
from store import AlertEventRow, AlertStateRow, Transaction


def lock_alerts(transaction: Transaction, alerts: Iterable[AlertId]) -> dict[AlertId, AlertState]:
    """Return the stored states of some alerts, locked until the transaction ends. An alert without events has no row."""
    states = [state_from_json(row.state) for row in transaction.alerts.lock([str(alert) for alert in alerts])]
    return {state.alert: state for state in states}


def write_changes(transaction: Transaction, changes: Sequence[AlertChange], *, now: datetime) -> None:
    """Append the events, and replace each alert's state by its newest."""
    transaction.alerts.append_events([_event_row(change) for change in changes])
    newest = {change.state.alert: change.state for change in changes}
    transaction.alerts.put_states([_state_row(state, now) for _, state in sorted(newest.items())])


def _event_row(change: AlertChange) -> AlertEventRow:
    state, event = change.state, change.event
    return AlertEventRow(alert=str(state.alert), number=state.events, at=event.at, details=event_to_json(event))


def _state_row(state: AlertState, now: datetime) -> AlertStateRow:
    return AlertStateRow(
        alert=str(state.alert),
        rule=state.alert.rule.value,
        ref=state.alert.about,
        team=state.team,
        status=state.phase.value,
        updated_at=now,
        state=state_to_json(state),
    )
