"""Withdraws what was measured with a bulk response that is no longer trusted, so that it is measured again without it.

Any process may find out, at any time before the sweep is closed: costs that differ from those of a compared component, or rows of other
clusters. A component that is not measured again in time is unknown.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from domain.bulk_trust import BulkCheck, BulkSubject, checks_of
from domain.refs import EntityRef
from store import Store

log = structlog.get_logger(__name__)


def untrusted_costs(store: Store, as_of: datetime) -> tuple[BulkCheck, ...]:
    """Return what all processes found wrong with the bulk costs of a sweep so far."""
    with store.reading() as transaction:
        checks = checks_of(transaction.bulk_checks.of_sweep(as_of), BulkSubject.COSTS)
    return tuple(check for check in checks if not check.trusted)


def withdraw_untrusted(store: Store, as_of: datetime) -> tuple[EntityRef, ...]:
    """Withdraw the measurements of an open sweep that used untrusted costs, and return their components.

    Raises:
        SweepClosed: there are untrusted costs, and the sweep is closed.
    """
    clusters = sorted(check.cluster for check in untrusted_costs(store, as_of))
    if not clusters:
        return ()
    with store.transaction() as transaction:
        withdrawn = transaction.snapshots.withdraw(as_of, bulk_clusters=clusters)
    if withdrawn:
        log.warning("measurements withdrawn: bulk costs are not trusted", components=len(withdrawn), clusters=clusters)
    return withdrawn
