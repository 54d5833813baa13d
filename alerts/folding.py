"""The state of an alert is the fold of its events. What each event does to it stands here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from alerts.observations import AlertId, Finding, Observation, Verdict
from alerts.states import (
    ENDINGS,
    Acknowledged,
    AlertState,
    EndReason,
    Event,
    Incident,
    LastNotification,
    NoticeKind,
    NotificationSent,
    Observed,
    RuleTerms,
    Snoozed,
    Streak,
)


def fold(alert: AlertId, events: Iterable[Event]) -> AlertState:
    """Make the state of an alert from its events, first to last."""
    state = AlertState(alert=alert)
    for event in events:
        state = apply(state, event)
    return state


def apply(state: AlertState, event: Event) -> AlertState:
    """Answer the state after one more event."""
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
        case NotificationSent():
            return state if incident is None else _after_notice(state, incident, event)
        case _:
            assert_never(event)


def _after_observation(state: AlertState, event: Observed) -> AlertState:
    observation = event.observation
    match observation.answer:
        case Verdict.UNKNOWN:
            return state  # neither counts nor resets
        case Verdict.WITHDRAWN:
            ended = _ended(state.incident, EndReason(kind=NoticeKind.CLOSED, reason=observation.reason))
            return replace(state, streaks=(), incident=ended, team=observation.team)
        case Verdict.GOOD:
            streaks = _streaks_after(state, observation, event.terms)
            incident = _incident_after(state, streaks, event)
            known = bool(streaks) or incident is not None
            return replace(state, streaks=streaks, incident=incident, team=observation.team if known else state.team)
        case _:
            assert_never(observation.answer)


def _streaks_after(state: AlertState, observation: Observation, terms: RuleTerms) -> tuple[Streak, ...]:
    before = {streak.finding.subject: streak for streak in state.streaks}
    kept = {subject: before[subject] for subject in observation.unknown if subject in before}
    grown = {
        finding.subject: _grown(before.get(finding.subject), finding, observation, terms=terms, resolved=state.resolved_as_of)
        for finding in observation.found
    }
    return tuple(streak for _, streak in sorted((kept | grown).items()))


def _grown(
    before: Streak | None, finding: Finding, observation: Observation, *, terms: RuleTerms, resolved: datetime | None
) -> Streak:
    as_of = observation.as_of
    goes_on = before is not None and as_of - before.last <= terms.longest_gap
    if before is None or not (goes_on or before.is_ripe):
        since, count, from_first, is_ripe = as_of, 1, observation.first_sweep, False
    else:
        # A gap starts the count anew, but does not take an open incident's member out of it: nobody saw it clear.
        count = before.count + 1 if goes_on else 1
        since, from_first, is_ripe = before.since, before.from_first_sweep, before.is_ripe
    needed = max(terms.for_sweeps, terms.refire_sweeps) if _is_flapping(since, resolved, terms) else terms.for_sweeps
    return Streak(
        finding=finding,
        count=count,
        since=since,
        last=as_of,
        from_first_sweep=from_first,
        is_ripe=is_ripe or count >= needed,
    )


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
    goes_on = incident.cleared_as_of is not None and observation.as_of - incident.cleared_as_of <= terms.longest_gap
    cleared = incident.clear_sweeps + 1 if goes_on else 1
    after = replace(incident, clear_sweeps=cleared, cleared_as_of=observation.as_of, unknown=())
    if cleared < terms.clear_sweeps:
        return after
    times = "A good answer" if cleared == 1 else f"{cleared} good answers in a row"
    return _ended(after, EndReason(kind=NoticeKind.RESOLVED, reason=f"{times} showed that nothing meets the condition any more."))


def _opened(state: AlertState, streaks: tuple[Streak, ...], event: Observed) -> Incident | None:
    ripe = [streak for streak in streaks if streak.is_ripe]
    if not ripe:
        return None
    return Incident(
        opened_at=event.at,
        opened_as_of=event.observation.as_of,
        reopened=any(_is_flapping(streak.since, state.resolved_as_of, event.terms) for streak in ripe),
        from_first_sweep=all(streak.from_first_sweep for streak in ripe),
        unknown=event.observation.unknown,
    )


def _ended(incident: Incident | None, ending: EndReason) -> Incident | None:
    """End an incident; one of which nobody ever heard is simply gone."""
    return None if incident is None or incident.told is None else replace(incident, ending=ending)


def _after_notice(state: AlertState, incident: Incident, event: NotificationSent) -> AlertState:
    if event.notice in ENDINGS:
        return replace(state, incident=None, streaks=(), resolved_as_of=event.as_of)
    before = incident.told
    if event.notice is NoticeKind.MOVED:
        return state if before is None else replace(state, incident=replace(incident, told=replace(before, page=None)))
    told = LastNotification(
        at=event.at,
        posted_as_of=event.as_of if event.post or before is None else before.posted_as_of,
        paged_as_of=event.as_of if event.page else (before.paged_as_of if before else None),
        subjects=tuple(sorted({*event.subjects, *(before.subjects if before else ())})),
        severity=event.severity,
        amount=event.amount,
        pages=event.pages or (before.pages if before else False),
        post=event.post or (before.post if before else None),
        page=event.page or (before.page if before else None),
        storm=event.storm or (before.storm if before else None),
    )
    return replace(state, incident=replace(incident, told=told))
