"""What is known of an alert: its events, and the state they fold into (`alerts.folding`).

Events say what was seen, what people did and what was told. Each holds all that its effect depends on, so a state can be
made again years later, under other settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from alerts.observations import AlertId, Finding, Observation, Severity, worst_of
from domain.messages import Json
from domain.refs import UNOWNED, EntityRef


class Phase(StrEnum):
    """Where an alert stands; `alerts.lifecycle` draws the ways between."""

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
    """What is told."""

    OPENED = "opened"
    REOPENED = "reopened"
    """Opened again soon after resolving: it is flapping."""
    CHANGED = "changed"
    REPEATED = "repeated"
    MOVED = "moved"
    """The incident was closed where it stood, because its pages now go elsewhere."""
    RESOLVED = "resolved"
    CLOSED = "closed"
    """Ended without being solved: there is nothing left to watch."""


ENDINGS = frozenset({NoticeKind.RESOLVED, NoticeKind.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTerms:
    """The settings under which an observation was judged."""

    for_sweeps: int
    clear_sweeps: int
    refire_within: timedelta
    refire_sweeps: int
    longest_gap: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackPost:
    """A Slack message: where it went, by which rule, and the key of the message that is the root of its thread."""

    target: str
    route: str
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """An open PagerDuty incident: whoever resolves it takes this key and this target."""

    target: str
    route: str
    dedup_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A sweep showed something that changes the state."""

    kind: Literal["observed"] = "observed"
    at: datetime
    observation: Observation
    terms: RuleTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Somebody took it on: no repeats until it clears."""

    kind: Literal["acknowledged"] = "acknowledged"
    at: datetime
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snoozed:
    """Somebody wants silence until an instant."""

    kind: Literal["snoozed"] = "snoozed"
    at: datetime
    by: str
    until: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSent:
    """Somebody was told, or it was decided that a summary tells them."""

    kind: Literal["noticed"] = "noticed"
    at: datetime
    as_of: datetime
    notice: NoticeKind
    reason: str
    subjects: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    amount: Decimal = Decimal(0)
    pages: bool = False
    """It was a reason to page, whether or not there was anywhere to page."""
    post: SlackPost | None = None
    page: OpenIncident | None = None
    storm: AlertId | None = None
    """The summary that pages instead of this alert."""


Event = Observed | Acknowledged | Snoozed | NotificationSent


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Consecutive measured sweeps in which one subject met the condition."""

    finding: Finding
    """As last seen."""
    count: int
    since: datetime
    last: datetime
    from_first_sweep: bool
    is_ripe: bool
    """It has held long enough."""

    @property
    def may_page(self) -> bool:
        """Say whether this subject may call somebody."""
        return self.is_ripe and self.finding.may_page(from_first_sweep=self.from_first_sweep)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastNotification:
    """The last that people heard of an open incident."""

    at: datetime
    posted_as_of: datetime
    paged_as_of: datetime | None
    subjects: tuple[str, ...]
    """Every subject ever told in this incident: one that comes back is no news."""
    severity: Severity
    """The worst ever told in this incident."""
    amount: Decimal
    pages: bool
    post: SlackPost | None
    page: OpenIncident | None
    storm: AlertId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReason:
    """Why an incident is over; it is told in the same transaction."""

    kind: NoticeKind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """From the sweep in which a condition has held long enough, until it is over."""

    opened_at: datetime
    opened_as_of: datetime
    reopened: bool
    from_first_sweep: bool
    clear_sweeps: int = 0
    cleared_as_of: datetime | None = None
    unknown: tuple[str, ...] = ()
    """Subjects that the last good answer could not judge."""
    acknowledged: Acknowledged | None = None
    snoozed: Snoozed | None = None
    told: LastNotification | None = None
    ending: EndReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """One alert. `phase` follows from the rest, so no state can contradict itself."""

    alert: AlertId
    team: EntityRef = UNOWNED
    """Who owned it when it was last observed."""
    streaks: tuple[Streak, ...] = ()
    """By subject, in the order of their names."""
    incident: Incident | None = None
    resolved_as_of: datetime | None = None
    """The sweep that ended the last incident."""
    events: int = 0
    """The number of the last event."""

    @property
    def phase(self) -> Phase:
        """Answer where it stands."""
        if self.incident is None:
            return Phase.PENDING if self.streaks else Phase.QUIET
        if self.incident.ending is not None:
            return Phase.ENDED
        return Phase.RESOLVING if self.incident.clear_sweeps else Phase.FIRING

    @property
    def is_open(self) -> bool:
        """Say whether there is an incident."""
        return self.incident is not None

    @property
    def members(self) -> tuple[Finding, ...]:
        """What the open incident is about, as last seen."""
        return tuple(streak.finding for streak in self.streaks if streak.is_ripe)

    @property
    def severity(self) -> Severity:
        """The worst of the members."""
        return worst_of(member.severity for member in self.members)

    @property
    def amount(self) -> Decimal:
        """The sum over the members."""
        return sum((member.amount for member in self.members), Decimal(0))


_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
_STATES: TypeAdapter[AlertState] = TypeAdapter(AlertState)


def event_to_json(event: Event) -> dict[str, Json]:
    """Answer an event as plain JSON values, as the store keeps it."""
    document: dict[str, Json] = _EVENTS.dump_python(event, mode="json")
    return document


def event_from_json(document: object) -> Event:
    """Read an event back."""
    return _EVENTS.validate_python(document)


def state_to_json(state: AlertState) -> dict[str, Json]:
    """Answer a state as plain JSON values, as the store keeps it."""
    document: dict[str, Json] = _STATES.dump_python(state, mode="json")
    return document


def state_from_json(document: object) -> AlertState:
    """Read a state back."""
    return _STATES.validate_python(document)
