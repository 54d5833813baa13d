"""Which bulk responses of the full sweeps are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from domain.bulk_trust import BulkCheck, BulkStanding, BulkSubject
from store.queries.rows import Queries, row_from
from store.schema import bulk_checks, sweeps
from store.upserts import upsert

CHECKS_TTL: Final = timedelta(days=90)
"""Checks are kept for this long although their sweep may be deleted: of some sweeps only it could not be said since when each was trusted."""


class BulkChecks(Queries):
    """Checks by sweep, subject and cluster. Written by `collect`."""

    def record(self, checks: Sequence[BulkCheck]) -> None:
        """Store checks. Several processes check one response; one that does not trust it is enough."""
        rows = [row_from(check) for check in checks]
        upsert(self._connection, bulk_checks, rows, key=["as_of", "subject", "cluster"], unless_smaller="trusted")

    def of_sweep(self, as_of: datetime) -> tuple[BulkCheck, ...]:
        """Return the checks of a sweep, by subject and cluster."""
        chosen = select(bulk_checks).where(bulk_checks.c.as_of == as_of)
        found = self._connection.execute(chosen.order_by(bulk_checks.c.subject, bulk_checks.c.cluster)).mappings()
        return tuple(BulkCheck(**{**row, "subject": BulkSubject(row["subject"])}) for row in found)

    def standings(self) -> tuple[BulkStanding, ...]:
        """Return the standing of each response, by subject and cluster; none if the newest closed sweep was made without them.

        Over the checks of CHECKS_TTL, all of which are kept: a response was not distrusted unnoticed since the instant that it names.
        """
        newest_closed = self._connection.execute(select(func.max(sweeps.c.as_of)).where(sweeps.c.closed_at.is_not(None))).scalar()
        newest_check = self._connection.execute(select(func.max(bulk_checks.c.as_of))).scalar()
        if newest_check is None or (newest_closed is not None and newest_check < newest_closed):
            return ()
        found: dict[tuple[str, str], BulkStanding] = {}
        chosen = select(bulk_checks).where(bulk_checks.c.as_of > newest_check - CHECKS_TTL)
        for row in self._connection.execute(chosen.order_by(bulk_checks.c.as_of)).mappings():
            check = BulkCheck(**{**row, "subject": BulkSubject(row["subject"])})
            before = found.get((check.subject, check.cluster))
            is_same = before is not None and before.newest.trusted == check.trusted
            since = before.since if before is not None and is_same else check.as_of
            found[check.subject, check.cluster] = BulkStanding(newest=check, since=since)
        return tuple(found[key] for key in sorted(found))
