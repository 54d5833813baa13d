"""The life of one alert: what an observation makes of it, and whether anybody should hear of that, and why.

                   met                      held long enough
    QUIET ──────────────────────> PENDING ──────────────────> FIRING <───────────────┐
      ^ ^                           │                          │  ^                  │
      │ └────── clear, withdrawn ───┘            a clear answer│  │met again         │ acknowledged: no repeats
      │                                                        v  │                  │ snoozed: nothing, until its end
      │                     2nd clear answer in a row      RESOLVING                 │
      ├──────────────────────── ENDED <─────────────────────────┘ (FIRING and RESOLVING may be either)
      │      resolved, told       ^
      └───────────────────────────┘ withdrawn: the component left the catalog, or the rule was switched off: closed

An unknown answer moves nothing: it neither counts nor resets. Nor does an answer in which nobody meets the condition while
somebody is unknown. Sweeps more than 24 hours apart are not consecutive.

`step` is pure. Its notices are what ought to be told; `alerts.storm` may fold some of them into a summary, `domain.routes`
says where they go, and `record` then turns each into the event that makes the state remember it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from alerts.folding import apply
from alerts.observations import AlertId, Finding, Observation, Severity, worst_of
from alerts.policy import AlertPolicy, RuleSettings
from alerts.states import (
    AlertState,
    Event,
    Incident,
    LastNotification,
    NoticeKind,
    NotificationSent,
    Observed,
    OpenIncident,
    RuleTerms,
    SlackPost,
    Streak,
)
from domain.refs import EntityRef

_GROWN: Decimal = Decimal("1.5")
"""An amount that grew by half is news."""


class Paging(StrEnum):
    """What a notice does to PagerDuty."""

    NONE = "none"
    TRIGGER = "trigger"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that ought to be told, and why."""

    alert: AlertId
    team: EntityRef
    kind: NoticeKind
    reason: str
    as_of: datetime
    """Of the sweep that made it told."""
    seen_as_of: datetime
    """When the condition was last measured and found; before `as_of` while nobody can say whether it still holds."""
    since: datetime
    """When the condition was first seen, or the incident opened when nobody meets it any more."""
    posts: bool
    """It is told in Slack."""
    paging: Paging
    is_new_page: bool
    """It would open an incident."""
    from_first_sweep: bool
    severity: Severity
    amount: Decimal
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    told: LastNotification | None
    """What was told before; a resolve goes to where that went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one observation makes of an alert. Without events nothing changed."""

    state: AlertState
    events: tuple[Event, ...]
    notices: tuple[Notice, ...]


def step(state: AlertState, observation: Observation, now: datetime, policy: AlertPolicy) -> Step:
    """Answer the next state, the events that lead to it, and what ought to be told, each with its reason.

    An observation that changes nothing leaves no event. Whoever tells a notice calls `record` with where it went.
    """
    settings = policy.settings_of(observation.alert.rule, observation.alert.about)
    event = Observed(at=now, observation=observation, terms=_terms_of(settings, policy))
    after = apply(state, event)
    events: tuple[Event, ...] = (event,)
    if replace(after, events=state.events) == state:
        after, events = state, ()
    return Step(state=after, events=events, notices=decide(after, observation, now, settings))


def decide(state: AlertState, observation: Observation, now: datetime, settings: RuleSettings) -> tuple[Notice, ...]:
    """Say whether anybody should hear of an alert now, and why: none or one notice."""
    incident = state.incident
    if incident is None:
        return ()
    if incident.ending is not None:
        return (_ending_notice(state, incident, observation),)
    ripe = tuple(streak for streak in state.streaks if streak.is_ripe)
    if incident.told is None:
        kind = NoticeKind.REOPENED if incident.reopened else NoticeKind.OPENED
        return (_notice(state, incident, observation, kind=kind, reason=_opening_reason(incident, ripe)),)
    if incident.snoozed is not None and now < incident.snoozed.until:
        return ()
    change = _change_in(incident.told, ripe)
    if change:
        return (_notice(state, incident, observation, kind=NoticeKind.CHANGED, reason=change),)
    if incident.acknowledged is not None or not ripe or incident.told.storm is not None:
        return ()
    return _repeats(state, incident, incident.told, observation, settings=settings)


def record(
    notice: Notice, *, now: datetime, post: SlackPost | None, page: OpenIncident | None, storm: AlertId | None = None
) -> NotificationSent:
    """Answer the event of a notice that was told: where it was posted, which incident it opened, which storm stands for it."""
    return NotificationSent(
        at=now,
        as_of=notice.as_of,
        notice=notice.kind,
        reason=notice.reason,
        subjects=tuple(finding.subject for finding in notice.findings),
        severity=notice.severity,
        amount=notice.amount,
        pages=notice.paging is Paging.TRIGGER or storm is not None,
        post=post,
        page=page,
        storm=storm,
    )


