"""Drops what is older than the retention says, a sweep at a time, so that nobody waits long for a writer."""

from __future__ import annotations

from collections.abc import Callable

from tasks.parts import Parts


def forget_what_is_old(parts: Parts, *, may_begin: Callable[[], bool] = lambda: True) -> int:
    """Drop the sweeps whose time is over, oldest first, each in a transaction of its own; answer how many.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    now = parts.clock()
    with parts.store.reading() as transaction:
        due = transaction.forgetting.due(parts.policy.retention, now=now)
    dropped = 0
    for as_of in due:
        if not may_begin():
            break
        with parts.store.transaction() as transaction:
            transaction.forgetting.drop(as_of)
        dropped += 1
    return dropped
