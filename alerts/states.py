"""What is known of an alert: its events, and the state that they fold into (`alerts.folding`).

An event holds all that its effect depends on, the rule's settings too, so a state can be rebuilt under other settings.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from alerts.observations import AlertId, Finding, Observation, Severity, worst_of
from domain.refs import UNOWNED, EntityRef


class Phase(StrEnum):
    """The phase of an alert; `alerts.lifecycle` draws the transitions."""

    QUIET = "quiet"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVING = "resolving"
    ENDED = "ended"


OPEN_PHASES: Final = (Phase.FIRING.value, Phase.RESOLVING.value)
"""An open alert: people were notified, and it has not resolved. What lists show and what can be acknowledged."""
TRACKED_PHASES: Final = tuple(phase.value for phase in Phase if phase is not Phase.QUIET)
"""Whatever a sweep may still change without a new finding: pending alerts too."""


class NoticeKind(StrEnum):
    """Why a notice is sent."""

    OPENED = "opened"
    REOPENED = "reopened"
    """Opened again soon after resolving: it is flapping."""
    CHANGED = "changed"
    REPEATED = "repeated"
    MOVED = "moved"
    """The incident was resolved at its old PagerDuty service, because pages now go to another one."""
    RESOLVED = "resolved"
    CLOSED = "closed"
    """Ended without a fix: there is nothing left to measure."""
    BECAME_USUAL = "became-usual"
    """Ended without a fix: what was unusual lasted until it was the usual level."""


EVIDENCE_WINDOW: Final = timedelta(hours=24)
"""The time over which ScaleOps counts OOM kills."""
ENDINGS = frozenset({NoticeKind.RESOLVED, NoticeKind.CLOSED, NoticeKind.BECAME_USUAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTerms:
    """The settings under which an observation was evaluated."""

    for_sweeps: int
    clear_sweeps: int
    refire_within: timedelta
    refire_sweeps: int
    max_gap: timedelta
    refire_hold: timedelta = timedelta(0)
    """How long a condition that came back must hold besides: as long as that many full sweeps take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackPost:
    """A Slack message: its channel, the rule that chose it, and the key of the message that starts its thread."""

    target: str
    route: str
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """An open PagerDuty incident; its resolve takes the same dedup key and routing key."""

    target: str
    route: str
    dedup_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What a notice or a page was about: its subjects, the worst severity among them, the sum of their amounts."""

    subjects: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    amount: Decimal = Decimal(0)

    @classmethod
    def of(cls, findings: Collection[Finding]) -> Extent:
        """Return the extent of some findings."""
        return cls(
            subjects=tuple(finding.subject for finding in findings),
            severity=worst_of(finding.severity for finding in findings),
            amount=sum((finding.amount for finding in findings), Decimal(0)),
        )

    def after(self, before: Extent | None) -> Extent:
        """Return this extent with the subjects and the severity of those before it: what comes back is not a change."""
        if before is None:
            return self
        subjects = tuple(sorted({*self.subjects, *before.subjects}))
        return replace(self, subjects=subjects, severity=worst_of([self.severity, before.severity]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A sweep changed the state."""

    kind: Literal["observed"] = "observed"
    at: datetime
    observation: Observation
    terms: RuleTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A person acknowledged it: no repeats until it clears."""

    kind: Literal["acknowledged"] = "acknowledged"
    at: datetime
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snoozed:
    """A person snoozed it: no notices until an instant, except its end."""

    kind: Literal["snoozed"] = "snoozed"
    at: datetime
    by: str
    until: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed:
    """A person dismissed it with a reason: no repeats until it changes materially from what it is now."""

    kind: Literal["dismissed"] = "dismissed"
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSent:
    """A notice was sent, or a storm's notice replaces it."""

    kind: Literal["notified"] = "notified"
    at: datetime
    as_of: datetime
    notice: NoticeKind
    reason: str
    extent: Extent = Extent()
    paged: Extent | None = None
    """What it was a reason to page for, with or without a PagerDuty route; None: it was none."""
    post: SlackPost | None = None
    page: OpenIncident | None = None
    storm: AlertId | None = None
    """The storm that pages instead of this alert."""


