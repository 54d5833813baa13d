"""The attempts to deliver messages over all messages of a service; those of one message are with the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, select

from domain.messages import Channel
from store.queries.outbox_rows import DeliveryResult
from store.queries.rows import Queries
from store.schema import deliveries, outbox

_DELIVERED: Final = (DeliveryResult.SENT, DeliveryResult.FOUND)
_NOT_DELIVERED: Final = (DeliveryResult.RESCHEDULED, DeliveryResult.UNKNOWN, DeliveryResult.REJECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryError:
    """The newest attempt of a service that did not deliver."""

    service: Channel
    at: datetime
    detail: str
    delivered_at: datetime | None
    """When the service last took a message; None: not in the attempts that are kept."""


class DeliveryLog(Queries):
    """The attempts of each service, newest first."""

    def last_errors(self) -> tuple[DeliveryError, ...]:
        """Return the newest error of each service that has one."""
        return tuple(error for service in Channel if (error := self._last_error(service)) is not None)

    def _last_error(self, service: Channel) -> DeliveryError | None:
        failed = self._connection.execute(_newest(service, _NOT_DELIVERED)).first()
        if failed is None:
            return None
        delivered = self._connection.execute(_newest(service, _DELIVERED)).first()
        return DeliveryError(
            service=service, at=failed.at, detail=failed.detail, delivered_at=None if delivered is None else delivered.at
        )


def _newest(service: Channel, results: tuple[DeliveryResult, ...]) -> Select[tuple[datetime, str]]:
    of_service: ColumnElement[bool] = outbox.c.channel == str(service)
    return (
        select(deliveries.c.at, deliveries.c.detail)
        .join(outbox, outbox.c.key == deliveries.c.message_key)
        .where(of_service, deliveries.c.result.in_([str(result) for result in results]))
        .order_by(deliveries.c.at.desc(), deliveries.c.attempt.desc())
        .limit(1)
    )
