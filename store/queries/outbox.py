"""The outbox: messages that were decided, who is sending which, and what came of every attempt.

Two processes may work on it at once: a row is taken by a conditional UPDATE, marked only by whoever holds its lease, and an
attempt is on record before its call is made.

Order: a message waits while an earlier one of its stream and service is *open*, and while the one whose thread it answers
in (or that one's fallback) is. Open are pending, leased, and unknown with a look-up ahead. Everything else is an end: after
failed, expired, cancelled and a final unknown the later ones go out, because a lost first message must not silence the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.sql.selectable import FromClause

from domain.messages import Channel, DeliveryStatus, EventAction, Message, Variant
from domain.superseding import EventStatus, superseded
from store.queries.outbox_rows import (
    DeliveryAttempt,
    DeliveryResult,
    LeasedMessage,
    OutboxRecord,
    SlackLocation,
    delivery_of,
    entry_of,
    message_of,
    values_of,
)
from store.schema import deliveries, outbox
from store.upserts import insert_into

FALLBACK: Final = ":fallback"
"""What the key of a message ends in that stands in for one whose channel refused it."""
EXTRA_TIME: Final = timedelta(hours=24)
"""What a message gets at least when it is sent again by hand."""

_ENDED_BADLY: Final = (DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN, DeliveryStatus.EXPIRED, DeliveryStatus.CANCELLED)


class Outbox:
    """The outbox within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, messages: Iterable[Message]) -> tuple[Message, ...]:
        """Add messages; one whose key is there already changes nothing. Answers those that are new.

        Raises IntegrityError when another message has the same number in the same stream.
        """
        new = []
        for message in messages:
            row = {**values_of(message), "status": str(DeliveryStatus.PENDING), "attempts": 0}
            statement = insert_into(self._connection, outbox).on_conflict_do_nothing(index_elements=["key"])
            # asked for the row itself: PostgreSQL's driver counts no rows of an INSERT that returns its new id
            if self._connection.execute(statement.returning(outbox.c.id), row).first() is not None:
                new.append(message)
        return tuple(new)

    # Taking -----------------------------------------------------------------------------------------------------------

    def claim_due(self, now: datetime, *, channel: Channel, lease: timedelta, owner: str) -> LeasedMessage | None:
        """Take the oldest message of a service that is due, and put its attempt on record. None: nothing is due.

        Due are pending ones past `not_before`, those whose lease ran out (their sender died), and unknown ones to look up.
        """
        while True:
            row = self._connection.execute(_due_first(), {"now": now, "service": str(channel)}).mappings().first()
            if row is None:
                return None
            taken = self._connection.execute(
                update(outbox)
                .where(outbox.c.id == row["id"], outbox.c.status == row["status"], outbox.c.attempts == row["attempts"])
                .values(
                    status=str(DeliveryStatus.LEASED), attempts=row["attempts"] + 1, lease_owner=owner, lease_until=now + lease
                )
            )
            if taken.rowcount == 1:
                return self._claim(row, now=now, lease=lease, owner=owner)

    def is_anything_due(self, now: datetime, *, channel: Channel) -> bool:
        """Say whether there is something to claim, without taking it."""
        first_id = _due_first().with_only_columns(outbox.c.id)
        return self._connection.execute(first_id, {"now": now, "service": str(channel)}).first() is not None

    def _claim(self, row: RowMapping, *, now: datetime, lease: timedelta, owner: str) -> LeasedMessage:
        attempt = row["attempts"] + 1
        doubtful = row["status"] in {DeliveryStatus.UNKNOWN, DeliveryStatus.LEASED}
        since = self._doubtful_since(row["key"]) if doubtful else None
        self._connection.execute(
            deliveries.insert().values(
                message_key=row["key"], attempt=attempt, at=now, result=str(DeliveryResult.BEGUN), detail=""
            )
        )
        return LeasedMessage(
            message=message_of(row),
            attempt=attempt,
            owner=owner,
            lease_until=now + lease,
            doubtful_since=since,
            thread=self.place_of(row["thread_of"]) if row["thread_of"] else None,
        )

    def _doubtful_since(self, key: str) -> datetime | None:
        doubts = [str(DeliveryResult.BEGUN), str(DeliveryResult.UNKNOWN)]
        first = select(func.min(deliveries.c.at)).where(deliveries.c.message_key == key, deliveries.c.result.in_(doubts))
        found: datetime | None = self._connection.execute(first).scalar_one()
        return found

    def place_of(self, key: str) -> SlackLocation | None:
        """Where in Slack a message stands, or its fallback; None: nowhere."""
        found = self._connection.execute(
            select(deliveries.c.channel, deliveries.c.ts)
            .where(deliveries.c.message_key.in_([key, key + FALLBACK]), deliveries.c.ts.is_not(None))
            .order_by(deliveries.c.at)
        ).first()
        return None if found is None else SlackLocation(channel=found.channel, ts=found.ts)

    # Marking: only by who holds the lease; False: the lease was lost, and another process decides --------------------------

    def mark_sent(
        self, claim: LeasedMessage, now: datetime, *, variant: Variant | None, place: SlackLocation | None, found: bool = False
    ) -> bool:
        """It has arrived. `found`: an earlier attempt had."""
        result = DeliveryResult.FOUND if found else DeliveryResult.SENT
        return self._mark(claim, DeliveryStatus.SENT, result, sent_at=now, variant=variant, place=place)

    def put_off(self, claim: LeasedMessage, *, until: datetime, why: str) -> bool:
        """It has surely not arrived (or a repeat is harmless), and is tried again."""
        return self._mark(claim, DeliveryStatus.PENDING, DeliveryResult.PUT_OFF, why=why, not_before=until)

    def mark_unknown(self, claim: LeasedMessage, *, look_up_at: datetime | None, why: str) -> bool:
        """It may or may not have arrived. Without a look-up ahead it stays so."""
        return self._mark(claim, DeliveryStatus.UNKNOWN, DeliveryResult.UNKNOWN, why=why, not_before=look_up_at)

    def mark_failed(self, claim: LeasedMessage, *, why: str) -> bool:
        """The service will never take it."""
        return self._mark(claim, DeliveryStatus.FAILED, DeliveryResult.REFUSED, why=why)

    def _mark(
        self,
        claim: LeasedMessage,
        status: DeliveryStatus,
        result: DeliveryResult,
        *,
        why: str | None = None,
        not_before: datetime | None = None,
        sent_at: datetime | None = None,
        variant: Variant | None = None,
        place: SlackLocation | None = None,
    ) -> bool:
        key = claim.message.key
        marked = self._connection.execute(
            update(outbox)
            .where(
                outbox.c.key == key,
                outbox.c.status == str(DeliveryStatus.LEASED),
                outbox.c.lease_owner == claim.owner,
                outbox.c.attempts == claim.attempt,
            )
            .values(
                status=str(status), lease_owner=None, lease_until=None, not_before=not_before, last_error=why, sent_at=sent_at
            )
        )
        # The attempt is recorded in any case: a message that arrived under a lost lease did arrive.
        self._connection.execute(
            update(deliveries)
            .where(deliveries.c.message_key == key, deliveries.c.attempt == claim.attempt)
            .values(
                result=str(result),
                variant=None if variant is None else str(variant),
                channel=None if place is None else place.channel,
                ts=None if place is None else place.ts,
                detail=why or "",
            )
        )
        return marked.rowcount == 1

    # Tidying ----------------------------------------------------------------------------------------------------------

    def hold(self, channel: Channel, *, until: datetime, target: str | None = None) -> int:
        """Let what is pending for a service, or for one target of it, wait at least until then."""
        later = and_(outbox.c.channel == str(channel), outbox.c.status == str(DeliveryStatus.PENDING))
        if target is not None:
            later = and_(later, outbox.c.target == target)
        sooner = or_(outbox.c.not_before.is_(None), outbox.c.not_before < until)
        return self._connection.execute(update(outbox).where(later, sooner).values(not_before=until)).rowcount

    def expire(self, now: datetime) -> tuple[Message, ...]:
        """End what was not sent in its time; answers each once."""
        late = and_(outbox.c.status == str(DeliveryStatus.PENDING), outbox.c.expires_at <= now)
        return self._end(late, status=DeliveryStatus.EXPIRED, expiry_told=True)

    def resolve_unknown(self, now: datetime) -> tuple[Message, ...]:
        """Give up looking for what is unknown and past its time; answers each once."""
        late = and_(outbox.c.status == str(DeliveryStatus.UNKNOWN), outbox.c.not_before.is_not(None), outbox.c.expires_at <= now)
        return self._end(late, status=DeliveryStatus.UNKNOWN, not_before=None)

    def _end(self, which: ColumnElement[bool], *, status: DeliveryStatus, **values: Any) -> tuple[Message, ...]:  # noqa: ANN401 - column values
        ended = []
        for row in self._connection.execute(select(outbox).where(which).order_by(outbox.c.id)).mappings().all():
            mine = update(outbox).where(outbox.c.id == row["id"], which).values(status=str(status), **values)
            if self._connection.execute(mine).rowcount == 1:
                ended.append(message_of(row))
        return tuple(ended)

    def cancel_superseded(self) -> int:
        """Cancel PagerDuty triggers whose resolve waits behind them (`domain.overtaking`); answers how many messages."""
        waiting = outbox.c.status == str(DeliveryStatus.PENDING)
        paged = outbox.c.channel == str(Channel.PAGERDUTY)
        streams = select(outbox.c.stream).where(waiting, paged, outbox.c.act == str(EventAction.RESOLVE)).distinct()
        cancelled = 0
        for stream in self._connection.execute(streams).scalars().all():
            events = self._connection.execute(select(outbox).where(outbox.c.stream == stream, paged).order_by(outbox.c.number))
            standings = [
                EventStatus(
                    key=row["key"], act=EventAction(row["act"]), status=DeliveryStatus(row["status"]), attempts=row["attempts"]
                )
                for row in events.mappings()
            ]
            cancelled += self._cancel(superseded(standings), {one.key: one.attempts for one in standings})
        return cancelled

    def _cancel(self, keys: Iterable[str], attempts: Mapping[str, int]) -> int:
        """Cancel in order; stop at one that another process has just taken, since its resolve is wanted then."""
        cancelled = 0
        for key in keys:
            still_so = and_(
                outbox.c.key == key, outbox.c.status == str(DeliveryStatus.PENDING), outbox.c.attempts == attempts[key]
            )
            reason = "it was over before it could be sent"
            if (
                self._connection.execute(
                    update(outbox).where(still_so).values(status=str(DeliveryStatus.CANCELLED), last_error=reason)
                ).rowcount
                == 0
            ):
                break
            cancelled += 1
        return cancelled

    # Reading ----------------------------------------------------------------------------------------------------------

    def get(self, key: str) -> OutboxRecord | None:
        """Answer one message and where it stands."""
        row = self._connection.execute(select(outbox).where(outbox.c.key == key)).mappings().first()
        return None if row is None else entry_of(row)

    def listing(self, statuses: Collection[DeliveryStatus] = (), *, limit: int = 200) -> tuple[OutboxRecord, ...]:
        """Answer messages in these states (all when none is named), newest first."""
        which = select(outbox).order_by(outbox.c.id.desc()).limit(limit)
        if statuses:
            which = which.where(outbox.c.status.in_([str(status) for status in statuses]))
        return tuple(entry_of(row) for row in self._connection.execute(which).mappings())

    def about(self, whom: str, *, limit: int = 200) -> tuple[OutboxRecord, ...]:
        """Answer messages about an entity, a team or `platform`, newest first."""
        which = select(outbox).where(outbox.c.about == whom).order_by(outbox.c.id.desc()).limit(limit)
        return tuple(entry_of(row) for row in self._connection.execute(which).mappings())

    def of_alert(self, alert: str, *, limit: int = 200) -> tuple[OutboxRecord, ...]:
        """Answer the messages of one alert, newest first."""
        of_it = outbox.c.key.startswith(f"alert:{alert}:", autoescape=True)
        which = select(outbox).where(of_it).order_by(outbox.c.id.desc()).limit(limit)
        return tuple(entry_of(row) for row in self._connection.execute(which).mappings())

    def deliveries_of(self, key: str) -> tuple[DeliveryAttempt, ...]:
        """Answer the attempts at one message, in order."""
        rows = select(deliveries).where(deliveries.c.message_key == key).order_by(deliveries.c.attempt)
        return tuple(delivery_of(row) for row in self._connection.execute(rows).mappings())

    def counts(self) -> dict[DeliveryStatus, int]:
        """How many messages stand where."""
        rows = self._connection.execute(select(outbox.c.status, func.count()).group_by(outbox.c.status))
        return {DeliveryStatus(status): count for status, count in rows}

    def oldest_pending(self) -> datetime | None:
        """When the oldest message was written that still waits to be sent; None: none waits."""
        open_ = outbox.c.status.in_([str(DeliveryStatus.PENDING), str(DeliveryStatus.LEASED)])
        found: datetime | None = self._connection.execute(select(func.min(outbox.c.created_at)).where(open_)).scalar_one()
        return found

    def next_due(self) -> datetime | None:
        """When deliver has something to do again at the latest: an instant in the past means now; None: never."""
        times = (outbox.c.not_before, outbox.c.lease_until, outbox.c.created_at)
        rows = self._connection.execute(select(*times).where(_is_open(outbox)))
        return min((not_before or lease_until or created for not_before, lease_until, created in rows), default=None)

    def posts_since(self, slack_channel: str, since: datetime) -> int:
        """How many messages went into a Slack channel after an instant."""
        posts = select(func.count()).where(
            deliveries.c.channel == slack_channel, deliveries.c.at > since, deliveries.c.result == str(DeliveryResult.SENT)
        )
        count: int = self._connection.execute(posts).scalar_one()
        return count

    def retry(self, key: str, now: datetime) -> bool:
        """Send again by hand what ended badly, or at once what was put off; False: no such message, or it is sent or under way.

        An unknown one is sent without another look: who asks for it has looked.
        """
        ended = outbox.c.status.in_([str(status) for status in _ENDED_BADLY])
        which = and_(outbox.c.key == key, or_(ended, outbox.c.status == str(DeliveryStatus.PENDING)))
        expires_at = self._connection.execute(select(outbox.c.expires_at).where(which)).scalar_one_or_none()
        if expires_at is None:
            return False
        again = {"status": str(DeliveryStatus.PENDING), "not_before": None, "expiry_told": False}
        later = max(expires_at, now + EXTRA_TIME)
        return self._connection.execute(update(outbox).where(which).values(**again, expires_at=later)).rowcount == 1


