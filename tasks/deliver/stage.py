"""The deliver stage: claims due outbox rows, sends them, and records the result.

Any number of processes may run it concurrently. It never sleeps: what has to wait gets a time, and `DeliverResult.next_due` is the
next one. Pages are sent first, so that a failing Slack delays no page.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from clients.http.errors import ServiceError
from domain.component import RoutingKey
from domain.messages import Channel, Message
from domain.routes import Route, platform_route
from store import Transaction
from store.queries.outbox_rows import LeasedMessage
from tasks.context import StageContext
from tasks.deliver.sending import (
    Outcome,
    OutcomeUnknown,
    Rejected,
    RetryLater,
    Sent,
    reschedule,
    send_to_pagerduty,
    send_to_slack,
)
from tasks.deliver.undeliverable import expired_notice, failed_notice, is_meta_notice, to_platform_channel, unknown_notice

LEASE: Final = timedelta(seconds=120)
"""All attempts of one send end within 60 s, so an expired lease belongs to a sender that died."""
BURST_WINDOW: Final = timedelta(seconds=10)
POSTS_PER_WINDOW: Final = 10
"""Slack allows one message per second and channel, with short bursts."""
MAX_CONSECUTIVE_FAILURES: Final = 3
"""After this many temporary failures in a row the other messages of the service are postponed."""
FAILING_SERVICE_BACKOFF: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverResult:
    """The result of one run."""

    sent: int = 0
    """Arrived, including the notices of this run and those found to have arrived earlier."""
    rescheduled: int = 0
    unknown: int = 0
    """May or may not have arrived; looked up later, or reported to the platform channel."""
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    problems: tuple[str, ...] = ()
    """One sentence each."""
    next_due: datetime | None = None
    """When a message is due again; None: none is pending."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Messages by what became of them, zeros included."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in {"problems", "next_due"}}


def deliver(
    context: StageContext, *, progress: Callable[[int], None] = lambda _: None, may_begin: Callable[[], bool] = lambda: True
) -> DeliverResult:
    """Send all due messages until `may_begin` returns False. `progress` gets the number of messages processed so far.

    Raises:
        StoreUnavailable: the database cannot be used.
        SettingsError: of `wiring`: the settings name no service for a due message. Nothing is lost.
    """
    return _DeliveryRun(context, progress, may_begin).run()


def find_routing_key(context: StageContext, fingerprint: str) -> RoutingKey | None:
    """Return the PagerDuty routing key with this fingerprint from the sealed row, else from settings and catalog.

    Raises:
        ServiceError: the catalog, queried last, failed.
    """
    sealer = context.services.sealer
    if sealer is not None:
        with context.store.reading() as t:
            sealed = t.sealed_keys.get(fingerprint)
        key = sealer.open(sealed) if sealed is not None else None
        if key is not None:
            return key
    return context.services.routing_key(fingerprint)


