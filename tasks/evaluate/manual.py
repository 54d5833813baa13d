"""What people do with alerts by hand: acknowledge one, snooze one, dismiss one with a reason."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from alerts.folding import AlertChange, apply
from alerts.observations import AlertId
from alerts.states import Acknowledged, AlertState, Dismissed, Snoozed
from domain.clock import Clock
from domain.messages import EventAction
from reports.alert_replies import status_messages
from reports.alert_status import format_status
from reports.pagerduty_events import pagerduty_follow_up
from store import Store, Transaction
from tasks.evaluate.alert_rows import lock_alerts, write_changes


class ClockedStore(Protocol):
    """Where alerts are stored, and what time it is there: of a stage, or of the gateway."""

    @property
    def store(self) -> Store:
        """The alerts and the outbox."""

    @property
    def clock(self) -> Clock:
        """The clock of the stages."""


class AlertNotOpen(Exception):
    """The alert is not open, so there is nothing to acknowledge, snooze or dismiss; the message says what is known of it."""


class MissingReason(ValueError):
    """A dismissal without a reason."""


class InvalidSnooze(ValueError):
    """The end of a snooze is in the past."""


def acknowledge_alert(context: ClockedStore, alert_id: str, *, by: str, note: str = "") -> AlertState:
    """Acknowledge an alert and its PagerDuty incident: no repeats until it clears.

    Raises:
        InvalidAlertId: the text is not an alert id.
        AlertNotOpen: there is nothing to acknowledge.
    """
    alert, now = AlertId.parse(alert_id), context.clock()
    with context.store.transaction() as transaction:
        state = _record(transaction, alert, Acknowledged(at=now, by=by, note=note))
        _acknowledge_incident(transaction, state, reason=f"{by} acknowledged it.", now=now)
        _show_in_slack(transaction, state, now)
    return state


def dismiss_alert(context: ClockedStore, alert_id: str, *, by: str, reason: str) -> AlertState:
    """Dismiss an alert, and acknowledge its PagerDuty incident: no repeats until it changes materially, or clears.

    Raises:
        InvalidAlertId: the text is not an alert id.
        AlertNotOpen: there is nothing to dismiss.
        MissingReason: the reason is empty.
    """
    alert, now, reason = AlertId.parse(alert_id), context.clock(), reason.strip()
    if not reason:
        message = "a dismissal needs a reason; the report lists it"
        raise MissingReason(message)
    with context.store.transaction() as transaction:
        state = _record(transaction, alert, Dismissed(at=now, by=by, reason=reason))
        _acknowledge_incident(transaction, state, reason=f"{by} dismissed it: {reason}", now=now)
        _show_in_slack(transaction, state, now)
    return state


def snooze_alert(context: ClockedStore, alert_id: str, *, by: str, until: datetime, note: str = "") -> AlertState:
    """Snooze an alert until an instant: no notices, except that it resolved.

    Raises:
        InvalidAlertId: the text is not an alert id.
        AlertNotOpen: there is nothing to snooze.
        InvalidSnooze: the instant is in the past.
    """
    alert, now = AlertId.parse(alert_id), context.clock()
    if until <= now:
        message = f"{until.isoformat()} is in the past; give an instant in the future"
        raise InvalidSnooze(message)
    with context.store.transaction() as transaction:
        state = _record(transaction, alert, Snoozed(at=now, by=by, until=until, note=note))
        _show_in_slack(transaction, state, now)
    return state


def _show_in_slack(transaction: Transaction, state: AlertState, now: datetime) -> None:
    """Update the alert's Slack message, if it has one, and reply in its thread."""
    post = state.last_notification.post if state.last_notification is not None else None
    if post is None or state.incident is None:
        return
    shown = next(
        (
            record.message
            for record in transaction.outbox.of_alert(str(state.alert))
            if record.message.key == post.root
            or (record.message.thread_of == post.root and record.message.action is EventAction.UPDATE)
        ),
        None,
    )
    sentence = format_status(state.incident, now, "UTC")
    transaction.outbox.put(status_messages(state.alert, sentence, number=state.events, post=post, shown=shown, now=now))


def _acknowledge_incident(transaction: Transaction, state: AlertState, *, reason: str, now: datetime) -> None:
    last = state.last_notification
    if last is not None and last.page is not None:
        event = pagerduty_follow_up(
            state.alert, EventAction.ACKNOWLEDGE, number=state.events, page=last.page, reason=reason, now=now
        )
        transaction.outbox.put([event])


def _record(transaction: Transaction, alert: AlertId, event: Acknowledged | Snoozed | Dismissed) -> AlertState:
    state = lock_alerts(transaction, [alert]).get(alert)
    if state is None or not state.is_open:
        known = "it was never observed" if state is None else "it is quiet"
        message = f"{alert} is not open ({known}); `scaleops-worker alerts list` shows the open ones"
        raise AlertNotOpen(message)
    state = apply(state, event)
    write_changes(transaction, [AlertChange(state=state, event=event)], now=event.at)
    return state
