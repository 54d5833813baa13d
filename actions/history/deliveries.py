"""Why something was sent, or was not: the messages with their attempts, and the current state in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from actions.errors import NotAllowedError, NotFoundError
from actions.history.models import AlertTimelineRow, DeliveryAttemptRow, DeliveryInput, DeliveryOutput, MessageRow, page_of
from actions.history.reports import team_of_report
from actions.history.view import HistoryView, parse_ref, parse_week
from alerts.observations import AlertId, InvalidAlertId
from alerts.states import (
    EVENT_JSON,
    STATE_JSON,
    Acknowledged,
    AlertState,
    Dismissed,
    Event,
    Incident,
    NotificationSent,
    Observed,
    Phase,
    Snoozed,
)
from domain.clock import format_utc
from domain.component import Component
from domain.refs import OWNER_KINDS, PLATFORM, EntityRef
from domain.routes import Route, Unrouted, parents_of, platform_route, slack_route
from domain.weeks import WEEKLY_REPORT, IsoWeek, current_week
from reports.content import PLATFORM as PLATFORM_WORD
from store import RunStatus
from store.queries.outbox_rows import DeliveryAttempt, OutboxRecord

_MAX_EVENTS: Final = 20
_MAX_MESSAGES: Final = 200
"""Of one subject, the newest."""
_PLATFORM: Final = frozenset({PLATFORM_WORD, str(PLATFORM)})
"""Subjects of messages to the platform. Neither is the reference of an entity."""


def explain_delivery(view: HistoryView, query: DeliveryInput) -> DeliveryOutput:
    """Return the messages about a subject with their delivery, or the reason why there are none.

    Raises:
        InputError: the subject is not an alert, message key or entity.
        NotFoundError: it is unknown, or the caller may not see it.
    """
    about = query.about.strip()
    record = view.rows.outbox.get(about)
    if record is not None and _may_read(view, record.message.about):
        return _output(view, query, [record], [record.message.reason, _delivery_status(record), _simpler_form(view, record)])
    alert = _alert_of(about)
    if alert is not None:
        return _explain_alert(view, query, alert)
    if about.count(":") > 1:  # more than a reference has
        message = (
            f"there is no message or alert {about!r} that you may see; list_alerts lists the alerts, and sent messages expire"
        )
        raise NotFoundError(message)
    ref = parse_ref(about) if ":" in about else team_of_report(about)
    if ref.kind in OWNER_KINDS or ref == PLATFORM:
        return _explain_team(view, query, ref)
    component = view.component(ref)
    messages = view.rows.outbox.about(str(ref), limit=_MAX_MESSAGES)
    states = [STATE_JSON.validate_python(row.state) for row in view.rows.alerts.states_of([ref])]
    sentences = [sentence for state in states for sentence in _alert_sentences(view, state, ())]
    if not states:
        sentences = [f"There was never an alert about {ref}."]
    return _output(view, query, messages, [*sentences, _route_sentence(view, component.team, component)])


def _explain_alert(view: HistoryView, query: DeliveryInput, alert: AlertId) -> DeliveryOutput:
    _require_subject(view, str(alert.about))
    row = view.rows.alerts.state(str(alert))
    messages = view.rows.outbox.of_alert(str(alert), limit=_MAX_MESSAGES)
    if row is None:
        return _output(
            view,
            query,
            messages,
            [f"No sweep ever met the condition of {alert}, so nothing was sent; list_alerts shows the alerts."],
        )
    state = STATE_JSON.validate_python(row.state)
    events = [EVENT_JSON.validate_python(one.details) for one in view.rows.alerts.events_of(str(alert))]
    component = view.rows.components.get(alert.about)
    sentences = [*_alert_sentences(view, state, events), _route_sentence(view, state.team, component)]
    timeline = [row for event in events[-_MAX_EVENTS:] for row in _timeline_rows(event)]
    return _output(view, query, messages, sentences, events=timeline)


def _explain_team(view: HistoryView, query: DeliveryInput, team: EntityRef) -> DeliveryOutput:
    _require_subject(view, str(team))
    week = None if query.week is None else parse_week(query.week)
    about = PLATFORM_WORD if team == PLATFORM else str(team)
    messages = view.rows.outbox.about(about, limit=_MAX_MESSAGES)
    if week is not None:
        messages = tuple(one for one in messages if f":{week}:" in one.message.key)
    return _output(view, query, messages, [*_report_sentences(view, team, week), _route_sentence(view, team, None)])


def _output(
    view: HistoryView,
    query: DeliveryInput,
    messages: Sequence[OutboxRecord],
    explanation: Iterable[str],
    *,
    events: Sequence[AlertTimelineRow] = (),
) -> DeliveryOutput:
    shown, note = page_of(messages, query)
    return DeliveryOutput(
        currency=view.history.currency,
        as_of=view.as_of,
        about=query.about,
        explanation=[sentence for sentence in explanation if sentence],
        messages=[_message_row(view, one) for one in shown],
        events=list(events),
        **note,
    )


def _message_row(view: HistoryView, record: OutboxRecord) -> MessageRow:
    message = record.message
    attempts = view.rows.outbox.deliveries_of(message.key)
    return MessageRow(
        key=message.key,
        channel=str(message.channel),
        target=message.target,
        act=str(message.action),
        status=str(record.status),
        reason=message.reason,
        created_at=message.created_at,
        sent_at=record.sent_at,
        last_error=record.last_error,
        attempts=[DeliveryAttemptRow(at=one.at, result=str(one.result), detail=_detail(one)) for one in attempts],
    )


def _delivery_status(record: OutboxRecord) -> str:
    if record.sent_at is not None:
        return f"Delivered at {format_utc(record.sent_at)}."
    reason = f": {record.last_error}" if record.last_error else ""
    return f"Status: {record.status} after {record.attempts} attempts{reason}."


def _detail(attempt: DeliveryAttempt) -> str:
    """Return what an attempt says, with the form that was sent if it was not the richest."""
    is_simpler = attempt.variant is not None and attempt.detail
    return f"It was sent as {attempt.variant}. {attempt.detail}" if is_simpler else attempt.detail


def _simpler_form(view: HistoryView, record: OutboxRecord) -> str:
    """Return why a message was not sent in its richest form; empty if it was."""
    sent = [one for one in view.rows.outbox.deliveries_of(record.message.key) if one.variant is not None]
    return _detail(sent[-1]) if sent else ""


def _require_subject(view: HistoryView, about: str) -> None:
    """Raise unless the caller may see the subject of a message. Notices to the platform may name any component."""
    if about not in _PLATFORM:
        view.require_visible(parse_ref(about))
    elif not view.sees_everything:
        message = "platform notices may name components that you may not see; name a component or a team of yours"
        raise NotAllowedError(message)


def _may_read(view: HistoryView, about: str) -> bool:
    """Return True if the caller may read a message. Keys can be guessed, so a hidden message is treated as unknown."""
    if about in _PLATFORM:
        _require_subject(view, about)
        return True
    return view.may_see(parse_ref(about))


def _alert_of(text: str) -> AlertId | None:
    try:
        return AlertId.parse(text)
    except InvalidAlertId:
        return None


def _alert_sentences(view: HistoryView, state: AlertState, events: Sequence[Event]) -> Iterator[str]:
    name, incident = str(state.alert), state.incident
    if incident is None:
        if state.phase is Phase.PENDING:
            yield f"{name} is pending: {_pending(state, events)}"
        else:
            ended = f" since {format_utc(state.resolved_as_of)}" if state.resolved_as_of else ""
            yield f"{name} is quiet{ended}: its condition is not met."
        return
    yield f"{name} is {state.phase.value} since {format_utc(incident.opened_at)}, {len(state.members)} workloads, severity {state.severity}."
    yield from _pauses(view, incident)
    last = state.last_notification
    if last is None:
        yield "No notification was sent yet."
        return
    yield f"Last notification: {format_utc(last.at)}{f', in Slack by {last.post.route}' if last.post else ''}."
    if last.page is not None:
        yield f"An incident is open in PagerDuty, routed by {last.page.route}."
    elif last.storm is not None:
        yield f"It was not paged on its own: {last.storm} pages for many alerts at once."
    elif last.paged is None:
        yield "It does not page: its rule, cluster or lifecycle does not page, or there is no evidence of harm."
    else:
        yield "It should page, but there is no PagerDuty routing key for it."


def _pending(state: AlertState, events: Sequence[Event]) -> str:
    seen = max((streak.count for streak in state.streaks), default=0)
    last = next((event for event in reversed(events) if isinstance(event, Observed)), None)
    needed = f" of {last.terms.for_sweeps} needed" if last is not None else ""
    return f"its condition was met in {seen} consecutive sweeps{needed}; the notification is sent after that."


def _pauses(view: HistoryView, incident: Incident) -> Iterator[str]:
    if incident.acknowledged is not None:
        at = incident.acknowledged.at
        yield f"{incident.acknowledged.by} acknowledged it at {format_utc(at)}: no repeat until it clears."
    if incident.dismissed is not None:
        dismissed = incident.dismissed
        yield f"{dismissed.by} dismissed it at {format_utc(dismissed.at)}: {dismissed.reason}. No repeat until it changes materially."
    if incident.snoozed is not None and incident.snoozed.until > view.history.clock():
        yield f"{incident.snoozed.by} snoozed it until {format_utc(incident.snoozed.until)}: until then only its end is notified."


def _timeline_rows(event: Event) -> Iterator[AlertTimelineRow]:
    match event:
        case NotificationSent():
            yield AlertTimelineRow(at=event.at, what=f"{event.notice.value}: {event.reason}")
        case Acknowledged():
            yield AlertTimelineRow(at=event.at, what=f"acknowledged by {event.by}{_note(event.note)}")
        case Snoozed():
            yield AlertTimelineRow(at=event.at, what=f"snoozed by {event.by} until {format_utc(event.until)}{_note(event.note)}")
        case Dismissed():
            yield AlertTimelineRow(at=event.at, what=f"dismissed by {event.by}: {event.reason}")
        case Observed():
            seen = event.observation
            what = f"sweep: {len(seen.found)} workloads meet the condition, {len(seen.unknown)} unknown"
            yield AlertTimelineRow(at=event.at, what=f"{what}{_note(seen.reason)}")


def _note(text: str) -> str:
    return f": {text}" if text else ""


def _report_sentences(view: HistoryView, team: EntityRef, week: IsoWeek | None) -> Iterator[str]:
    schedule, now = view.history.schedules.of(team), view.history.clock()
    runs = {run.week: run for run in view.rows.reports.runs_of(team, WEEKLY_REPORT) if run.again == 0}
    newest = schedule.newest_due(now)
    wanted = week or newest
    run = runs.get(str(wanted))
    first = view.rows.history.first_of_team(team)
    about = "the platform" if team == PLATFORM else str(team)
    if run is not None:
        late = f" {run.late_reason}" if run.late_reason else ""
        yield f"The report for {wanted} was due at {format_utc(run.due_at)} and {_MADE[run.status]} at {format_utc(run.created_at)}.{late}"
    elif schedule.due_at(wanted) > now:
        yield f"The report for {wanted} is not due before {format_utc(schedule.due_at(wanted))}."
    elif first is None:
        yield f"{about} was never measured, so there is no report."
    elif wanted < current_week(first, schedule.zone):
        yield f"{about} was first measured at {format_utc(first)}; the first report is for {current_week(first, schedule.zone)}."
    elif not view.rows.closing.owned_at_end(team, schedule, wanted, now=now):
        yield f"{about} owned no component at the end of {wanted}, so there is no report."
    else:
        yield f"The report for {wanted} was due at {format_utc(schedule.due_at(wanted))} and was not made; the report stage has not run since, or waits for a sweep to close."
    upcoming = schedule.due_at(newest.shift(1))
    yield f"The next report, for {newest.shift(1)}, is due at {format_utc(upcoming)}."


_MADE: Final = {
    RunStatus.MADE: "was made",
    RunStatus.SKIPPED: "was skipped",
    RunStatus.UNDELIVERABLE: "was made, but has no destination,",
}


def _route_sentence(view: HistoryView, team: EntityRef, component: Component | None) -> str:
    policy = view.history.routes
    if team == PLATFORM:
        route: Route | Unrouted = platform_route(policy)
    else:
        teams = view.rows.components.teams()
        route = slack_route(policy, team=team, component=component, owner=teams.get(team), parents=parents_of(team, teams))
    if isinstance(route, Unrouted):
        return f"Slack now: no destination: {route.reason}."
    return f"Slack now: {route.target}, by {route.rule}."
