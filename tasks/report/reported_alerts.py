"""The alerts of a team's report, as they were at the closing snapshot, however late the report is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.folding import fold
from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import ENDINGS, EVENT_JSON, OPEN_PHASES, STATE_JSON, AlertState, Event, NoticeKind, NotificationSent, Observed
from alerts.storm import PLATFORM_RULES
from domain.refs import EntityRef
from reports.facts import ReportedAlert, TeamAlerts
from store import Transaction


@dataclass(frozen=True, kw_only=True)
class AlertPeriod:
    """The period whose alerts a report shows."""

    since: datetime
    """As-of of the closing snapshot before."""
    until: datetime
    """As-of of the closing snapshot."""
    handled_by: datetime
    """Acknowledged, snoozed and dismissed later is not handled."""


def reported_alerts(transaction: Transaction, about: Collection[EntityRef], period: AlertPeriod) -> TeamAlerts:
    """Return the alerts about some entities that were open at the end of a period, and those that ended in it as usual."""
    found = [
        ReportedAlert(
            rule=state.alert.rule,
            about=state.alert.about,
            since=state.incident.opened_as_of,
            dismissed="" if state.incident.dismissed is None else state.incident.dismissed.reason,
        )
        for state in _open_at_end(transaction, about, period)
        if state.incident is not None
    ]
    usual = dict.fromkeys(
        alert.about
        for alert, event in _notices_since(transaction, about, period.since, rules=[Rule.COST_INCREASE])
        if event.notice is NoticeKind.BECAME_USUAL and period.since < event.as_of <= period.until
    )
    return TeamAlerts(open=tuple(sorted(found, key=lambda one: (one.since, one.about, one.rule))), became_usual=tuple(usual))


def handled_alerts(
    transaction: Transaction, about: Collection[EntityRef], period: AlertPeriod
) -> frozenset[tuple[str, EntityRef]]:
    """Return (rule, entity) of the open alerts that were acknowledged, snoozed or dismissed."""
    return frozenset(
        (state.alert.rule.value, state.alert.about)
        for state in _open_at_end(transaction, about, period)
        if state.is_handled(period.handled_by)
    )


def _open_at_end(transaction: Transaction, about: Collection[EntityRef], period: AlertPeriod) -> Iterable[AlertState]:
    """Yield the states of the alerts that were open at the end of a period, as they were then."""
    rules = [rule for rule in Rule if rule not in PLATFORM_RULES]
    notices = _notices_since(transaction, about, period.until, rules=rules)
    changing = {*ENDINGS, NoticeKind.CHANGED}  # a change ends a dismissal
    changed_since = {alert for alert, event in notices if event.notice in changing and event.as_of > period.until}
    for row in transaction.alerts.states_of(about):
        state = STATE_JSON.validate_python(row.state)
        if state.alert.rule in PLATFORM_RULES:
            continue
        if state.alert in changed_since or _was_handled_since(state, period):
            state = _state_at(transaction, state.alert, period)
        if state.phase.value in OPEN_PHASES and state.incident is not None and state.incident.opened_as_of <= period.until:
            yield state


def _was_handled_since(state: AlertState, period: AlertPeriod) -> bool:
    incident = state.incident
    marks = () if incident is None else (incident.acknowledged, incident.snoozed, incident.dismissed)
    return any(mark is not None and mark.at > period.handled_by for mark in marks)


def _state_at(transaction: Transaction, alert: AlertId, period: AlertPeriod) -> AlertState:
    events = (EVENT_JSON.validate_python(row.details) for row in transaction.alerts.events_of(str(alert)))
    return fold(alert, (event for event in events if _is_within(event, period)))


def _is_within(event: Event, period: AlertPeriod) -> bool:
    match event:
        case Observed():
            return event.observation.as_of <= period.until
        case NotificationSent():
            return event.as_of <= period.until
        case _:
            return event.at <= period.handled_by


def _notices_since(
    transaction: Transaction, about: Collection[EntityRef], instant: datetime, *, rules: Iterable[Rule]
) -> Iterable[tuple[AlertId, NotificationSent]]:
    alerts = {str(alert): alert for rule in rules for ref in about for alert in [AlertId(rule=rule, about=ref)]}
    for row in transaction.alerts.events_since(instant, alerts=alerts):
        if row.details["kind"] == "notified":
            event = EVENT_JSON.validate_python(row.details)
            if isinstance(event, NotificationSent):
                yield alerts[row.alert], event