def move(notice: Notice, *, now: datetime) -> NotificationSent:
    """Answer the event that an open incident was closed where it stands, because its pages now go elsewhere."""
    reason = "Pages about this now go to another PagerDuty service, so the incident here is closed and opened there."
    return replace(record(notice, now=now, post=None, page=None), notice=NoticeKind.MOVED, reason=reason)


def _terms_of(settings: RuleSettings, policy: AlertPolicy) -> RuleTerms:
    return RuleTerms(
        for_sweeps=settings.for_sweeps,
        clear_sweeps=settings.clear_sweeps,
        refire_within=settings.refire_within,
        refire_sweeps=settings.refire_sweeps,
        longest_gap=policy.longest_gap,
    )


def _notice(
    state: AlertState,
    incident: Incident,
    observation: Observation,
    *,
    kind: NoticeKind,
    reason: str,
    pages: bool = True,
    posts: bool = True,
) -> Notice:
    told = incident.told
    has_page = told is not None and told.page is not None
    in_storm = told is not None and told.storm is not None
    triggers = pages and not in_storm and (has_page or any(streak.may_page for streak in state.streaks))
    ripe = [streak for streak in state.streaks if streak.is_ripe]
    return Notice(
        alert=state.alert,
        team=state.team,
        kind=kind,
        reason=reason,
        as_of=observation.as_of,
        seen_as_of=_last_seen(ripe, observation),
        since=min((streak.since for streak in ripe), default=incident.opened_as_of),
        posts=posts,
        paging=Paging.TRIGGER if triggers else Paging.NONE,
        is_new_page=triggers and not has_page,
        from_first_sweep=incident.from_first_sweep,
        severity=worst_of([state.severity, *([told.severity] if told else [])]),
        amount=state.amount,
        findings=state.members,
        unknown=incident.unknown,
        told=told,
    )


def _last_seen(ripe: Sequence[Streak], observation: Observation) -> datetime:
    return max((streak.last for streak in ripe), default=observation.as_of)


def _ending_notice(state: AlertState, incident: Incident, observation: Observation) -> Notice:
    ending, told = incident.ending, incident.told
    if ending is None or told is None:  # pragma: no cover - alerts.states ends only incidents that were told
        message = f"{state.alert} ended without a word about it"
        raise ValueError(message)
    notice = _notice(state, incident, observation, kind=ending.kind, reason=ending.reason, pages=False)
    paging = Paging.RESOLVE if told.page is not None else Paging.NONE
    return replace(notice, paging=paging, posts=told.post is not None, severity=told.severity)


def _opening_reason(incident: Incident, ripe: tuple[Streak, ...]) -> str:
    held = max((streak.count for streak in ripe), default=1)
    sweeps = "It was found in this sweep." if held == 1 else f"It has held in {held} measured sweeps in a row."
    if incident.reopened:
        return f"It came back within a day of resolving, so it is flapping. {sweeps}"
    return sweeps


def _change_in(told: LastNotification, ripe: tuple[Streak, ...]) -> str:
    """Put into words what is materially new since the last notice; empty when nothing is."""
    joined = [streak.finding for streak in ripe if streak.finding.subject not in told.subjects]
    if joined:
        more = f" and {len(joined) - 1} more" if len(joined) > 1 else ""
        return f"{joined[0].subject}{more} joined."
    severity = worst_of(streak.finding.severity for streak in ripe)
    if severity.rank > told.severity.rank:
        return f"It rose from {told.severity} to {severity}."
    if not told.pages and any(streak.may_page for streak in ripe):
        return "It has become a reason to page."
    amount = sum((streak.finding.amount for streak in ripe), Decimal(0))
    if told.amount > 0 and amount >= told.amount * _GROWN:
        return "It grew by half or more since it was last told."
    return ""


def _repeats(
    state: AlertState, incident: Incident, told: LastNotification, observation: Observation, *, settings: RuleSettings
) -> tuple[Notice, ...]:
    if incident.snoozed is not None and told.at < incident.snoozed.until:
        reason = f"{incident.snoozed.by}'s snooze ended. {_standing(state, observation)}"
        return (_notice(state, incident, observation, kind=NoticeKind.REPEATED, reason=reason),)
    pages = (
        told.page is not None and told.paged_as_of is not None and observation.as_of - told.paged_as_of >= settings.repeat_after
    )
    posts = observation.as_of - told.posted_as_of >= settings.slack_repeat_after
    if not (pages or posts):
        return ()
    reason = f"{_standing(state, observation)} Nobody has acknowledged it."
    return (_notice(state, incident, observation, kind=NoticeKind.REPEATED, reason=reason, pages=pages, posts=posts),)


def _standing(state: AlertState, observation: Observation) -> str:
    """Say that it holds; of what was not measured this time, when it was last seen."""
    last = _last_seen([streak for streak in state.streaks if streak.is_ripe], observation)
    if last >= observation.as_of:
        return "It still holds."
    return f"It held when it was last seen, {last:%Y-%m-%d %H:%M} UTC, and has not been measured since."
