"""Alert states within one transaction: read once, held while they change, written at its end with the events that changed them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from alerts.folding import apply
from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import TRACKED_PHASES, AlertState, Event, Phase, event_to_json, state_from_json, state_to_json
from domain.refs import EntityRef
from store import AlertEventRow, AlertStateRow, Transaction


class AlertSession:
    """What is known of alerts in this transaction: all that is not quiet, and whatever is held.

    A quiet alert is read only when something is about to happen to it: until then it does not matter what it remembers.
    """

    def __init__(self, transaction: Transaction, *, now: datetime) -> None:
        self._rows = transaction.alerts
        self._now = now
        self._states: dict[AlertId, AlertState] = {}
        self._held: set[AlertId] = set()
        self._changed: set[AlertId] = set()
        self._events: list[AlertEventRow] = []
        for row in self._rows.states(statuses=TRACKED_PHASES):
            self._remember(row)

    def state(self, alert: AlertId) -> AlertState:
        """Answer a state as it is now; one that is not held and not known is quiet."""
        return self._states.get(alert) or AlertState(alert=alert)

    def hold(self, alert: AlertId) -> AlertState:
        """Answer a state and keep acknowledge and snooze off it until the transaction ends."""
        if alert not in self._held:
            self._held.add(alert)
            row = self._rows.state(str(alert), to_change=True)
            if row is not None:
                self._states[alert] = state_from_json(row.state)
        return self.state(alert)

    def apply(self, alert: AlertId, events: Iterable[Event]) -> AlertState:
        """Let events happen to an alert that is held."""
        state = self.state(alert)
        for event in events:
            state = apply(state, event)
            self._changed.add(alert)
            self._events.append(
                AlertEventRow(alert=str(alert), number=state.events, kind=event.kind, at=event.at, details=event_to_json(event))
            )
        self._states[alert] = state
        return state

    def open_states(self, rule: Rule | None = None) -> tuple[AlertState, ...]:
        """Answer the states of every open incident, or of one rule's, by alert."""
        chosen = [state for state in self._states.values() if state.is_open and rule in {None, state.alert.rule}]
        return tuple(sorted(chosen, key=lambda state: state.alert))

    def stirring_of(self, about: EntityRef) -> tuple[AlertState, ...]:
        """Answer what is not quiet about one entity."""
        found = (self._states.get(AlertId(rule=rule, about=about)) for rule in Rule)
        return tuple(state for state in found if state is not None and state.phase is not Phase.QUIET)

    def stirring(self) -> tuple[AlertState, ...]:
        """Answer everything that is not quiet."""
        return tuple(state for state in self._states.values() if state.phase is not Phase.QUIET)

    def write(self) -> None:
        """Write the events and the states they led to."""
        self._rows.append_events(self._events)
        self._rows.put_states([self._row_of(self._states[alert]) for alert in sorted(self._changed)])
        self._events.clear()
        self._changed.clear()

    def _remember(self, row: AlertStateRow) -> None:
        alert = AlertId(rule=Rule(row.rule), about=row.ref)
        if alert not in self._states:
            self._states[alert] = state_from_json(row.state)

    def _row_of(self, state: AlertState) -> AlertStateRow:
        return AlertStateRow(
            alert=str(state.alert),
            rule=state.alert.rule.value,
            ref=state.alert.about,
            team=state.team,
            status=state.phase.value,
            opened_at=None if state.incident is None else state.incident.opened_at,
            updated_at=self._now,
            state=state_to_json(state),
        )
