"""The transactional outbox: messages to send, their leases, and the attempts to deliver them.

Several processes may use it: a message is claimed by a conditional UPDATE, updated only by the owner of its lease, and an
attempt is recorded before its call is made.

Order: a message waits while an earlier one of its stream and service is *open*, and while the message whose thread it is posted to
(or the fallback of that one) is. Open are pending, leased, and unknown with a planned look-up. After any other status later
messages are sent: a lost first message must not block the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, and_, func, or_, select, update

from domain.messages import Channel, DeliveryStatus, EventAction, EventStatus, Message, Variant, resolve_to_repeat, superseded
from store.queries.outbox_conditions import FALLBACK, due_first, is_at_place_of, is_leased_by, is_open, is_replaced_update
from store.queries.outbox_rows import (
    DeliveryAttempt,
    DeliveryResult,
    LeasedMessage,
    OutboxBacklog,
    OutboxRecord,
    SlackLocation,
    attempt_of,
    message_of,
    record_of,
    values_of,
)
from store.queries.rows import Queries
from store.schema import deliveries, outbox
from store.upserts import insert_into

RETRY_TTL: Final = timedelta(hours=24)
"""Minimum time to expiry of a message that is retried by hand."""

_RETRYABLE: Final = (DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN, DeliveryStatus.EXPIRED, DeliveryStatus.CANCELLED)


class Outbox(Queries):
    """The outbox in one transaction."""

    def put(self, messages: Iterable[Message]) -> tuple[Message, ...]:
        """Insert messages and return the new ones; an existing key changes nothing.

        Raises IntegrityError when another message has the same number in the same stream.
        """
        new = []
        for message in messages:
            row = {**values_of(message), "status": str(DeliveryStatus.PENDING), "attempts": 0}
            statement = insert_into(self._connection, outbox).on_conflict_do_nothing(index_elements=["key"])
            # RETURNING, since PostgreSQL's driver counts no rows of an INSERT that returns the new id
            if self._connection.execute(statement.returning(outbox.c.id), row).first() is not None:
                new.append(message)
        return tuple(new)

    # Claim ------------------------------------------------------------------------------------------------------------

    def claim_due(self, now: datetime, *, channel: Channel, lease: timedelta, owner: str) -> LeasedMessage | None:
        """Lease the oldest due message of a service and record the attempt; None if nothing is due.

        Due are pending messages past `not_before`, those with an expired lease, and unknown ones to look up.
        """
        while True:
            row = self._connection.execute(due_first(), {"now": now, "service": str(channel)}).mappings().first()
            if row is None:
                return None
            claimed = self._connection.execute(
                update(outbox)
                .where(outbox.c.id == row["id"], outbox.c.status == row["status"], outbox.c.attempts == row["attempts"])
                .values(
                    status=str(DeliveryStatus.LEASED), attempts=row["attempts"] + 1, lease_owner=owner, lease_until=now + lease
                )
            )
            if claimed.rowcount == 1:
                return self._lease(row, now=now, lease=lease, owner=owner)

    def has_due(self, now: datetime, *, channel: Channel) -> bool:
        """Return True if a message is due."""
        first_id = due_first().with_only_columns(outbox.c.id)
        return self._connection.execute(first_id, {"now": now, "service": str(channel)}).first() is not None

    def _lease(self, row: RowMapping, *, now: datetime, lease: timedelta, owner: str) -> LeasedMessage:
        attempt = row["attempts"] + 1
        is_unconfirmed = row["status"] in {DeliveryStatus.UNKNOWN, DeliveryStatus.LEASED}
        since = self._unconfirmed_since(row["key"]) if is_unconfirmed else None
        self._connection.execute(
            deliveries.insert().values(
                message_key=row["key"], attempt=attempt, at=now, result=str(DeliveryResult.STARTED), detail=""
            )
        )
        thread = self.location_of(row["thread_of"]) if row["thread_of"] else None
        return LeasedMessage(
            message=message_of(row),
            attempt=attempt,
            owner=owner,
            lease_until=now + lease,
            unconfirmed_since=since,
            thread=thread,
            posted_as=self._posted_as(row["thread_of"], thread) if thread and row["act"] == EventAction.UPDATE else None,
        )

    def _posted_as(self, key: str, location: SlackLocation) -> str | None:
        """Return the key of the message that was posted to a place of a message, before any update of it."""
        first = (
            select(deliveries.c.message_key)
            .join(outbox, outbox.c.key == deliveries.c.message_key)
            .where(is_at_place_of(key), deliveries.c.channel == location.channel, deliveries.c.ts == location.ts)
            .order_by(outbox.c.id)
        )
        return self._connection.execute(first).scalars().first()

    def _unconfirmed_since(self, key: str) -> datetime | None:
        unconfirmed = [str(DeliveryResult.STARTED), str(DeliveryResult.UNKNOWN)]
        first = select(func.min(deliveries.c.at)).where(deliveries.c.message_key == key, deliveries.c.result.in_(unconfirmed))
        found: datetime | None = self._connection.execute(first).scalar_one()
        return found

    def location_of(self, key: str) -> SlackLocation | None:
        """Return where a message, its fallback or the update that replaced it is in Slack; None if it never arrived."""
        # The newest: it may have been sent again by hand after its fallback, or replaced by the post of an update.
        found = self._connection.execute(
            select(deliveries.c.channel, deliveries.c.ts)
            .join(outbox, outbox.c.key == deliveries.c.message_key)
            .where(is_at_place_of(key), deliveries.c.ts.is_not(None))
            .order_by(deliveries.c.at.desc(), outbox.c.key == key + FALLBACK, outbox.c.id.desc())
        ).first()
        return None if found is None else SlackLocation(channel=found.channel, ts=found.ts)

    def holds_lease(self, claim: LeasedMessage) -> bool:
        """Return False if another process has taken over the message."""
        return self._connection.execute(select(outbox.c.id).where(is_leased_by(claim))).first() is not None

    # Results of a leased message; False: the lease was lost, and another process decides ----------------------------------

    def mark_sent(
        self,
        claim: LeasedMessage,
        now: datetime,
        *,
        variant: Variant | None,
        location: SlackLocation | None,
        found: bool = False,
        detail: str = "",
    ) -> bool:
        """Record that the message arrived. `found`: by an earlier attempt; `detail`: why not in its first form or place."""
        result = DeliveryResult.FOUND if found else DeliveryResult.SENT
        return self._mark(claim, DeliveryStatus.SENT, result, sent_at=now, variant=variant, location=location, detail=detail)

    def reschedule(self, claim: LeasedMessage, *, until: datetime, reason: str) -> bool:
        """Retry later: the message did not arrive, or a repeat is harmless."""
        return self._mark(claim, DeliveryStatus.PENDING, DeliveryResult.RESCHEDULED, reason=reason, not_before=until)

    def mark_unknown(self, claim: LeasedMessage, *, look_up_at: datetime | None, reason: str) -> bool:
        """Record that the message may have arrived. Without a look-up it stays unknown."""
        return self._mark(claim, DeliveryStatus.UNKNOWN, DeliveryResult.UNKNOWN, reason=reason, not_before=look_up_at)

    def mark_failed(self, claim: LeasedMessage, *, reason: str) -> bool:
        """Record that the service rejects the message for good."""
        return self._mark(claim, DeliveryStatus.FAILED, DeliveryResult.REJECTED, reason=reason)

    def _mark(
        self,
        claim: LeasedMessage,
        status: DeliveryStatus,
        result: DeliveryResult,
        *,
        reason: str | None = None,
        not_before: datetime | None = None,
        sent_at: datetime | None = None,
        variant: Variant | None = None,
        location: SlackLocation | None = None,
        detail: str = "",
    ) -> bool:
        key = claim.message.key
        marked = self._connection.execute(
            update(outbox)
            .where(is_leased_by(claim))
            .values(
                status=str(status), lease_owner=None, lease_until=None, not_before=not_before, last_error=reason, sent_at=sent_at
            )
        )
        # The attempt is recorded even under a lost lease: the message did arrive.
        self._connection.execute(
            update(deliveries)
            .where(deliveries.c.message_key == key, deliveries.c.attempt == claim.attempt)
            .values(
                result=str(result),
                variant=None if variant is None else str(variant),
                channel=None if location is None else location.channel,
                ts=None if location is None else location.ts,
                detail=reason or detail,
            )
        )
        return marked.rowcount == 1

    # Updates of many messages -------------------------------------------------------------------------------------------

    def postpone(self, channel: Channel, *, until: datetime, target: str | None = None) -> int:
        """Delay the pending messages of a service, or of one target of it, at least until then. Return their number."""
        pending = and_(outbox.c.channel == str(channel), outbox.c.status == str(DeliveryStatus.PENDING))
        if target is not None:
            pending = and_(pending, outbox.c.target == target)
        sooner = or_(outbox.c.not_before.is_(None), outbox.c.not_before < until)
        return self._connection.execute(update(outbox).where(pending, sooner).values(not_before=until)).rowcount

    def expire(self, now: datetime) -> tuple[Message, ...]:
        """Expire the pending messages past their expiry and return them, each once."""
        late = and_(outbox.c.status == str(DeliveryStatus.PENDING), outbox.c.expires_at <= now)
        return self._end(late, status=DeliveryStatus.EXPIRED)

    def resolve_unknown(self, before: datetime) -> tuple[Message, ...]:
        """Stop looking up unknown messages that expired before then and return them, each once."""
        late = and_(
            outbox.c.status == str(DeliveryStatus.UNKNOWN), outbox.c.not_before.is_not(None), outbox.c.expires_at <= before
        )
        return self._end(late, status=DeliveryStatus.UNKNOWN, not_before=None)

    def _end(self, which: ColumnElement[bool], *, status: DeliveryStatus, **values: Any) -> tuple[Message, ...]:  # noqa: ANN401 - column values
        ended = []
        for row in self._connection.execute(select(outbox).where(which).order_by(outbox.c.id)).mappings().all():
            mine = update(outbox).where(outbox.c.id == row["id"], which).values(status=str(status), **values)
            if self._connection.execute(mine).rowcount == 1:
                ended.append(message_of(row))
        return tuple(ended)

    def cancel_superseded(self) -> int:
        """Cancel unsent PagerDuty triggers with their resolves (`domain.messages.superseded`), and all but the newest update.

        Return the number of messages.
        """
        waiting = outbox.c.status == str(DeliveryStatus.PENDING)
        paged = outbox.c.channel == str(Channel.PAGERDUTY)
        streams = select(outbox.c.stream).where(waiting, paged, outbox.c.act == str(EventAction.RESOLVE)).distinct()
        cancelled = self._cancel_old_updates()
        for stream in self._connection.execute(streams).scalars().all():
            statuses = self._events(outbox.c.stream == stream)
            cancelled += self._cancel(superseded(statuses), {one.key: one.attempts for one in statuses})
        return cancelled

    def _cancel_old_updates(self) -> int:
        """Cancel the unsent updates of a Slack message that a later unsent one replaces."""
        values = {"status": str(DeliveryStatus.CANCELLED), "last_error": "a later update replaces it"}
        return self._connection.execute(update(outbox).where(is_replaced_update()).values(**values)).rowcount

    def resend_resolve(self, claim: LeasedMessage, now: datetime) -> str | None:
        """Send a resolve again if a trigger has arrived under a lost lease and after it; return the key of the resolve."""
        trigger = claim.message
        if trigger.action is not EventAction.TRIGGER:
            return None
        key = resolve_to_repeat(self._events(outbox.c.stream == trigger.stream, outbox.c.number > trigger.number))
        if key is not None:
            # Also a leased one: its owner may have sent it before the trigger arrived, and a repeat is harmless.
            again = {"status": str(DeliveryStatus.PENDING), "not_before": None, "lease_owner": None, "lease_until": None}
            later = now + RETRY_TTL
            self._connection.execute(update(outbox).where(outbox.c.key == key).values(**again, expires_at=later))
        return key

    def _events(self, *which: ColumnElement[bool]) -> tuple[EventStatus, ...]:
        """Return events of one stream of PagerDuty in their order."""
        paged = outbox.c.channel == str(Channel.PAGERDUTY)
        rows = self._connection.execute(select(outbox).where(paged, *which).order_by(outbox.c.number)).mappings()
        return tuple(
            EventStatus(
                key=row["key"], action=EventAction(row["act"]), status=DeliveryStatus(row["status"]), attempts=row["attempts"]
            )
            for row in rows
        )

    def _cancel(self, keys: Iterable[str], attempts: Mapping[str, int]) -> int:
        """Cancel in order. Stop at one that another process has just claimed: its resolve must be sent."""
        cancelled = 0
        for key in keys:
            unclaimed = and_(
                outbox.c.key == key, outbox.c.status == str(DeliveryStatus.PENDING), outbox.c.attempts == attempts[key]
            )
            reason = "resolved before it was sent"
            if (
                self._connection.execute(
                    update(outbox).where(unclaimed).values(status=str(DeliveryStatus.CANCELLED), last_error=reason)
                ).rowcount
                == 0
            ):
                break
            cancelled += 1
        return cancelled

    # Queries ----------------------------------------------------------------------------------------------------------

    def get(self, key: str) -> OutboxRecord | None:
        """Return one message."""
        row = self._connection.execute(select(outbox).where(outbox.c.key == key)).mappings().first()
        return None if row is None else record_of(row)

    def listing(self, statuses: Collection[DeliveryStatus] = (), *, limit: int = 200) -> tuple[OutboxRecord, ...]:
        """Return messages with these statuses (without any: all), newest first."""
        chosen = [outbox.c.status.in_([str(status) for status in statuses])] if statuses else []
        return self._newest(limit, *chosen)

    def about(self, subject: str, *, limit: int = 200) -> tuple[OutboxRecord, ...]:
        """Return messages about an entity, a team or `platform`, newest first."""
        return self._newest(limit, outbox.c.about == subject)

    def of_alert(self, alert: str, *, limit: int = 200) -> tuple[OutboxRecord, ...]:
        """Return the messages of one alert, newest first."""
        return self._newest(limit, outbox.c.key.startswith(f"alert:{alert}:", autoescape=True))

    def _newest(self, limit: int, *conditions: ColumnElement[bool]) -> tuple[OutboxRecord, ...]:
        newest = select(outbox).where(*conditions).order_by(outbox.c.id.desc()).limit(limit)
        return tuple(record_of(row) for row in self._connection.execute(newest).mappings())

    def deliveries_of(self, key: str) -> tuple[DeliveryAttempt, ...]:
        """Return the attempts to deliver one message, in order."""
        rows = select(deliveries).where(deliveries.c.message_key == key).order_by(deliveries.c.attempt)
        return tuple(attempt_of(row) for row in self._connection.execute(rows).mappings())

    def backlog(self) -> tuple[OutboxBacklog, ...]:
        """Return the number of messages of each status, with when the oldest of them was created."""
        counted = select(outbox.c.status, func.count(), func.min(outbox.c.created_at)).group_by(outbox.c.status)
        rows = self._connection.execute(counted.order_by(outbox.c.status))
        return tuple(
            OutboxBacklog(status=DeliveryStatus(status), messages=count, oldest=oldest) for status, count, oldest in rows
        )

    def oldest_pending(self) -> datetime | None:
        """Return when the oldest message that is not sent yet was created; None without one."""
        open_ = outbox.c.status.in_([str(DeliveryStatus.PENDING), str(DeliveryStatus.LEASED)])
        found: datetime | None = self._connection.execute(select(func.min(outbox.c.created_at)).where(open_)).scalar_one()
        return found

    def next_due(self) -> datetime | None:
        """Return when the next message is due; an instant in the past means now, None never."""
        times = (outbox.c.not_before, outbox.c.lease_until, outbox.c.created_at)
        rows = self._connection.execute(select(*times).where(is_open(outbox)))
        return min((not_before or lease_until or created for not_before, lease_until, created in rows), default=None)

    def posts_since(self, slack_channel: str, since: datetime) -> int:
        """Count the messages sent to a Slack channel after an instant."""
        posts = select(func.count()).where(
            deliveries.c.channel == slack_channel, deliveries.c.at > since, deliveries.c.result == str(DeliveryResult.SENT)
        )
        count: int = self._connection.execute(posts).scalar_one()
        return count

    def retry(self, key: str, now: datetime, *, target: str | None = None) -> bool:
        """Retry by hand an undelivered or rescheduled message, to another target if one is given.

        An unknown one is sent without a look-up: the person has looked. False: no such message, or it is sent or leased.
        """
        retryable = outbox.c.status.in_([str(status) for status in _RETRYABLE])
        which = and_(outbox.c.key == key, or_(retryable, outbox.c.status == str(DeliveryStatus.PENDING)))
        expires_at = self._connection.execute(select(outbox.c.expires_at).where(which)).scalar_one_or_none()
        if expires_at is None:
            return False
        again = {"status": str(DeliveryStatus.PENDING), "not_before": None, **({"target": target} if target else {})}
        later = max(expires_at, now + RETRY_TTL)
        return self._connection.execute(update(outbox).where(which).values(**again, expires_at=later)).rowcount == 1
