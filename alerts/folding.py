"""An alert's state is the fold of its events: the effect of each event, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from alerts.observations import WHOLE_COMPONENT, AlertId, Finding, Observation, Verdict
from alerts.states import (
    ENDINGS,
    Acknowledged,
    AlertState,
    Dismissed,
    EndReason,
    Event,
    Extent,
    Incident,
    LastNotification,
    NoticeKind,
    NotificationSent,
    Observed,
    RuleTerms,
    Snoozed,
    Streak,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """An event, and the state after it."""

    state: AlertState
    event: Event


def fold(alert: AlertId, events: Iterable[Event]) -> AlertState:
    """Return the state that an alert's events lead to, first to last."""
    state = AlertState(alert=alert)
    for event in events:
        state = apply(state, event)
    return state


def apply(state: AlertState, event: Event) -> AlertState:
    """Return the state after one more event."""
    return replace(_effect_of(event, state), events=state.events + 1)


def _effect_of(event: Event, state: AlertState) -> AlertState:
    incident = state.incident
    match event:
        case Observed():
            return _after_observation(state, event)
        case Acknowledged():
            return state if incident is None else replace(state, incident=replace(incident, acknowledged=event))
        case Snoozed():
            return state if incident is None else replace(state, incident=replace(incident, snoozed=event))
        case Dismissed():
            return state if incident is None else replace(state, incident=_dismissed(state, incident, event))
        case NotificationSent():
            return state if incident is None else _after_notice(state, incident, event)
        case _:
            assert_never(event)


def _dismissed(state: AlertState, incident: Incident, event: Dismissed) -> Incident:
    """Record a dismissal. What it covers is what is open now: a change counts from there, and of pages from the last page."""
    last = incident.last_notification
    if last is not None:
        current = Extent.of(state.members).after(last.extent)
        last = replace(last, extent=replace(current, amount=max(current.amount, last.extent.amount)))
    return replace(incident, dismissed=event, last_notification=last)


def _after_observation(state: AlertState, event: Observed) -> AlertState:
    observation = event.observation
    match observation.verdict:
        case Verdict.UNKNOWN:
            return state  # neither counts nor resets
        case Verdict.WITHDRAWN:
            ended = _ended(state.incident, EndReason(kind=NoticeKind.CLOSED, reason=observation.reason))
            return replace(state, streaks=(), incident=ended, team=observation.team)
        case Verdict.USUAL:
            ended = _ended(state.incident, EndReason(kind=NoticeKind.BECAME_USUAL, reason=observation.reason))
            return replace(state, streaks=(), incident=ended)
        case Verdict.MEASURED if observation.as_of < _newest_of(state, default=observation.as_of):
            return state  # a full sweep that took longer than the watch sweeps after its begin
        case Verdict.MEASURED:
            streaks = _streaks_after(state, observation, event.terms)
            incident = _incident_after(state, streaks, event)
            known = bool(streaks) or incident is not None
            return replace(state, streaks=streaks, incident=incident, team=observation.team if known else state.team)
        case _:
            assert_never(observation.verdict)


def _newest_of(state: AlertState, *, default: datetime) -> datetime:
    """Return the newest sweep that changed the state."""
    cleared = state.incident.cleared_as_of if state.incident is not None else None
    known = (*(streak.last for streak in state.streaks), cleared, state.resolved_as_of)
    return max((as_of for as_of in known if as_of is not None), default=default)


def _streaks_after(state: AlertState, observation: Observation, terms: RuleTerms) -> tuple[Streak, ...]:
    before = {streak.finding.subject: streak for streak in state.streaks}
    kept = {subject: before[subject] for subject in observation.unknown if subject in before}
    grown = {
        finding.subject: _continued(before.get(finding.subject), finding, observation, terms=terms, resolved=_resolved(state))
        for finding in observation.found
    }
    return tuple(streak for _, streak in sorted((kept | grown).items()))


