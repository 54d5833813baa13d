"""The last error of each service, from what the stages recorded: sweeps, catalog listings and deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.messages import Channel
from domain.sweeps import Sweep
from store import HeartbeatKind, Transaction
from tasks.maintenance.watch_status import WatchStatus

SCALEOPS: Final = "ScaleOps"
BACKSTAGE: Final = "Backstage catalog"
_DELIVERING: Final = {Channel.SLACK: "Slack", Channel.PAGERDUTY: "PagerDuty"}
SERVICES: Final = (SCALEOPS, BACKSTAGE, *_DELIVERING.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The last error of one service."""

    service: str
    at: datetime
    reason: str
    is_over: bool
    """The service has worked since."""


def last_errors(transaction: Transaction, newest: Sweep | None, watch: WatchStatus | None) -> tuple[LastError, ...]:
    """Return the last error of each service that has one. `newest` is the newest closed sweep."""
    found = [*_of_scaleops(transaction, newest, watch), *_of_catalog(transaction, newest)]
    newest_of = {
        name: max((one for one in found if one.service == name), key=lambda one: one.at, default=None) for name in SERVICES
    }
    errors = [one for one in newest_of.values() if one is not None]
    return (*errors, *_of_deliveries(transaction))


def _of_scaleops(transaction: Transaction, newest: Sweep | None, watch: WatchStatus | None) -> Iterator[LastError]:
    incomplete = transaction.sweeps.newest_with_unknown()
    reason = "" if incomplete is None else transaction.snapshots.main_reason(incomplete.as_of)
    if incomplete is not None and SCALEOPS in reason:
        yield LastError(service=SCALEOPS, at=incomplete.as_of, reason=reason, is_over=incomplete != newest)
    figures = transaction.clusters.unmeasured_figures(newest.as_of) if newest is not None else ()
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
