"""The last error of each service, from what the stages recorded: sweeps, catalog listings and deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.messages import Channel
from domain.sweeps import Sweep
from store import HeartbeatKind, Transaction
from tasks.context import StageContext
from tasks.maintenance.status import InstallationStatus

SCALEOPS: Final = "ScaleOps"
BACKSTAGE: Final = "Backstage catalog"
_DELIVERING: Final = {Channel.SLACK: "Slack", Channel.PAGERDUTY: "PagerDuty"}
SERVICES: Final = (SCALEOPS, BACKSTAGE, *_DELIVERING.values())
_REASONS_OF_SCALEOPS: Final = (f"{SCALEOPS} %", f"%: {SCALEOPS} %", f"% was not sent to {SCALEOPS}: %")
"""How `clients.http` words its failures, alone or as the cause of another reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The last error of one service."""

    service: str
    at: datetime
    reason: str
    is_over: bool
    """The service has worked since."""


def read_last_errors(context: StageContext, status: InstallationStatus) -> tuple[LastError, ...]:
    """Read the last error of each service that has one. Raises StoreUnavailable."""
    with context.store.reading() as transaction:
        return last_errors(transaction, status)


def last_errors(transaction: Transaction, status: InstallationStatus) -> tuple[LastError, ...]:
    """Return the last error of each service that has one."""
    found = [*_of_scaleops(transaction, status), *_of_catalog(transaction, status.newest_closed)]
    newest_of = {
        name: max((one for one in found if one.service == name), key=lambda one: one.at, default=None) for name in SERVICES
    }
    errors = [one for one in newest_of.values() if one is not None]
    return (*errors, *_of_deliveries(transaction))


def _of_scaleops(transaction: Transaction, status: InstallationStatus) -> Iterator[LastError]:
    newest, watch, figures = status.newest_closed, status.watch, status.unmeasured_figures
    unknown = transaction.sweeps.newest_unknown(_REASONS_OF_SCALEOPS)
    if unknown is not None:
        is_over = newest is not None and unknown.as_of < newest.as_of
        yield LastError(service=SCALEOPS, at=unknown.as_of, reason=unknown.reason, is_over=is_over)
    if newest is not None and figures:
        yield LastError(service=SCALEOPS, at=newest.as_of, reason=figures[0].reason, is_over=False)
    if watch is not None and watch.newest.failure:
        yield LastError(service=SCALEOPS, at=watch.newest.as_of, reason=watch.newest.failure, is_over=False)


def _of_catalog(transaction: Transaction, newest: Sweep | None) -> Iterator[LastError]:
    """Yield the failures of listing the catalog: only that makes a whole collection fail."""
    failed = transaction.heartbeats.last("collect", HeartbeatKind.FAILED)
    if failed is not None:
        succeeded = transaction.heartbeats.last("collect")
        is_over = succeeded is not None and succeeded.at > failed.at
        yield LastError(service=BACKSTAGE, at=failed.at, reason=str(failed.details.get("reason", "")), is_over=is_over)
    if newest is not None and not newest.listing_complete:
        reason = newest.listing_reason or "the listing did not end"
        yield LastError(service=BACKSTAGE, at=newest.as_of, reason=reason, is_over=False)


def _of_deliveries(transaction: Transaction) -> Iterator[LastError]:
    for error in transaction.deliveries.last_errors():
        is_over = error.delivered_at is not None and error.delivered_at > error.at
        yield LastError(service=_DELIVERING[error.service], at=error.at, reason=error.detail, is_over=is_over)
