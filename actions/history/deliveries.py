"""Why something was told, or was not: the messages with their attempts, and how things stand, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from actions.errors import NotAllowedError
from actions.history.context import OWNERS, HistoryView, parse_ref, parse_week
from actions.history.models import AlertTimelineRow, DeliveryAttemptRow, DeliveryInput, DeliveryOutput, MessageRow, page_of
from actions.history.reports import PLATFORM, WEEKLY, team_of_report
from alerts.observations import AlertId, InvalidAlertId
from alerts.states import (
    Acknowledged,
    AlertState,
    Event,
    Incident,
    NotificationSent,
    Observed,
    Phase,
    Snoozed,
    event_from_json,
    state_from_json,
)
from domain.component import Component
from domain.refs import EntityRef
from domain.routes import Route, Unrouted, parents_of, platform_route, slack_route
from domain.weeks import IsoWeek, current_week
from reports.content import PLATFORM as PLATFORM_WORD
from store.queries.outbox_rows import OutboxRecord

_EVENTS: Final = 20
_MESSAGES: Final = 200
"""Looked at of one subject; the newest."""
_PLATFORM: Final = frozenset({PLATFORM_WORD, str(PLATFORM)})


def explain_delivery(reading: HistoryView, asked: DeliveryInput) -> DeliveryOutput:
    """Answer what was written about something, what became of it, and why there is nothing where there is nothing.

    Raises:
        InputError: what is asked about is no alert, message key or entity.
        NotFoundError: nobody knows it, or it may not be shown.
    """
    about = asked.about.strip()
    entry = reading.rows.outbox.get(about)
    if entry is not None and _may_read(reading, entry.message.about):
        return _answer(reading, asked, [entry], [entry.message.reason, _standing(entry)])
    alert = _alert_of(about)
    if alert is not None:
        return _explain_alert(reading, asked, alert)
    ref = team_of_report(about) if about == PLATFORM_WORD or ":" not in about else parse_ref(about)
    if ref.kind in OWNERS or ref == PLATFORM:
        return _explain_team(reading, asked, ref)
    component = reading.component(ref)
    messages = reading.rows.outbox.about(str(ref), limit=_MESSAGES)
    states = [state_from_json(row.state) for row in reading.rows.alerts.states_of([ref])]
    told = [sentence for state in states for sentence in _alert_sentences(reading, state, ())]
    if not states:
        told = [f"No alert was ever heard of about {ref}."]
    return _answer(reading, asked, messages, [*told, _route_sentence(reading, component.team, component)])


def _explain_alert(reading: HistoryView, asked: DeliveryInput, alert: AlertId) -> DeliveryOutput:
    _require_subject(reading, str(alert.about))
    row = reading.rows.alerts.state(str(alert))
    messages = reading.rows.outbox.of_alert(str(alert), limit=_MESSAGES)
    if row is None:
        told = [
            f"No sweep ever showed anything that {alert} is about, so there was nothing to tell; list_alerts shows what there is."
        ]
        return _answer(reading, asked, messages, told)
    state = state_from_json(row.state)
    events = [event_from_json(one.details) for one in reading.rows.alerts.events_of(str(alert))]
    component = reading.rows.components.get(alert.about)
    told = [*_alert_sentences(reading, state, events), _route_sentence(reading, state.team, component)]
    happened = [row for event in events[-_EVENTS:] for row in _happened(event)]
    return _answer(reading, asked, messages, told, events=happened)


def _explain_team(reading: HistoryView, asked: DeliveryInput, team: EntityRef) -> DeliveryOutput:
    _require_subject(reading, str(team))
    week = None if asked.week is None else parse_week(asked.week)
    about = PLATFORM_WORD if team == PLATFORM else str(team)
    messages = reading.rows.outbox.about(about, limit=_MESSAGES)
    if week is not None:
        messages = tuple(one for one in messages if f":{week}:" in one.message.key)
    return _answer(reading, asked, messages, [*_report_sentences(reading, team, week), _route_sentence(reading, team, None)])


def _answer(
    reading: HistoryView,
    asked: DeliveryInput,
    messages: Sequence[OutboxRecord],
    explanation: Iterable[str],
    *,
    events: Sequence[AlertTimelineRow] = (),
) -> DeliveryOutput:
    shown, note = page_of(messages, asked)
    newest = reading.rows.sweeps.newest_closed()
    return DeliveryOutput(
        currency=reading.archive.currency,
        as_of=None if newest is None else newest.as_of,
        about=asked.about,
        explanation=[sentence for sentence in explanation if sentence],
        messages=[_message_row(reading, one) for one in shown],
        events=list(events),
        **note,
    )


def _message_row(reading: HistoryView, entry: OutboxRecord) -> MessageRow:
    message = entry.message
    attempts = reading.rows.outbox.deliveries_of(message.key)
    return MessageRow(
        key=message.key,
        channel=str(message.channel),
        target=message.target,
        act=str(message.act),
        status=str(entry.status),
        reason=message.reason,
        created_at=message.created_at,
        sent_at=entry.sent_at,
        last_error=entry.last_error,
        attempts=[DeliveryAttemptRow(at=one.at, result=str(one.result), detail=one.detail) for one in attempts],
    )


def _standing(entry: OutboxRecord) -> str:
    if entry.sent_at is not None:
        return f"It arrived at {entry.sent_at:%Y-%m-%d %H:%M} UTC."
    why = f": {entry.last_error}" if entry.last_error else ""
    return f"It stands as {entry.status} after {entry.attempts} attempts{why}."


def _require_subject(reading: HistoryView, about: str) -> None:
    """Check that whoever asks may see whom a message is about. What the platform is told may name anything."""
    if about not in _PLATFORM:
        reading.require_visible(parse_ref(about))
    elif not reading.sees_everything:
        message = "what the platform was told may name what you may not see; ask about a component or a team of yours"
        raise NotAllowedError(message)


def _may_read(reading: HistoryView, about: str) -> bool:
    """Say whether a message is known to whoever asks. Keys can be guessed, so a hidden one is taken for one that never was."""
    if about in _PLATFORM:
        _require_subject(reading, about)
        return True
    return reading.may_see(parse_ref(about))


def _alert_of(text: str) -> AlertId | None:
    try:
        return AlertId.parse(text)
    except InvalidAlertId:
        return None


def _alert_sentences(reading: HistoryView, state: AlertState, events: Sequence[Event]) -> Iterator[str]:
    name, incident = str(state.alert), state.incident
    if incident is None:
        if state.phase is Phase.PENDING:
            yield f"{name} is pending: {_pending(state, events)}"
        else:
            ended = f" since {state.resolved_as_of:%Y-%m-%d %H:%M} UTC" if state.resolved_as_of else ""
            yield f"{name} is quiet{ended}: nothing meets its condition, so there is nothing to tell."
        return
    yield f"{name} is {state.phase.value} since {incident.opened_at:%Y-%m-%d %H:%M} UTC, {len(state.members)} workloads, severity {state.severity}."
    yield from _silences(reading, incident)
    told = incident.last_notification
    if told is None:
        yield "Nobody was told of it yet."
        return
    yield f"It was told last at {told.at:%Y-%m-%d %H:%M} UTC{f', in Slack by {told.post.route}' if told.post else ''}."
    if told.page is not None:
        yield f"An incident is open in PagerDuty, sent there by {told.page.route}."
    elif told.storm is not None:
        yield f"It did not page by itself: {told.storm} pages for many at once."
    elif not told.pages:
        yield "It does not page: its rule, its cluster or its lifecycle does not call for that, or there is no evidence of harm."
    else:
        yield "It was a reason to page, but there is no PagerDuty key for it."


def _pending(state: AlertState, events: Sequence[Event]) -> str:
    seen = max((streak.count for streak in state.streaks), default=0)
    last = next((event for event in reversed(events) if isinstance(event, Observed)), None)
    needed = f" of the {last.terms.for_sweeps} that are needed" if last is not None else ""
    return f"its condition was met in {seen} sweeps in a row{needed}; it is told when that is enough."


def _silences(reading: HistoryView, incident: Incident) -> Iterator[str]:
    if incident.acknowledged is not None:
        at = incident.acknowledged.at
        yield f"{incident.acknowledged.by} acknowledged it at {at:%Y-%m-%d %H:%M} UTC: it is not repeated until it clears."
    if incident.snoozed is not None and incident.snoozed.until > reading.archive.clock():
        yield f"{incident.snoozed.by} snoozed it until {incident.snoozed.until:%Y-%m-%d %H:%M} UTC: until then only its end is told."


def _happened(event: Event) -> Iterator[AlertTimelineRow]:
    match event:
        case NotificationSent():
            yield AlertTimelineRow(at=event.at, what=f"{event.notice.value}: {event.reason}")
        case Acknowledged():
            yield AlertTimelineRow(at=event.at, what=f"acknowledged by {event.by}{_note(event.note)}")
        case Snoozed():
            yield AlertTimelineRow(
                at=event.at, what=f"snoozed by {event.by} until {event.until:%Y-%m-%d %H:%M} UTC{_note(event.note)}"
            )
        case Observed():
            seen = event.observation
            what = f"a sweep showed {len(seen.found)} workloads that meet the condition, {len(seen.unknown)} unknown"
            yield AlertTimelineRow(at=event.at, what=f"{what}{_note(seen.reason)}")


def _note(text: str) -> str:
    return f": {text}" if text else ""


def _report_sentences(reading: HistoryView, team: EntityRef, week: IsoWeek | None) -> Iterator[str]:
    schedule, now = reading.archive.schedules.of(team), reading.archive.clock()
    runs = {run.week: run for run in reading.rows.reports.runs_of(team, WEEKLY) if run.again == 0}
    newest = schedule.newest_due(now)
    asked = week or newest
    run = runs.get(str(asked))
    history = reading.rows.history
    first = history.first_of_all() if team == PLATFORM else history.first_of_team(team)
    about = "everything" if team == PLATFORM else str(team)
    if run is not None:
        late = f" {run.late_reason}" if run.late_reason else ""
        yield f"The report for {asked} was due at {run.due_at:%Y-%m-%d %H:%M} UTC and {_made(run.status)} at {run.created_at:%Y-%m-%d %H:%M} UTC.{late}"
    elif schedule.due_at(asked) > now:
        yield f"The report for {asked} is not due before {schedule.due_at(asked):%Y-%m-%d %H:%M} UTC."
    elif first is None:
        yield f"Nothing was ever measured of {about}, so there is nothing to report."
    elif asked < current_week(first, schedule.zone):
        yield f"The first measurement of {about} was at {first:%Y-%m-%d %H:%M} UTC; the first report is for {current_week(first, schedule.zone)}."
    else:
        yield f"The report for {asked} was due at {schedule.due_at(asked):%Y-%m-%d %H:%M} UTC and was not made; the report stage has not run since, or waits for a sweep."
    upcoming = schedule.due_at(newest.plus(1))
    yield f"The next report, for {newest.plus(1)}, is due at {upcoming:%Y-%m-%d %H:%M} UTC."


def _made(status: str) -> str:
    return {"made": "was made", "skipped": "was given up", "undeliverable": "was made, but goes nowhere,"}.get(
        status, f"is {status}"
    )


def _route_sentence(reading: HistoryView, team: EntityRef, component: Component | None) -> str:
    policy = reading.archive.routes
    if team == PLATFORM:
        route: Route | Unrouted = platform_route(policy)
    else:
        teams = {one.ref: one for one in reading.rows.components.teams()}
        route = slack_route(policy, team=team, component=component, owner=teams.get(team), parents=parents_of(team, teams))
    if isinstance(route, Unrouted):
        return f"In Slack it would go nowhere now: {route.reason}."
    return f"In Slack it goes to {route.target} now, by {route.rule}."
