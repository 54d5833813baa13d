"""One attempt at one message: what is asked of Slack or PagerDuty, and what the answer means for the row.

Nothing is slept on. A passing failure is put off, a lost answer is looked up (Slack) or sent again (PagerDuty, where the dedup
key folds a repeat in), and the next rendering is taken only after the service refused the form of the one before for good.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from clients.delivery_errors import PayloadRejected, RecipientRejected
from clients.http.client import ErrorKind, ServiceError
from clients.pagerduty.client import PagerDutyClient
from clients.slack.client import SlackClient
from domain.component import RoutingKey
from domain.messages import Variant
from store.queries.outbox_rows import LeasedMessage, SlackLocation

LOOK_UP_AFTER: Final = timedelta(seconds=60)
"""How long a message whose answer was lost is given to appear in its channel."""
CLOCK_SLACK: Final = timedelta(minutes=5)
"""How far Slack's clock may be from ours when a message is looked up."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=30)
CREDENTIALS_WAIT: Final = timedelta(minutes=5)
"""Wrong credentials are for a person to mend; what waits for it is not lost before it expires."""
LAST_START_S: Final = 20.0
"""No further call is begun for a message later than this; a call ends within 40 s, PagerDuty's within 52 s from its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """It has arrived, now or (`found`) with an earlier attempt."""

    variant: Variant | None
    place: SlackLocation | None
    found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLater:
    """It is tried again at `until`. `holds` says what else had better wait so long."""

    until: datetime
    why: str
    holds_target: bool = False
    holds_service: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """It may have arrived. It is looked up at `look_up_at`; None: it stays so, and is told."""

    look_up_at: datetime | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """It will never be taken: not for this target (`by_target`), or not in any of its forms."""

    why: str
    by_target: bool


Outcome: TypeAlias = Sent | RetryLater | OutcomeUnknown | Rejected


def send_to_slack(slack: SlackClient, claim: LeasedMessage, *, now: datetime) -> Outcome:
    """Look for it first if an earlier attempt may have arrived, then post it."""
    may_begin = _stopwatch()
    if claim.doubtful_since is not None:
        seen = _look_up(slack, claim, now=now)
        if seen is not None:
            return seen
        if claim.message.expires_at <= now:
            return RetryLater(until=now, why="it did not arrive, and its time is over")
    channel, thread_ts = (claim.thread.channel, claim.thread.ts) if claim.thread else (claim.message.target, None)
    reasons: list[str] = []
    for rendering in claim.message.renderings:
        if not may_begin():
            return RetryLater(until=now + backoff(claim), why="Slack is too slow to try the next form at once")
        try:
            posted = slack.post(channel, rendering.payload, thread_ts=thread_ts, message_key=claim.message.key)
        except PayloadRejected as refused:
            reasons.append(f"{rendering.variant}: {refused}")
        except ServiceError as failed:
            return _meaning_at_slack(failed, claim, now=now)
        else:
            return Sent(variant=rendering.variant, place=SlackLocation(channel=posted.channel, ts=posted.ts))
    return Rejected(why=f"Slack takes none of its forms ({'; '.join(reasons)})", by_target=False)


def send_to_pagerduty(pagerduty: PagerDutyClient, key: RoutingKey, claim: LeasedMessage, *, now: datetime) -> Outcome:
    """Send the event; one that may have arrived is sent again."""
    may_begin = _stopwatch()
    reasons: list[str] = []
    for rendering in claim.message.renderings:
        if not may_begin():
            return RetryLater(until=now + backoff(claim), why="PagerDuty is too slow to try the next form at once")
        try:
            pagerduty.send(key, rendering.payload)
        except PayloadRejected as refused:
            reasons.append(f"{rendering.variant}: {refused}")
        except RecipientRejected as refused:
            return Rejected(why=str(refused), by_target=True)
        except ServiceError as failed:
            if failed.permanent:
                return Rejected(why=str(failed), by_target=False)
            return put_off(failed, claim, now=now)
        else:
            return Sent(variant=rendering.variant, place=None)
    return Rejected(why=f"PagerDuty takes none of its forms ({'; '.join(reasons)})", by_target=False)


def put_off(failed: ServiceError, claim: LeasedMessage, *, now: datetime) -> RetryLater:
    """Try again when the service said so, or after a wait that doubles with every attempt."""
    if failed.retry_after_s is not None:
        return RetryLater(until=now + timedelta(seconds=failed.retry_after_s), why=str(failed), holds_target=True)
    return RetryLater(until=now + backoff(claim), why=str(failed))


def backoff(claim: LeasedMessage) -> timedelta:
    """30 s, 1, 2, 4 ... 30 minutes, and up to a quarter more, drawn from key and attempt so that messages do not return in step."""
    seed = zlib.crc32(f"{claim.message.key} {claim.attempt}".encode()) / 2**32
    wait = min(FIRST_WAIT * (1 << min(claim.attempt - 1, 10)), LONGEST_WAIT)
    return wait * (1 + seed / 4)


def _look_up(slack: SlackClient, claim: LeasedMessage, *, now: datetime) -> Outcome | None:
    """Answer None when it is provably absent, so that it may be sent."""
    since = claim.doubtful_since or claim.message.created_at
    channel, thread_ts = (claim.thread.channel, claim.thread.ts) if claim.thread else (claim.message.target, None)
    try:
        found = slack.find_by_metadata(channel, claim.message.key, thread_ts=thread_ts, oldest=since - CLOCK_SLACK)
    except ServiceError as failed:
        if failed.permanent or failed.kind is ErrorKind.REJECTED:
            return OutcomeUnknown(look_up_at=None, why=f"It could not be looked up: {failed}")
        wait = backoff(claim) if failed.retry_after_s is None else timedelta(seconds=failed.retry_after_s)
        return OutcomeUnknown(look_up_at=now + max(wait, LOOK_UP_AFTER), why=f"It could not be looked up yet: {failed}")
    return None if found is None else Sent(variant=None, place=SlackLocation(channel=found.channel, ts=found.ts), found=True)


def _meaning_at_slack(failed: ServiceError, claim: LeasedMessage, *, now: datetime) -> Outcome:
    if failed.outcome_unknown:
        return OutcomeUnknown(look_up_at=now + LOOK_UP_AFTER, why=str(failed))
    if isinstance(failed, RecipientRejected):
        return Rejected(why=str(failed), by_target=True)
    if failed.kind is ErrorKind.AUTH:
        return RetryLater(until=now + CREDENTIALS_WAIT, why=str(failed), holds_service=True)
    if failed.permanent:
        return Rejected(why=str(failed), by_target=False)
    return put_off(failed, claim, now=now)


def _stopwatch() -> Callable[[], bool]:
    """Answer a question: may another call still be begun? What is measured here is our own patience, so it is no argument."""
    begun = time.monotonic()
    return lambda: time.monotonic() - begun < LAST_START_S
