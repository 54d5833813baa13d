"""The state of an alert is the fold of its events. Events say what was seen, what people did, and what was told.

Every event holds all that its effect depends on, so a state can be made again years later, under other settings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, assert_never

from pydantic import Field, TypeAdapter

from alerts.observations import AlertId, Answer, Finding, Observation, Severity, worst_of
from domain.messages import Json
from domain.refs import UNOWNED, EntityRef


class Phase(StrEnum):
    """Where an alert stands; `alerts.lifecycle` draws the ways between."""

    QUIET = "quiet"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVING = "resolving"
    ENDED = "ended"


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
class Terms:
    """The settings under which an observation was judged."""

    for_sweeps: int
    clear_sweeps: int
    refire_within: timedelta
    refire_sweeps: int
    longest_gap: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A Slack message: where it went, by which rule, and the key of the message that is the root of its thread."""

    target: str
    route: str
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPage:
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
    terms: Terms


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
class Noticed:
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
    post: Post | None = None
    page: OpenPage | None = None
    storm: AlertId | None = None
    """The summary that pages instead of this alert."""


Event = Observed | Acknowledged | Snoozed | Noticed


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
class Told:
    """The last that people heard of an open incident."""

    at: datetime
    posted_as_of: datetime
    paged_as_of: datetime | None
    subjects: frozenset[str]
    """Every subject ever told in this incident: one that comes back is no news."""
    severity: Severity
    """The worst ever told in this incident."""
    amount: Decimal
    pages: bool
    post: Post | None
    page: OpenPage | None
    storm: AlertId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
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
    told: Told | None = None
    ending: Ending | None = None


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
        case Noticed():
            return state if incident is None else _after_notice(state, incident, event)
        case _:
            assert_never(event)


def _after_observation(state: AlertState, event: Observed) -> AlertState:
    observation = event.observation
    match observation.answer:
        case Answer.UNKNOWN:
            return state  # neither counts nor resets
        case Answer.WITHDRAWN:
            ended = _ended(state.incident, Ending(kind=NoticeKind.CLOSED, reason=observation.reason))
            return replace(state, streaks=(), incident=ended, team=observation.team)
        case Answer.GOOD:
            streaks = _streaks_after(state, observation, event.terms)
            incident = _incident_after(state, streaks, event)
            known = bool(streaks) or incident is not None
            return replace(state, streaks=streaks, incident=incident, team=observation.team if known else state.team)
        case _:
            assert_never(observation.answer)


def _streaks_after(state: AlertState, observation: Observation, terms: Terms) -> tuple[Streak, ...]:
    before = {streak.finding.subject: streak for streak in state.streaks}
    kept = {subject: before[subject] for subject in observation.unknown if subject in before}
    grown = {
        finding.subject: _grown(before.get(finding.subject), finding, observation, terms=terms, resolved=state.resolved_as_of)
        for finding in observation.found
    }
    return tuple(streak for _, streak in sorted((kept | grown).items()))


def _grown(
    before: Streak | None, finding: Finding, observation: Observation, *, terms: Terms, resolved: datetime | None
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


def _is_flapping(since: datetime, resolved: datetime | None, terms: Terms) -> bool:
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
    return _ended(after, Ending(kind=NoticeKind.RESOLVED, reason=f"{times} showed that nothing meets the condition any more."))


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


def _ended(incident: Incident | None, ending: Ending) -> Incident | None:
    """End an incident; one of which nobody ever heard is simply gone."""
    return None if incident is None or incident.told is None else replace(incident, ending=ending)


def _after_notice(state: AlertState, incident: Incident, event: Noticed) -> AlertState:
    if event.notice in ENDINGS:
        return replace(state, incident=None, streaks=(), resolved_as_of=event.as_of)
    before = incident.told
    if event.notice is NoticeKind.MOVED:
        return state if before is None else replace(state, incident=replace(incident, told=replace(before, page=None)))
    told = Told(
        at=event.at,
        posted_as_of=event.as_of if event.post or before is None else before.posted_as_of,
        paged_as_of=event.as_of if event.page else (before.paged_as_of if before else None),
        subjects=frozenset(event.subjects) | (before.subjects if before else frozenset()),
        severity=event.severity,
        amount=event.amount,
        pages=event.pages or (before.pages if before else False),
        post=event.post or (before.post if before else None),
        page=event.page or (before.page if before else None),
        storm=event.storm or (before.storm if before else None),
    )
    return replace(state, incident=replace(incident, told=told))


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
