"""The state machine of one alert: what an observation changes, and whether people should be notified of it, with the reason.

                   met                      held long enough
    QUIET ──────────────────────> PENDING ──────────────────> FIRING <───────────────┐
      ^ ^                           │                          │  ^                  │
      │ └────── clear, withdrawn ───┘         a clear sweep    │  │met again         │ acknowledged: no repeats
      │                                                        v  │                  │ snoozed: no notices until its end
      │                                                           │                  │ dismissed: no repeats until it changes
      │                      2nd clear sweep in a row      RESOLVING                 │
      ├──────────────────────── ENDED <─────────────────────────┘ (FIRING and RESOLVING may be either)
      │   resolved, notified      ^
      └───────────────────────────┘ withdrawn: the component left the catalog, or the rule was disabled: closed
                                    usual: it lasted until it was the usual level: became-usual

A measured danger (`Finding.is_danger`) has held long enough at the first sweep that shows it.
An observation of a sweep older than the newest one that the alert knows changes nothing. Nor does an unknown one: it neither counts nor resets. Nor does one that finds nothing while a workload is
unknown. Sweeps more than 24 hours apart are not consecutive. `step` is pure; `alerts.storm` may fold its notices into a summary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from alerts.cost_rules import smallest_growth
from alerts.folding import apply
from alerts.observations import AlertId, Finding, MemberFigures, Observation, Severity, worst_of
from alerts.policy import AlertPolicy, RuleSettings
from alerts.states import (
    Acknowledged,
    AlertState,
    Dismissed,
    Event,
    Extent,
    Incident,
    LastNotification,
    NoticeKind,
    NotificationSent,
    Observed,
    OpenIncident,
    RuleTerms,
    SlackPost,
    Snoozed,
    Streak,
)
from domain.clock import format_utc
from domain.money import format_count
from domain.refs import EntityRef

_ESCALATION_FACTOR: Final = Decimal("1.5")
"""An amount that grew by half is a material change, unless it grew by less than `smallest_growth`."""


class Paging(StrEnum):
    """What a notice does to PagerDuty."""

    NONE = "none"
    TRIGGER = "trigger"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification that is due, and why."""

    alert: AlertId
    team: EntityRef
    kind: NoticeKind
    reason: str
    as_of: datetime
    """Of the sweep that caused it."""
    seen_as_of: datetime
    """When the condition was last measured and found; before `as_of` while the condition cannot be measured."""
    since: datetime
    """When the condition was first seen; for an ending, when the incident opened."""
    posts: bool
    """It goes to Slack."""
    paging: Paging
    is_new_page: bool
    """It would open a PagerDuty incident."""
    from_first_sweep: bool
    findings: tuple[Finding, ...]
    paging_findings: tuple[Finding, ...]
    """Those of them that may page."""
    unknown: tuple[str, ...]
    last_notification: LastNotification | None
    """What was sent before; an ending goes to the same place."""
    acknowledged: Acknowledged | None = None
    snoozed: Snoozed | None = None
    dismissed: Dismissed | None = None
    """What a person did to the open alert."""

    @property
    def severity(self) -> Severity:
        """The worst of the findings; of an ending, the worst there was."""
        if not self.findings and self.last_notification is not None:
            return self.last_notification.extent.severity
        return worst_of(finding.severity for finding in self.findings)

    @property
    def amount(self) -> Decimal:
        """The sum over the findings."""
        return sum((finding.amount for finding in self.findings), Decimal(0))

    @property
    def as_page(self) -> Notice:
        """The notice as PagerDuty gets it: severity, numbers and text count only what may page."""
        return replace(self, findings=self.paging_findings)

    @property
    def last_post(self) -> SlackPost | None:
        """The Slack message that was sent before."""
        return None if self.last_notification is None else self.last_notification.post

    @property
    def open_incident(self) -> OpenIncident | None:
        """The PagerDuty incident that is open."""
        return None if self.last_notification is None else self.last_notification.page


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one observation changes. Without events it changed nothing."""

    state: AlertState
    events: tuple[Event, ...]
    notices: tuple[Notice, ...]


def step(state: AlertState, observation: Observation, now: datetime, policy: AlertPolicy, *, is_watch: bool = False) -> Step:
    """Return the next state, the events that lead to it, and the notices that are due, each with its reason.

    A watch sweep (`is_watch`) opens, pages and resolves; changes and repeats come with the full sweeps. An observation that changes nothing leaves no event. The caller turns a notice that it sends into an event by `record`.
    """
    settings = policy.settings_of(observation.alert.rule, observation.alert.about)
    event = Observed(at=now, observation=observation, terms=_terms_of(settings, policy))
    after = apply(state, event)
    events: tuple[Event, ...] = (event,)
    if replace(after, events=state.events) == state:
        after, events = state, ()
    return Step(state=after, events=events, notices=decide(after, observation, now, settings, is_watch=is_watch))


def decide(
    state: AlertState, observation: Observation, now: datetime, settings: RuleSettings, *, is_watch: bool
) -> tuple[Notice, ...]:
    """Return the notice that is due now, with its reason, or none."""
    incident = state.incident
    if incident is None:
        return ()
    if incident.ending is not None:
        return (_ending_notice(state, incident, observation),)
    last = incident.last_notification
    if last is None:
        if not state.confirmed:
            return ()  # it cleared before a notice of it was sent: its channel was resting
        kind = NoticeKind.REOPENED if incident.reopened else NoticeKind.OPENED
        return (_notice(state, incident, observation, kind=kind, reason=_opening_reason(incident, state.confirmed)),)
    if incident.snoozed is not None and now < incident.snoozed.until:
        return ()
    may_page = state.paging_members(observation.as_of)
    change, new_danger = _change_since(last.extent, state.members), _new_reason_to_page(last, may_page)
    page_change = new_danger or (_change_since(last.paged, may_page) if last.paged is not None else "")
    if is_watch and (last.paged is not None or not page_change):
        return ()
    if change or page_change:
        reason, pages = " ".join(filter(None, (new_danger, change))) or page_change, bool(page_change)
        return (_notice(state, incident, observation, kind=NoticeKind.CHANGED, reason=reason, pages=pages),)
    is_answered = incident.acknowledged is not None or incident.dismissed is not None
    if is_answered or not state.confirmed or last.storm is not None:
        return ()
    return _repeats(state, incident, last, observation, settings=settings)


def record(
    notice: Notice, *, now: datetime, post: SlackPost | None, page: OpenIncident | None, storm: AlertId | None = None
) -> NotificationSent:
    """Return the event of a sent notice: where it was posted, which incident it opened, or which storm pages instead."""
    return NotificationSent(
        at=now,
        as_of=notice.as_of,
        notice=notice.kind,
        reason=notice.reason,
        extent=Extent.of(notice.findings),
        paged=Extent.of(notice.paging_findings) if notice.paging is Paging.TRIGGER or storm is not None else None,
        post=post,
        page=page,
        storm=storm,
    )


def move(notice: Notice, *, now: datetime) -> NotificationSent:
    """Return the event of an incident that is resolved at its old PagerDuty service, because pages now go to another one."""
    reason = "Pages about this now go to another PagerDuty service: the incident is resolved here and opened there."
    return replace(record(notice, now=now, post=None, page=None), notice=NoticeKind.MOVED, reason=reason)


def _terms_of(settings: RuleSettings, policy: AlertPolicy) -> RuleTerms:
    return RuleTerms(
        for_sweeps=settings.for_sweeps,
        clear_sweeps=settings.clear_sweeps,
        refire_within=settings.refire_within,
        refire_sweeps=settings.refire_sweeps,
        max_gap=policy.max_gap,
        refire_hold=(settings.refire_sweeps - 1) * policy.full_sweep_every,
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
    last = incident.last_notification
    has_page = last is not None and last.page is not None
    in_storm = last is not None and last.storm is not None
    may_page = state.paging_members(observation.as_of)
    triggers = pages and not in_storm and bool(may_page)
    return Notice(
        alert=state.alert,
        team=state.team,
        kind=kind,
        reason=reason,
        as_of=observation.as_of,
        seen_as_of=_last_seen(state.confirmed, observation),
        since=min((streak.since for streak in state.confirmed), default=incident.opened_as_of),
        posts=posts,
        paging=Paging.TRIGGER if triggers else Paging.NONE,
        is_new_page=triggers and not has_page,
        from_first_sweep=incident.from_first_sweep,
        findings=state.members,
        paging_findings=may_page,
        unknown=incident.unknown,
        last_notification=last,
        acknowledged=incident.acknowledged,
        snoozed=incident.snoozed,
        dismissed=None if kind is NoticeKind.CHANGED else incident.dismissed,
    )


def _last_seen(confirmed: Sequence[Streak], observation: Observation) -> datetime:
    return max((streak.last for streak in confirmed), default=observation.as_of)


def _ending_notice(state: AlertState, incident: Incident, observation: Observation) -> Notice:
    ending, last = incident.ending, incident.last_notification
    if ending is None or last is None:  # pragma: no cover - alerts.folding ends only incidents that were notified
        message = f"{state.alert} ended, and its opening was never notified"
        raise ValueError(message)
    notice = _notice(state, incident, observation, kind=ending.kind, reason=ending.reason, pages=False)
    paging = Paging.RESOLVE if last.page is not None else Paging.NONE
    return replace(notice, paging=paging, posts=last.post is not None)


def _opening_reason(incident: Incident, confirmed: tuple[Streak, ...]) -> str:
    held = max(streak.count for streak in confirmed)
    sweeps = "Seen in this check." if held == 1 else f"Seen in {held} consecutive checks."
    if incident.reopened:
        return f"It came back within a day of resolving, so it is flapping. {sweeps}"
    return sweeps


def _change_since(before: Extent, findings: Sequence[Finding]) -> str:
    """Return what changed materially, as a sentence; empty when nothing did."""
    now = Extent.of(findings)
    joined = _joined(before, now)
    if joined and all(isinstance(finding.figures, MemberFigures) for finding in findings):
        return f"{format_count(len(joined), 'more alert')} joined."
    if joined:
        more = f" and {len(joined) - 1} more" if len(joined) > 1 else ""
        return f"{joined[0]}{more} joined."
    if now.severity.rank > before.severity.rank:
        return f"It rose from {before.severity} to {now.severity}."
    floor = sum((smallest_growth(finding.figures) for finding in findings), Decimal(0))
    if before.amount > 0 and now.amount >= max(before.amount * _ESCALATION_FACTOR, before.amount + floor):
        return "It grew by half or more since the last notification."
    return ""


def _new_reason_to_page(last: LastNotification, may_page: Sequence[Finding]) -> str:
    """Return what may page now and did not, as a sentence, if it was a part of the alert before; empty for nothing."""
    if last.paged is None:
        return "It has become a reason to page." if may_page else ""
    dangerous = [subject for subject in _joined(last.paged, Extent.of(may_page)) if subject in last.extent.subjects]
    if not dangerous:
        return ""
    more = f" and {len(dangerous) - 1} more have" if len(dangerous) > 1 else " has"
    return f"{dangerous[0]}{more} become a reason to page."


def _joined(before: Extent, now: Extent) -> list[str]:
    return [subject for subject in now.subjects if subject not in before.subjects]


def _repeats(
    state: AlertState, incident: Incident, last: LastNotification, observation: Observation, *, settings: RuleSettings
) -> tuple[Notice, ...]:
    if incident.snoozed is not None and last.at < incident.snoozed.until:
        reason = f"{incident.snoozed.by}'s snooze ended. {_still_firing_reason(state, observation)}"
        return (_notice(state, incident, observation, kind=NoticeKind.REPEATED, reason=reason),)
    pages = (
        bool(state.paging_members(observation.as_of))
        and last.page is not None
        and last.paged_as_of is not None
        and observation.as_of - last.paged_as_of >= settings.repeat_after
    )
    posts_after = settings.slack_repeat_after
    posts = posts_after is not None and observation.as_of - last.posted_as_of >= posts_after
    if not (pages or posts):
        return ()
    reason = f"{_still_firing_reason(state, observation)} It has not been acknowledged."
    return (_notice(state, incident, observation, kind=NoticeKind.REPEATED, reason=reason, pages=pages, posts=posts),)


def _still_firing_reason(state: AlertState, observation: Observation) -> str:
    seen = _last_seen(state.confirmed, observation)
    if seen >= observation.as_of:
        return "Still open."
    return f"Still open when last measured, {format_utc(seen)}; not measured since."