def _is_open(row: FromClause) -> ColumnElement[bool]:
    under_way = row.c.status.in_([str(DeliveryStatus.PENDING), str(DeliveryStatus.LEASED)])
    return or_(under_way, and_(row.c.status == str(DeliveryStatus.UNKNOWN), row.c.not_before.is_not(None)))


@cache
def _due_first() -> Select[Any]:
    """Build the select of what `service` has due first at `now`, once: building it takes longer than running it."""
    now = bindparam("now", type_=outbox.c.expires_at.type)
    earlier, parent = outbox.alias("earlier"), outbox.alias("parent")
    no_longer_put_off = or_(outbox.c.not_before.is_(None), outbox.c.not_before <= now)
    pending = and_(outbox.c.status == str(DeliveryStatus.PENDING), no_longer_put_off, outbox.c.expires_at > now)
    left_behind = and_(outbox.c.status == str(DeliveryStatus.LEASED), outbox.c.lease_until <= now)
    to_look_up = and_(outbox.c.status == str(DeliveryStatus.UNKNOWN), outbox.c.not_before <= now)
    is_before_it = and_(
        earlier.c.stream == outbox.c.stream,
        earlier.c.channel == outbox.c.channel,
        earlier.c.number < outbox.c.number,
        _is_open(earlier),
    )
    opens_its_thread = and_(
        or_(parent.c.key == outbox.c.thread_of, parent.c.key == outbox.c.thread_of + FALLBACK), _is_open(parent)
    )
    return (
        select(outbox)
        .where(outbox.c.channel == bindparam("service"), or_(pending, left_behind, to_look_up))
        .where(~exists(select(1).where(is_before_it).correlate(outbox)))
        .where(~exists(select(1).where(opens_its_thread).correlate(outbox)))
        .order_by(outbox.c.created_at, outbox.c.id)
        .limit(1)
    )
