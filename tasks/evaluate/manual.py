"""What people do with alerts by hand: look at them, acknowledge one, snooze one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.observations import AlertId, InvalidAlertId
from alerts.states import OPEN_PHASES, Acknowledged, AlertState, Event, Snoozed, state_from_json
from domain.messages import EventAction
from domain.refs import EntityRef
from reports.notices import pagerduty_follow_up
from store import Transaction
from tasks.context import StageContext
from tasks.evaluate.alert_session import AlertSession


class AlertNotOpen(Exception):
    """There is no open incident to acknowledge or snooze; the message says what is known of the alert."""


class InvalidSnooze(ValueError):
    """The instant until which to be silent has passed already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSummary:
    """One alert in a list."""

    id: str
    rule: str
    about: EntityRef
    team: EntityRef
    phase: str
    severity: str
    opened_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    findings: int
    dedup_key: str | None
    """Of the PagerDuty incident, when one is open."""


def list_alerts(context: StageContext, *, team: EntityRef | None = None, all_of_them: bool = False) -> tuple[AlertSummary, ...]:
    """Return the open alerts, or all that were ever observed, by id."""
    with context.store.reading() as transaction:
        rows = transaction.alerts.states(statuses=None if all_of_them else OPEN_PHASES, team=team)
    return tuple(_line_of(state_from_json(row.state)) for row in rows)


def acknowledge_alert(context: StageContext, alert_id: str, *, by: str, note: str = "") -> AlertSummary:
    """Take an alert on: no repeats until it clears. Its PagerDuty incident is acknowledged too.

    Raises:
        InvalidAlertId: the text is no alert's id.
        AlertNotOpen: there is nothing to acknowledge.
    """
    alert, now = AlertId.parse(alert_id), context.clock()
    with context.store.transaction() as transaction:
        state = _happen(transaction, alert, Acknowledged(at=now, by=by, note=note), now=now)
        told = state.incident.told if state.incident is not None else None
        if told is not None and told.page is not None:
            reason = f"{by} acknowledged it."
            event = pagerduty_follow_up(
                alert, EventAction.ACKNOWLEDGE, number=state.events, page=told.page, reason=reason, now=now
            )
            transaction.outbox.put([event])
    return _line_of(state)


def snooze_alert(context: StageContext, alert_id: str, *, by: str, until: datetime, note: str = "") -> AlertSummary:
    """Silence an alert until an instant; that it resolved is told even so.

    Raises:
        InvalidAlertId: the text is no alert's id.
        AlertNotOpen: there is nothing to snooze.
        InvalidSnooze: the instant has passed.
    """
    alert, now = AlertId.parse(alert_id), context.clock()
    if until <= now:
        message = f"{until.isoformat()} has passed; give an instant in the future"
        raise InvalidSnooze(message)
    with context.store.transaction() as transaction:
        return _line_of(_happen(transaction, alert, Snoozed(at=now, by=by, until=until, note=note), now=now))


def _happen(transaction: Transaction, alert: AlertId, event: Event, *, now: datetime) -> AlertState:
    ledger = AlertSession(transaction, now=now)
    state = ledger.hold(alert)
    if not state.is_open:
        known = "it is quiet" if state.events else "no such alert was ever heard of"
        message = f"{alert} is not open ({known}); `scaleops-worker alerts list` shows those that are"
        raise AlertNotOpen(message)
    state = ledger.apply(alert, [event])
    ledger.write()
    return state


def _line_of(state: AlertState) -> AlertSummary:
    incident = state.incident
    told = incident.told if incident is not None else None
    return AlertSummary(
        id=str(state.alert),
        rule=state.alert.rule.value,
        about=state.alert.about,
        team=state.team,
        phase=state.phase.value,
        severity=state.severity.value,
        opened_at=incident.opened_at if incident is not None else None,
        acknowledged_by=incident.acknowledged.by if incident is not None and incident.acknowledged is not None else None,
        snoozed_until=incident.snoozed.until if incident is not None and incident.snoozed is not None else None,
        findings=len(state.members),
        dedup_key=told.page.dedup_key if told is not None and told.page is not None else None,
    )


__all__ = ["AlertNotOpen", "AlertSummary", "InvalidAlertId", "InvalidSnooze", "acknowledge_alert", "list_alerts", "snooze_alert"]
