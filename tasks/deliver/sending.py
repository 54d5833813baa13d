"""One attempt at one message: the call to Slack or PagerDuty, and what its result means for the row.

Nothing sleeps. A temporary failure is rescheduled; a message with an unknown outcome is looked up (Slack) or sent again (PagerDuty,
whose dedup key makes a repeat harmless, and updates of a Slack message, of which a repeat changes nothing); the next rendering is tried
only after the service rejected the payload for good. An update whose message can no longer be edited is posted as a new message.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeAlias

from clients.http.client import TimeLeft
from clients.http.errors import ErrorKind, PayloadRejected, RecipientRejected, ServiceError
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import PostedMessage, SlackClient
from clients.slack.errors import EditRejected
from domain.block_refusals import BlockRefusal, first_refusal, refused_kinds
from domain.component import RoutingKey
from domain.messages import EventAction, Json, Variant
from store.queries.outbox_rows import LeasedMessage, SlackLocation

LOOK_UP_AFTER: Final = timedelta(seconds=60)
"""How long a message with an unknown outcome has to appear in its channel."""
LOOK_UP_MARGIN: Final = timedelta(minutes=5)
"""A look-up begins this long before the first attempt, by Slack's clock."""
MIN_BACKOFF: Final = timedelta(seconds=30)
MAX_BACKOFF: Final = timedelta(minutes=30)
CREDENTIALS_BACKOFF: Final = timedelta(minutes=5)
"""Invalid credentials have to be fixed by a person; until a message expires nothing is lost by waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The message has arrived, now or (`found`) by an earlier attempt."""

    variant: Variant | None
    place: SlackLocation | None
    found: bool = False
    detail: str = ""
    """Why it is not in its first form or place; empty if it is."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """The kinds of blocks that Slack does not accept, and what it said."""
    refusals: tuple[BlockRefusal, ...] = ()
    """The same to be remembered, if the workspace is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLater:
    """A temporary failure: try again at `until`, and postpone the other messages of the target or of the service as well."""

    until: datetime
    reason: str
    postpones_target: bool = False
    postpones_service: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """The message may have arrived. It is looked up at `look_up_at`; None: it stays unknown and is reported."""

    look_up_at: datetime | None
    reason: str
    postpones_target: bool = False
    """Postpone the other messages of the target until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A permanent failure: the target (`by_target`) or every rendering was rejected."""

    reason: str
    by_target: bool


Outcome: TypeAlias = Sent | RetryLater | OutcomeUnknown | Rejected


def send_to_slack(
    slack: SlackClient, claim: LeasedMessage, *, now: datetime, time_left: TimeLeft, refusals: Collection[BlockRefusal] = ()
) -> Outcome:
    """Post or update the message. Before it is posted it is looked up if an earlier attempt may have arrived.

    `refusals`: of the workspace; a rendering that would meet one again is not tried, unless it is the last.
    """
    gone = ""
    if claim.message.action is EventAction.UPDATE and claim.thread is not None:
        try:
            return _update(slack, claim, claim.thread, now=now, time_left=time_left, refusals=refusals)
        except EditRejected as error:
            gone = f"It could not be edited, so it was posted again ({error})"
    if claim.unconfirmed_since is not None:
        found = _look_up(slack, claim, now=now, time_left=time_left)
        if found is not None:
            return found
        if claim.message.expires_at <= now:
            return RetryLater(until=now, reason="it did not arrive, and it has expired")
    channel, thread_ts = _location(claim)

    def post(payload: Mapping[str, Json]) -> SlackLocation:
        posted = slack.post(channel, payload, thread_ts=thread_ts, message_key=claim.message.key, time_left=time_left)
        return SlackLocation(channel=posted.channel, ts=posted.ts)

    failed = partial(_slack_outcome, claim=claim, now=now)
    sent = _send_renderings("Slack", claim, post, failed=failed, refusals=refusals)
    return replace(sent, detail="; ".join(filter(None, (gone, sent.detail)))) if isinstance(sent, Sent) else sent


def _update(
    slack: SlackClient,
    claim: LeasedMessage,
    place: SlackLocation,
    *,
    now: datetime,
    time_left: TimeLeft,
    refusals: Collection[BlockRefusal],
) -> Outcome:
    edited, key = PostedMessage(channel=place.channel, ts=place.ts), claim.posted_as or claim.message.key

    def update(payload: Mapping[str, Json]) -> SlackLocation:
        slack.update(edited, payload, message_key=key, time_left=time_left)
        return place

    failed = partial(_update_outcome, claim=claim, now=now)
    return _send_renderings("Slack", claim, update, failed=failed, refusals=refusals)


def _update_outcome(error: ServiceError, claim: LeasedMessage, now: datetime) -> Outcome:
    """Return what a failed update means: it is repeated, unless a post of an earlier attempt has to be looked up first."""
    outcome = _slack_outcome(error, claim, now)
    if claim.unconfirmed_since is not None and isinstance(outcome, RetryLater):
        return OutcomeUnknown(look_up_at=outcome.until, reason=outcome.reason, postpones_target=outcome.postpones_target)
    if claim.unconfirmed_since is None and isinstance(outcome, OutcomeUnknown):
        return reschedule(error, claim, now=now)
    return outcome