Event = Observed | Acknowledged | Snoozed | Dismissed | NotificationSent


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Consecutive measured sweeps in which one subject met the condition."""

    finding: Finding
    """As last seen."""
    count: int
    since: datetime
    last: datetime
    from_first_sweep: bool
    is_confirmed: bool
    """It has held long enough."""

    def paging_finding(self, as_of: datetime) -> Finding | None:
        """Return the finding that may page in a sweep, if any. Evidence is a count over 24 hours: an older one says nothing of now."""
        current = self.finding
        if current.has_evidence and as_of - self.last >= EVIDENCE_WINDOW:
            severity = current.severity if current.severity is not Severity.CRITICAL else Severity.ERROR
            current = replace(current, has_evidence=False, severity=severity)
        return current if self.is_confirmed and current.may_page(from_first_sweep=self.from_first_sweep) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastNotification:
    """What was last sent about an open incident."""

    at: datetime
    posted_as_of: datetime
    paged_as_of: datetime | None
    extent: Extent
    """What this incident's notices were about so far, with the last amount."""
    paged: Extent | None
    """What its pages were about so far: workloads that may page, and nothing else. None: there was no reason to page."""
    post: SlackPost | None
    page: OpenIncident | None
    storm: AlertId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReason:
    """Why an incident is over. Its notice is stored in the same transaction."""

    kind: NoticeKind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """From the sweep in which a condition has held long enough to its end."""

    opened_at: datetime
    opened_as_of: datetime
    reopened: bool
    from_first_sweep: bool
    opening: Finding | None = None
    """What was found of the component as a whole when it opened."""
    clear_sweeps: int = 0
    cleared_as_of: datetime | None = None
    unknown: tuple[str, ...] = ()
    """Subjects that the last measured sweep could not decide."""
    acknowledged: Acknowledged | None = None
    snoozed: Snoozed | None = None
    dismissed: Dismissed | None = None
    """Until it changes materially."""
    last_notification: LastNotification | None = None
    ending: EndReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """One alert. `phase` is derived, so a state cannot contradict itself."""

    alert: AlertId
    team: EntityRef = UNOWNED
    """The owner when it was last observed."""
    streaks: tuple[Streak, ...] = ()
    """Sorted by subject."""
    incident: Incident | None = None
    resolved_as_of: datetime | None = None
    """The sweep that ended the last incident."""
    was_closed: bool = False
    """The last incident ended without a fix: what follows is not flapping."""
    events: int = 0
    """The number of the last event."""

    @property
    def phase(self) -> Phase:
        """The phase, derived from streaks and incident."""
        if self.incident is None:
            return Phase.PENDING if self.streaks else Phase.QUIET
        if self.incident.ending is not None:
            return Phase.ENDED
        return Phase.RESOLVING if self.incident.clear_sweeps else Phase.FIRING

    def is_handled(self, now: datetime) -> bool:
        """Return True if a person acknowledged or dismissed the open incident, or snoozed it beyond an instant."""
        incident = self.incident
        if incident is None:
            return False
        is_snoozed = incident.snoozed is not None and incident.snoozed.until > now
        return is_snoozed or incident.acknowledged is not None or incident.dismissed is not None

    @property
    def is_open(self) -> bool:
        """True if there is an incident."""
        return self.incident is not None

    @property
    def last_notification(self) -> LastNotification | None:
        """What was last sent about the open incident."""
        return None if self.incident is None else self.incident.last_notification

    @property
    def confirmed(self) -> tuple[Streak, ...]:
        """The streaks that have held long enough."""
        return tuple(streak for streak in self.streaks if streak.is_confirmed)

    @property
    def members(self) -> tuple[Finding, ...]:
        """What the open incident is about, as last seen."""
        return tuple(streak.finding for streak in self.confirmed)

    def paging_members(self, as_of: datetime) -> tuple[Finding, ...]:
        """Return the members that may page in a sweep: severity, numbers and text of a page are theirs."""
        found = (streak.paging_finding(as_of) for streak in self.streaks)
        return tuple(finding for finding in found if finding is not None)

    @property
    def severity(self) -> Severity:
        """The worst of the members."""
        return worst_of(member.severity for member in self.members)


EVENT_JSON: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
"""Reads and writes events as the store holds them."""
STATE_JSON: TypeAdapter[AlertState] = TypeAdapter(AlertState)
"""Reads and writes states as the store holds them."""