def _continued(
    before: Streak | None, finding: Finding, observation: Observation, *, terms: RuleTerms, resolved: datetime | None
) -> Streak:
    as_of = observation.as_of
    is_consecutive = before is not None and as_of - before.last <= terms.max_gap
    if before is None or not (is_consecutive or before.is_confirmed):
        since, count, from_first, is_confirmed = as_of, 1, observation.first_sweep, False
    else:
        # A gap restarts the count, but an open incident keeps its member: no sweep showed it clear.
        count = before.count + 1 if is_consecutive else 1
        since, from_first, is_confirmed = before.since, before.from_first_sweep, before.is_confirmed
    needed = 1 if finding.is_danger else terms.for_sweeps  # the evidence is a count over 24 hours already
    has_held = True
    if _is_flapping(since, resolved, terms):
        needed = max(needed, terms.refire_sweeps)
        has_held = as_of - since >= terms.refire_hold
    return Streak(
        finding=finding,
        count=count,
        since=since,
        last=as_of,
        from_first_sweep=from_first,
        is_confirmed=is_confirmed or (count >= needed and has_held),
    )


def _resolved(state: AlertState) -> datetime | None:
    return None if state.was_closed else state.resolved_as_of


def _is_flapping(since: datetime, resolved: datetime | None, terms: RuleTerms) -> bool:
    return resolved is not None and since - resolved <= terms.refire_within


def _incident_after(state: AlertState, streaks: tuple[Streak, ...], event: Observed) -> Incident | None:
    incident, observation, terms = state.incident, event.observation, event.terms
    if incident is None:
        return _opened(state, streaks, event)
    if observation.found:
        return replace(incident, clear_sweeps=0, cleared_as_of=None, unknown=observation.unknown)
    if observation.unknown:
        return replace(incident, unknown=observation.unknown)
    is_consecutive = incident.cleared_as_of is not None and observation.as_of - incident.cleared_as_of <= terms.max_gap
    cleared = incident.clear_sweeps + 1 if is_consecutive else 1
    after = replace(incident, clear_sweeps=cleared, cleared_as_of=observation.as_of, unknown=())
    if cleared < terms.clear_sweeps:
        return after
    checks = "one check" if cleared == 1 else f"{cleared} consecutive checks"
    return _ended(after, EndReason(kind=NoticeKind.RESOLVED, reason=f"Cleared in {checks}."))


def _opened(state: AlertState, streaks: tuple[Streak, ...], event: Observed) -> Incident | None:
    confirmed = [streak for streak in streaks if streak.is_confirmed]
    if not confirmed:
        return None
    return Incident(
        opened_at=event.at,
        opened_as_of=event.observation.as_of,
        reopened=any(_is_flapping(streak.since, _resolved(state), event.terms) for streak in confirmed),
        from_first_sweep=all(streak.from_first_sweep for streak in confirmed),
        opening=next((streak.finding for streak in confirmed if streak.finding.subject == WHOLE_COMPONENT), None),
        unknown=event.observation.unknown,
    )


def _ended(incident: Incident | None, ending: EndReason) -> Incident | None:
    """End an incident; one that was never notified is dropped."""
    return None if incident is None or incident.last_notification is None else replace(incident, ending=ending)


def _after_notice(state: AlertState, incident: Incident, event: NotificationSent) -> AlertState:
    if event.notice in ENDINGS:
        return replace(state, incident=None, streaks=(), resolved_as_of=event.as_of, was_closed=event.notice is NoticeKind.CLOSED)
    before = incident.last_notification
    if event.notice is NoticeKind.MOVED:
        last = None if before is None else replace(before, page=None)
        return replace(state, incident=replace(incident, last_notification=last))
    last = LastNotification(
        at=event.at,
        posted_as_of=event.as_of if event.post or before is None else before.posted_as_of,
        paged_as_of=event.as_of if event.page else (before.paged_as_of if before else None),
        extent=event.extent.after(before.extent if before else None),
        paged=event.paged.after(before.paged if before else None) if event.paged else (before.paged if before else None),
        post=event.post or (before.post if before else None),
        page=event.page or (before.page if before else None),
        storm=event.storm or (before.storm if before else None),
    )
    dismissed = None if event.notice is NoticeKind.CHANGED else incident.dismissed
    return replace(state, incident=replace(incident, last_notification=last, dismissed=dismissed))
