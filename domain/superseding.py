"""Which unsent PagerDuty events are superseded by a resolve that is queued after them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.messages import DeliveryStatus, EventAction


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStatus:
    """The delivery status of one event of a stream."""

    key: str
    action: EventAction
    status: DeliveryStatus
    attempts: int
    """How often it was sent; a pending one with attempts may have arrived."""


def superseded(stream: Iterable[EventStatus]) -> tuple[str, ...]:
    """Return the keys to cancel, in order, of one stream's events in their order.

    A pending trigger is cancelled when its resolve is pending too: no page for what is over. The resolve is cancelled with it
    only if nothing can be open at PagerDuty: no earlier event since the last sent resolve may have arrived.
    """
    cancelled: list[str] = []
    waiting: list[EventStatus] = []
    may_be_open = False
    for event in stream:
        if event.action is EventAction.RESOLVE:
            if event.status is DeliveryStatus.PENDING:
                if waiting:
                    cancelled += [one.key for one in waiting]
                    may_be_open = may_be_open or any(one.attempts for one in waiting)
                    if not may_be_open and not event.attempts:
                        cancelled.append(event.key)
            elif event.status is DeliveryStatus.SENT:
                may_be_open = False
            waiting = []
        elif event.status is DeliveryStatus.PENDING:
            waiting.append(event)
        elif event.status is not DeliveryStatus.FAILED and (event.attempts or event.status is DeliveryStatus.SENT):
            may_be_open = True
    return tuple(cancelled)
