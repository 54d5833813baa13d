"""The deliver stage: takes what is due out of the outbox, sends it, and records what came of it.

Any number of processes may run it at once. It never sleeps: what has to wait gets a time, and `Delivered.next_due` says when
to come again. Pages go first, so that a Slack in trouble holds up nobody's pager.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clients.http.client import ServiceError
from domain.messages import Channel, Message
from domain.routes import Route, platform_route
from store import Transaction
from store.queries.outbox_rows import LeasedMessage
from tasks.context import StageContext
from tasks.deliver.routing_keys import find_routing_key
from tasks.deliver.sending import Outcome, OutcomeUnknown, Rejected, RetryLater, Sent, put_off, send_to_pagerduty, send_to_slack
from tasks.deliver.undeliverable import expired_notice, failed_notice, fallback_of, tells_of_another, unknown_notice

LEASE: Final = timedelta(seconds=120)
"""All attempts of one send end within 60 s, so a lease that ran out belongs to a sender that died."""
PACE_WINDOW: Final = timedelta(seconds=10)
POSTS_PER_WINDOW: Final = 10
"""Slack asks for one message a second and channel and allows short bursts: so many at once, then one a second on average."""
TROUBLES_IN_A_ROW: Final = 3
"""After so many passing failures one after another, the rest of a service's messages is not tried in this round."""
TROUBLED_SERVICE_WAIT: Final = timedelta(seconds=60)