def send_to_pagerduty(
    pagerduty: PagerDutyClient, key: RoutingKey, claim: LeasedMessage, *, now: datetime, time_left: TimeLeft
) -> Outcome:
    """Send the event, also if an earlier attempt may have arrived."""

    def send(payload: Mapping[str, Json]) -> None:
        if claim.message.action is EventAction.CHANGE:
            pagerduty.send_change(key, payload, time_left=time_left)
        else:
            pagerduty.send(key, payload, time_left=time_left)

    return _send_renderings("PagerDuty", claim, send, failed=partial(_outcome, claim=claim, now=now))


def _send_renderings(
    service: str,
    claim: LeasedMessage,
    send: Callable[[Mapping[str, Json]], SlackLocation | None],
    *,
    failed: Callable[[ServiceError], Outcome],
    refusals: Collection[BlockRefusal] = (),
) -> Outcome:
    reasons: list[str] = []
    refused: dict[str, str] = {}
    for rendering in claim.message.renderings:
        known = first_refusal(rendering.payload, refusals)
        if known is not None and rendering is not claim.message.renderings[-1]:
            reasons.append(f"{rendering.variant}: not sent, because {known}")
            continue
        try:
            place = send(rendering.payload)
        except EditRejected:
            raise
        except PayloadRejected as error:
            reasons.append(f"{rendering.variant}: {error}")
            refused |= dict.fromkeys(refused_kinds(rendering.payload, error.pointers), str(error))
        except ServiceError as error:
            return failed(error)
        else:
            return Sent(variant=rendering.variant, place=place, detail="; ".join(reasons), refused=refused)
    return Rejected(reason=f"{service} rejected every rendering ({'; '.join(reasons)})", by_target=False)


def reschedule(error: ServiceError, claim: LeasedMessage, *, now: datetime) -> RetryLater:
    """Return when to try again: after Retry-After, or after a backoff that doubles with every attempt."""
    if error.retry_after_s is not None:
        return RetryLater(until=now + timedelta(seconds=error.retry_after_s), reason=str(error), postpones_target=True)
    return RetryLater(until=now + backoff(claim), reason=str(error))


def backoff(claim: LeasedMessage) -> timedelta:
    """Return 30 s, 1, 2, 4 ... 30 minutes, plus up to a quarter derived from key and attempt so that retries spread."""
    seed = zlib.crc32(f"{claim.message.key} {claim.attempt}".encode()) / 2**32
    wait = min(MIN_BACKOFF * (1 << min(claim.attempt - 1, 10)), MAX_BACKOFF)
    return wait * (1 + seed / 4)


def _location(claim: LeasedMessage) -> tuple[str, str | None]:
    """Return the channel and thread to post to. What replaces a message is in no thread, as that was."""
    if claim.thread is None:
        return claim.message.target, None
    return claim.thread.channel, None if claim.message.action is EventAction.UPDATE else claim.thread.ts


def _look_up(slack: SlackClient, claim: LeasedMessage, *, now: datetime, time_left: TimeLeft) -> Outcome | None:
    """Return None if the message is provably absent, so that it may be sent."""
    since = claim.unconfirmed_since or claim.message.created_at
    channel, thread_ts = _location(claim)
    within = max(now - since, timedelta()) + LOOK_UP_MARGIN
    try:
        found = slack.find_by_metadata(channel, claim.message.key, thread_ts=thread_ts, posted_within=within, time_left=time_left)
    except ServiceError as error:
        if error.permanent or error.kind is ErrorKind.REJECTED:
            return OutcomeUnknown(look_up_at=None, reason=f"It could not be looked up: {error}")
        return OutcomeUnknown(look_up_at=_look_up_at(error, claim, now), reason=f"It could not be looked up yet: {error}")
    return None if found is None else Sent(variant=None, place=SlackLocation(channel=found.channel, ts=found.ts), found=True)


def _look_up_at(error: ServiceError, claim: LeasedMessage, now: datetime) -> datetime:
    """Return when to look: after Retry-After, or after a growing backoff, so that no message takes every attempt for itself."""
    if error.retry_after_s is not None:
        return now + timedelta(seconds=error.retry_after_s)
    return now + (LOOK_UP_AFTER if claim.attempt == 1 else max(backoff(claim), LOOK_UP_AFTER))


def _slack_outcome(error: ServiceError, claim: LeasedMessage, now: datetime) -> Outcome:
    if error.outcome_unknown:
        return OutcomeUnknown(
            look_up_at=_look_up_at(error, claim, now), reason=str(error), postpones_target=error.retry_after_s is not None
        )
    if error.kind is ErrorKind.AUTH and not isinstance(error, RecipientRejected):
        return RetryLater(until=now + CREDENTIALS_BACKOFF, reason=str(error), postpones_service=True)
    return _outcome(error, claim, now)


def _outcome(error: ServiceError, claim: LeasedMessage, now: datetime) -> Outcome:
    if isinstance(error, RecipientRejected) or error.permanent:
        return Rejected(reason=str(error), by_target=isinstance(error, RecipientRejected))
    return reschedule(error, claim, now=now)