class _DeliveryRun:
    """One run of one process: its name in leases, and its counts."""

    def __init__(self, context: StageContext, progress: Callable[[int], None], may_begin: Callable[[], bool]) -> None:
        self._context = context
        self._progress = progress
        self._may_begin = may_begin
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._counts: Counter[str] = Counter()
        self._problems: list[str] = []
        platform = platform_route(context.policy.routes)
        self._platform_channel = platform.target if isinstance(platform, Route) else None

    def run(self) -> DeliverResult:
        self._expire()
        for channel in (Channel.PAGERDUTY, Channel.SLACK):
            self._send_all(channel)
        with self._context.store.reading() as t:
            next_due = t.outbox.next_due()
        return DeliverResult(**self._counts, problems=tuple(self._problems), next_due=next_due)

    def _expire(self) -> None:
        """End expired and superseded messages and report the expired ones, in one transaction."""
        now = self._context.clock()
        with self._context.store.transaction() as t:
            expired, unknown = t.outbox.expire(now), t.outbox.resolve_unknown(now)
            cancelled = t.outbox.cancel_superseded()
            if expired:
                self._problems.append(
                    f"{len(expired)} messages expired before they were sent, the first of them {expired[0].key}"
                )
                self._report_expired(t, expired, now)
            for message in unknown:
                self._report_unknown(t, message, attempt=0, reason="It could not be looked up before it expired.", now=now)
        self._counts.update(expired=len(expired), unknown=len(unknown), cancelled=cancelled)

    def _report_expired(self, t: Transaction, expired: Iterable[Message], now: datetime) -> None:
        messages = [message for message in expired if not is_meta_notice(message)]
        if messages and self._platform_channel:
            t.outbox.put([expired_notice(messages, channel=self._platform_channel, now=now)])

    def _report_unknown(self, t: Transaction, message: Message, *, attempt: int, reason: str, now: datetime) -> None:
        self._problems.append(f"delivery of {message.key} is unconfirmed: {reason}")
        if self._platform_channel and not is_meta_notice(message):
            t.outbox.put([unknown_notice(message, attempt=attempt, channel=self._platform_channel, reason=reason, now=now)])

    # Sending ----------------------------------------------------------------------------------------------------------

    def _send_all(self, channel: Channel) -> None:
        failures = 0
        while failures < MAX_CONSECUTIVE_FAILURES:
            if not self._may_begin() or not self._has_due(channel):
                return
            send = self._sender(channel)  # before the claim: a missing setting must not leave a lease behind
            with self._context.store.transaction() as t:
                claim = t.outbox.claim_due(self._context.clock(), channel=channel, lease=LEASE, owner=self._owner)
            if claim is None:
                return
            outcome = send(claim)
            self._record(claim, outcome)
            failures = failures + 1 if _is_service_failing(outcome) else 0
            if isinstance(outcome, RetryLater) and outcome.postpones_service:
                return
        with self._context.store.transaction() as t:
            t.outbox.postpone(channel, until=self._context.clock() + FAILING_SERVICE_BACKOFF)

    def _has_due(self, channel: Channel) -> bool:
        with self._context.store.reading() as t:
            return t.outbox.has_due(self._context.clock(), channel=channel)

    def _sender(self, channel: Channel) -> Callable[[LeasedMessage], Outcome]:
        clock = self._context.clock
        if channel is Channel.SLACK:
            slack = self._context.services.slack
            return lambda claim: send_to_slack(slack, claim, now=clock())
        return self._send_page

    def _send_page(self, claim: LeasedMessage) -> Outcome:
        now, target = self._context.clock(), claim.message.target
        try:
            key = find_routing_key(self._context, target)
        except ServiceError as error:
            return reschedule(error, claim, now=now)
        if key is None:
            return Rejected(reason=f"The routing key with the fingerprint {target} can no longer be found.", by_target=True)
        return send_to_pagerduty(self._context.services.pagerduty, key, claim, now=now)

    # Recording --------------------------------------------------------------------------------------------------------

    def _record(self, claim: LeasedMessage, outcome: Outcome) -> None:
        """Update the row, and put the notices that follow from it into the outbox, in one transaction."""
        now = self._context.clock()
        with self._context.store.transaction() as t:
            match outcome:
                case Sent():
                    is_mine = t.outbox.mark_sent(claim, now, variant=outcome.variant, location=outcome.place, found=outcome.found)
                    self._limit_burst(t, claim, outcome, now)
                    count = "sent"
                case RetryLater():
                    is_mine = t.outbox.reschedule(claim, until=outcome.until, reason=outcome.reason)
                    self._postpone_others(t, claim, outcome)
                    count = "rescheduled"
                case OutcomeUnknown():
                    is_mine = t.outbox.mark_unknown(claim, look_up_at=outcome.look_up_at, reason=outcome.reason)
                    if is_mine and outcome.look_up_at is None:
                        self._report_unknown(t, claim.message, attempt=claim.attempt, reason=outcome.reason, now=now)
                    count = "unknown"
                case Rejected():
                    is_mine = t.outbox.mark_failed(claim, reason=outcome.reason)
                    if is_mine:
                        self._report_rejected(t, claim, outcome, now)
                    count = "failed"
        if not is_mine:
            self._problems.append(
                f"the lease on {claim.message.key} expired during its call; the process that took it over decides"
            )
        elif not isinstance(outcome, Sent):
            self._problems.append(f"{claim.message.key}: {outcome.reason}")
        self._counts[count] += 1
        self._progress(sum(self._counts[name] for name in ("sent", "rescheduled", "unknown", "failed")))

    def _limit_burst(self, t: Transaction, claim: LeasedMessage, sent: Sent, now: datetime) -> None:
        """Postpone the other messages of a Slack channel after a burst."""
        if claim.message.channel is Channel.SLACK and sent.place is not None:
            posts = t.outbox.posts_since(sent.place.channel, now - BURST_WINDOW)
            if posts >= POSTS_PER_WINDOW:
                t.outbox.postpone(Channel.SLACK, target=sent.place.channel, until=now + BURST_WINDOW)

    def _postpone_others(self, t: Transaction, claim: LeasedMessage, outcome: RetryLater) -> None:
        if outcome.postpones_service:
            t.outbox.postpone(claim.message.channel, until=outcome.until)
        elif outcome.postpones_target:
            t.outbox.postpone(claim.message.channel, target=claim.message.target, until=outcome.until)

    def _report_rejected(self, t: Transaction, claim: LeasedMessage, rejected: Rejected, now: datetime) -> None:
        """Send a Slack message whose channel rejected it to the platform channel; report every other failure there. Once."""
        message, channel = claim.message, self._platform_channel
        if channel is None or is_meta_notice(message):
            return
        if message.channel is Channel.SLACK and rejected.by_target:
            if message.target != channel:
                t.outbox.put([to_platform_channel(message, channel=channel, reason=rejected.reason, now=now)])
        else:
            t.outbox.put([failed_notice(message, attempt=claim.attempt, channel=channel, reason=rejected.reason, now=now)])


def _is_service_failing(outcome: Outcome) -> bool:
    """Return True if the next message to the same service would probably fail as well."""
    match outcome:
        case RetryLater():
            return not outcome.postpones_target
        case OutcomeUnknown():
            return True
        case _:
            return False
