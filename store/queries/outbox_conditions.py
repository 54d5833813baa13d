"""Conditions on rows of the outbox, and the query for the message to send next."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, or_, select
from sqlalchemy.sql.selectable import FromClause

from domain.messages import DeliveryStatus, EventAction
from store.queries.outbox_rows import LeasedMessage
from store.schema import outbox

FALLBACK: Final = ":fallback"
"""Key suffix of the message that replaces one rejected by its channel."""


def is_leased_by(claim: LeasedMessage) -> ColumnElement[bool]:
    """Hold for the message of a claim while no other process has taken it over."""
    return and_(
        outbox.c.key == claim.message.key,
        outbox.c.status == str(DeliveryStatus.LEASED),
        outbox.c.lease_owner == claim.owner,
        outbox.c.attempts == claim.attempt,
    )


def is_open(row: FromClause) -> ColumnElement[bool]:
    """Hold for messages that are still to be sent or looked up."""
    unsent = row.c.status.in_([str(DeliveryStatus.PENDING), str(DeliveryStatus.LEASED)])
    return or_(unsent, and_(row.c.status == str(DeliveryStatus.UNKNOWN), row.c.not_before.is_not(None)))


def is_at_place_of(key: str) -> ColumnElement[bool]:
    """Hold for a message, its fallback, and its updates."""
    updates = and_(outbox.c.thread_of == key, outbox.c.act == str(EventAction.UPDATE))
    return or_(outbox.c.key.in_([key, key + FALLBACK]), updates)


def is_replaced_update() -> ColumnElement[bool]:
    """Hold for unsent updates of a message that a later unsent one replaces."""
    later, pending = outbox.alias("later"), str(DeliveryStatus.PENDING)
    replaces = and_(
        later.c.thread_of == outbox.c.thread_of,
        later.c.act == outbox.c.act,
        later.c.stream == outbox.c.stream,
        later.c.number > outbox.c.number,
        later.c.status == pending,
    )
    is_update = and_(outbox.c.status == pending, outbox.c.act == str(EventAction.UPDATE))
    return and_(is_update, exists(select(1).where(replaces).correlate(outbox)))


@cache
def due_first() -> Select[Any]:
    """Return the query for the first due message of `service` at `now`. Cached: building it takes longer than running it."""
    now = bindparam("now", type_=outbox.c.expires_at.type)
    earlier, parent = outbox.alias("earlier"), outbox.alias("parent")
    not_delayed = or_(outbox.c.not_before.is_(None), outbox.c.not_before <= now)
    pending = and_(outbox.c.status == str(DeliveryStatus.PENDING), not_delayed, outbox.c.expires_at > now)
    lease_expired = and_(outbox.c.status == str(DeliveryStatus.LEASED), outbox.c.lease_until <= now)
    to_look_up = and_(outbox.c.status == str(DeliveryStatus.UNKNOWN), outbox.c.not_before <= now)
    is_earlier = and_(
        earlier.c.stream == outbox.c.stream,
        earlier.c.channel == outbox.c.channel,
        earlier.c.number < outbox.c.number,
        is_open(earlier),
    )
    starts_its_thread = and_(
        or_(parent.c.key == outbox.c.thread_of, parent.c.key == outbox.c.thread_of + FALLBACK), is_open(parent)
    )
    return (
        select(outbox)
        .where(outbox.c.channel == bindparam("service"), or_(pending, lease_expired, to_look_up))
        .where(~exists(select(1).where(is_earlier).correlate(outbox)))
        .where(~exists(select(1).where(starts_its_thread).correlate(outbox)))
        .order_by(outbox.c.created_at, outbox.c.id)
        .limit(1)
    )
