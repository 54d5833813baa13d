"""The deliver stage: claims due outbox rows, sends them, and records the result.

Any number of processes may run it concurrently. It never sleeps: what has to wait gets a time, and `DeliverResult.next_due` is the
next one. Pages are sent first, so that a failing Slack delays no page.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from clients.http.client import TimeLeft
from clients.http.errors import ServiceError
from domain.messages import Channel, Message
from domain.problems import Runbook, runbook_address
from domain.routes import Route, platform_route
from store import Transaction
from store.queries.outbox_rows import LeasedMessage
from tasks.context import StageContext
from tasks.deliver.sending import Outcome, OutcomeUnknown, Rejected, RetryLater, Sent, reschedule, send_to_pagerduty
from tasks.deliver.undeliverable import expired_notice, failed_notice, is_meta_notice, to_platform_channel, unknown_notice
from tasks.deliver.workspace import WorkspaceSender
from tasks.routing_keys import find_routing_key, missing_key_reason
from tasks.spans import delivery_span

LEASE: Final = timedelta(seconds=120)
"""An expired lease belongs to a sender that died or is paused; right before each attempt a sender looks whether it has its lease."""
SEND_TIMEOUT_S: Final = 60.0
"""For all attempts of one send together, in real time whatever the clock of the stages says."""
MIN_ATTEMPT_S: Final = 5.0
"""An attempt with less time than this is not started: it would only be cut off."""
LOOK_UP_GRACE: Final = timedelta(days=1)
"""After its expiry a message that may have arrived is still looked up for this long."""
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
    def has_failures(self) -> bool:
        """Return True if a message could not be sent, was given up or may not have arrived."""
        return bool(self.problems)

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
        self._runbook = runbook_address(Runbook.MESSAGES_UNDELIVERED, context.policy.docs_url)

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
            expired, unknown = t.outbox.expire(now), t.outbox.resolve_unknown(now - LOOK_UP_GRACE)
            cancelled = t.outbox.cancel_superseded()
            if expired:
                self._problems.append(
                    f"{len(expired)} messages expired before they were sent, the first of them {expired[0].key}"
                )
                self._report_expired(t, expired, now)
            for message in unknown:
                self._report_unknown(t, message, attempt=0, reason="It could not be looked up for a day.", now=now)
        self._counts.update(expired=len(expired), unknown=len(unknown), cancelled=cancelled)

    def _report_expired(self, t: Transaction, expired: Iterable[Message], now: datetime) -> None:
        messages = [message for message in expired if not is_meta_notice(message)]
        if messages and self._platform_channel:
            t.outbox.put([expired_notice(messages, channel=self._platform_channel, runbook=self._runbook, now=now)])

    def _report_unknown(self, t: Transaction, message: Message, *, attempt: int, reason: str, now: datetime) -> None:
        self._problems.append(f"delivery of {message.key} is unconfirmed: {reason}")
        if self._platform_channel and not is_meta_notice(message):
            channel, runbook = self._platform_channel, self._runbook
            notice = unknown_notice(message, attempt=attempt, channel=channel, reason=reason, runbook=runbook, now=now)
            t.outbox.put([notice])

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
            with delivery_span(self._context.tracer, claim):
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
            return WorkspaceSender(slack=slack, store=self._context.store, clock=clock, time_left=self._time_left)
        return self._send_page

    def _send_page(self, claim: LeasedMessage) -> Outcome:
        now, target = self._context.clock(), claim.message.target
        try:
            key = find_routing_key(self._context, target)
        except ServiceError as error:
            return reschedule(error, claim, now=now)
        if key is None:
            return Rejected(reason=missing_key_reason(self._context, target), by_target=True)
        return send_to_pagerduty(self._context.services.pagerduty, key, claim, now=now, time_left=self._time_left(claim))

    def _time_left(self, claim: LeasedMessage) -> TimeLeft:
        """Return how long attempts may take: none under a lost lease, so that a paused process sends nothing when it continues."""
        ends = time.monotonic() + SEND_TIMEOUT_S

        def time_left() -> float:
            with self._context.store.reading() as t:
                if not t.outbox.holds_lease(claim):
                    return 0.0
            lease_s = (claim.lease_until - self._context.clock()).total_seconds()
            left_s = min(ends - time.monotonic(), lease_s)
            return left_s if left_s >= MIN_ATTEMPT_S else 0.0

        return time_left

    # Recording --------------------------------------------------------------------------------------------------------

    def _record(self, claim: LeasedMessage, outcome: Outcome) -> None:
        """Update the row, and put the notices that follow from it into the outbox, in one transaction."""
        now = self._context.clock()
        with self._context.store.transaction() as t:
            match outcome:
                case Sent():
                    is_mine = self._record_sent(t, claim, outcome, now)
                    count = "sent"
                case RetryLater():
                    is_mine = t.outbox.reschedule(claim, until=outcome.until, reason=outcome.reason)
                    self._postpone_others(t, claim, outcome)
                    count = "rescheduled"
                case OutcomeUnknown():
                    is_mine = self._record_unknown(t, claim, outcome, now)
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
        elif not isinstance(outcome, Sent) and not _is_throttled(outcome):
            self._problems.append(f"{claim.message.key}: {outcome.reason}")
        self._counts[count] += 1
        self._progress(sum(self._counts[name] for name in ("sent", "rescheduled", "unknown", "failed")))

    def _record_sent(self, t: Transaction, claim: LeasedMessage, sent: Sent, now: datetime) -> bool:
        is_mine = t.outbox.mark_sent(claim, now, variant=sent.variant, location=sent.place, found=sent.found, detail=sent.detail)
        if not is_mine and (resolve := t.outbox.resend_resolve(claim, now)):
            self._problems.append(f"{claim.message.key} arrived after {resolve}, which is sent again")
        self._limit_burst(t, claim, sent, now)
        if sent.refusals:
            t.block_refusals.record(sent.refusals)
        return is_mine

    def _record_unknown(self, t: Transaction, claim: LeasedMessage, unknown: OutcomeUnknown, now: datetime) -> bool:
        message, until = claim.message, unknown.look_up_at
        is_mine = t.outbox.mark_unknown(claim, look_up_at=until, reason=unknown.reason)
        if unknown.postpones_target and until is not None:
            t.outbox.postpone(message.channel, target=message.target, until=until)
        if is_mine and until is None:
            self._report_unknown(t, message, attempt=claim.attempt, reason=unknown.reason, now=now)
        return is_mine

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
            reason, runbook = rejected.reason, self._runbook
            notice = failed_notice(message, attempt=claim.attempt, channel=channel, reason=reason, runbook=runbook, now=now)
            t.outbox.put([notice])


def _is_throttled(outcome: Outcome) -> bool:
    """Return True if the service only asked to wait."""
    return isinstance(outcome, RetryLater | OutcomeUnknown) and outcome.postpones_target


def _is_service_failing(outcome: Outcome) -> bool:
    """Return True if the next message to the same service would probably fail as well."""
    match outcome:
        case RetryLater() | OutcomeUnknown():
            return not _is_throttled(outcome)
        case _:
            return False