Progress = Callable[[int], None]
"""Told after every message how many have been dealt with so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverResult:
    """What one round came to."""

    sent: int = 0
    """Arrived, the notices of this round and those found to have arrived earlier included."""
    put_off: int = 0
    unknown: int = 0
    """May or may not have arrived; looked up later, or told to the platform channel."""
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    troubles: tuple[str, ...] = ()
    """A sentence for whatever did not go as it should."""
    next_due: datetime | None = None
    """When there is something to do again; None: nothing waits."""

    @property
    def has_done_something(self) -> bool:
        """Say whether any message got an outcome, or a person should hear of a trouble."""
        return bool(self.sent + self.put_off + self.unknown + self.failed + self.expired + self.cancelled or self.troubles)


def deliver(
    context: StageContext, *, progress: Progress = lambda _: None, may_begin: Callable[[], bool] = lambda: True
) -> DeliverResult:
    """Send everything that is due; once `may_begin` says no, no further message is begun.

    Raises:
        StoreUnavailable: the database cannot be used.
        SettingsError: of `wiring`: a message waits for a service that no setting names. Nothing is lost by that.
    """
    return _DeliveryRun(context, progress, may_begin).run()


class _DeliveryRun:
    """One round of one process: its name in leases, its counts, and what it has learnt of the services."""

    def __init__(self, context: StageContext, progress: Progress, may_begin: Callable[[], bool]) -> None:
        self._context = context
        self._progress = progress
        self._may_begin = may_begin
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._counts: Counter[str] = Counter()
        self._troubles: list[str] = []
        platform = platform_route(context.policy.routes)
        self._platform_channel = platform.target if isinstance(platform, Route) else None

    def run(self) -> DeliverResult:
        self._tidy()
        for channel in (Channel.PAGERDUTY, Channel.SLACK):
            self._send_all(channel)
        with self._context.store.reading() as t:
            next_due = t.outbox.next_due()
        return DeliverResult(
            sent=self._counts["sent"],
            put_off=self._counts["put_off"],
            unknown=self._counts["unknown"],
            failed=self._counts["failed"],
            expired=self._counts["expired"],
            cancelled=self._counts["cancelled"],
            troubles=tuple(self._troubles),
            next_due=next_due,
        )

    # Before sending ---------------------------------------------------------------------------------------------------

    def _tidy(self) -> None:
        """End what is past its time and what its own resolve has overtaken, and tell of the first, in one transaction."""
        now = self._context.clock()
        with self._context.store.transaction() as t:
            expired, unknown = t.outbox.expire(now), t.outbox.resolve_unknown(now)
            cancelled = t.outbox.cancel_superseded()
            if expired:
                self._troubles.append(f"{len(expired)} messages were not sent in time, the first of them {expired[0].key}")
                self._tell_expired(t, expired, now)
            for message in unknown:
                self._tell_unknown(t, message, attempt=0, why="It could not be looked up before its time was over.", now=now)
        self._counts.update(expired=len(expired), unknown=len(unknown), cancelled=cancelled)

    def _tell_expired(self, t: Transaction, expired: Iterable[Message], now: datetime) -> None:
        told = [message for message in expired if not tells_of_another(message)]
        if told and self._platform_channel:
            t.outbox.put([expired_notice(told, channel=self._platform_channel, now=now)])

    def _tell_unknown(self, t: Transaction, message: Message, *, attempt: int, why: str, now: datetime) -> None:
        self._troubles.append(f"nobody can say whether {message.key} arrived: {why}")
        if self._platform_channel and not tells_of_another(message):
            t.outbox.put([unknown_notice(message, attempt=attempt, channel=self._platform_channel, why=why, now=now)])

    # Sending ----------------------------------------------------------------------------------------------------------

    def _send_all(self, channel: Channel) -> None:
        in_a_row = 0
        while in_a_row < TROUBLES_IN_A_ROW:
            if not self._may_begin() or not self._is_anything_due(channel):
                return
            send = self._sender(channel)  # before the claim: a missing setting must not leave a lease behind
            with self._context.store.transaction() as t:
                claim = t.outbox.claim_due(self._context.clock(), channel=channel, lease=LEASE, owner=self._owner)
            if claim is None:
                return
            outcome = send(claim)
            self._record(claim, outcome)
            in_a_row = in_a_row + 1 if _is_trouble_of_the_service(outcome) else 0
            if isinstance(outcome, RetryLater) and outcome.holds_service:
                return
        with self._context.store.transaction() as t:
            t.outbox.hold(channel, until=self._context.clock() + TROUBLED_SERVICE_WAIT)

    def _is_anything_due(self, channel: Channel) -> bool:
        with self._context.store.reading() as t:
            return t.outbox.is_anything_due(self._context.clock(), channel=channel)

    def _sender(self, channel: Channel) -> Callable[[LeasedMessage], Outcome]:
        clock = self._context.clock
        if channel is Channel.SLACK:
            slack = self._context.services.slack
            return lambda claim: send_to_slack(slack, claim, now=clock())
        return self._send_page

    def _send_page(self, claim: LeasedMessage) -> Outcome:
        now = self._context.clock()
        try:
            key = find_routing_key(self._context, claim.message.target)
        except ServiceError as failed:
            return put_off(failed, claim, now=now)
        if key is None:
            return Rejected(
                why=f"The routing key with the fingerprint {claim.message.target} is not known any more.", by_target=True
            )
        return send_to_pagerduty(self._context.services.pagerduty, key, claim, now=now)

    # Recording --------------------------------------------------------------------------------------------------------

    def _record(self, claim: LeasedMessage, outcome: Outcome) -> None:
        """Mark the row, and write whatever has to be told of it, in one transaction."""
        now = self._context.clock()
        with self._context.store.transaction() as t:
            match outcome:
                case Sent():
                    is_mine = t.outbox.mark_sent(claim, now, variant=outcome.variant, place=outcome.place, found=outcome.found)
                    self._keep_pace(t, claim, outcome, now)
                    count = "sent"
                case RetryLater():
                    is_mine = t.outbox.put_off(claim, until=outcome.until, why=outcome.why)
                    self._hold_others(t, claim, outcome)
                    count = "put_off"
                case OutcomeUnknown():
                    is_mine = t.outbox.mark_unknown(claim, look_up_at=outcome.look_up_at, why=outcome.why)
                    if is_mine and outcome.look_up_at is None:
                        self._tell_unknown(t, claim.message, attempt=claim.attempt, why=outcome.why, now=now)
                    count = "unknown"
                case Rejected():
                    is_mine = t.outbox.mark_failed(claim, why=outcome.why)
                    if is_mine:
                        self._answer_refusal(t, claim, outcome, now)
                    count = "failed"
        if not is_mine:
            self._troubles.append(f"the lease on {claim.message.key} ran out during its call; whoever took it decides")
        elif not isinstance(outcome, Sent):
            self._troubles.append(f"{claim.message.key}: {outcome.why}")
        self._counts[count] += 1
        self._progress(sum(self._counts[name] for name in ("sent", "put_off", "unknown", "failed")))

    def _keep_pace(self, t: Transaction, claim: LeasedMessage, sent: Sent, now: datetime) -> None:
        """Let the rest of a Slack channel's messages wait once a burst of them is out."""
        if claim.message.channel is Channel.SLACK and sent.place is not None:
            posts = t.outbox.posts_since(sent.place.channel, now - PACE_WINDOW)
            if posts >= POSTS_PER_WINDOW:
                t.outbox.hold(Channel.SLACK, target=sent.place.channel, until=now + PACE_WINDOW)

    def _hold_others(self, t: Transaction, claim: LeasedMessage, outcome: RetryLater) -> None:
        if outcome.holds_service:
            t.outbox.hold(claim.message.channel, until=outcome.until)
        elif outcome.holds_target:
            t.outbox.hold(claim.message.channel, target=claim.message.target, until=outcome.until)

    def _answer_refusal(self, t: Transaction, claim: LeasedMessage, refused: Rejected, now: datetime) -> None:
        """Take a Slack message whose channel is closed to the platform channel; tell of everything else there. Once."""
        message, channel = claim.message, self._platform_channel
        if channel is None or tells_of_another(message):
            return
        if message.channel is Channel.SLACK and refused.by_target:
            if message.target != channel:  # else there is no other place to say it in
                t.outbox.put([fallback_of(message, channel=channel, why=refused.why, now=now)])
        else:
            t.outbox.put([failed_notice(message, attempt=claim.attempt, channel=channel, why=refused.why, now=now)])


def _is_trouble_of_the_service(outcome: Outcome) -> bool:
    """Say whether the next message would probably fare no better."""
    match outcome:
        case RetryLater():
            return not outcome.holds_target
        case OutcomeUnknown():
            return True
        case _:
            return False
