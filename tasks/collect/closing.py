"""Closes sweeps: names what is missing, tells lost clusters from removed workloads, and draws the line under it."""

from __future__ import annotations

from datetime import datetime

from actions.live.measure import unmeasured
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import LOST_FOR, Sweep, deadline_of
from store import Store, Transaction
from tasks.context import StageContext

_AT_A_TIME = 500


def close_overdue(context: StageContext, *, now: datetime) -> tuple[Sweep, ...]:
    """Close every open sweep whose limit has passed or whose slot has ended, oldest first, and answer them."""
    policy = context.policy
    with context.store.reading() as transaction:
        waiting = transaction.sweeps.open_ones()
    closed = []
    for sweep in waiting:
        deadline = deadline_of(sweep.as_of, opened_at=sweep.opened_at, limit=policy.sweep_limit, every=policy.collect_every)
        if deadline <= now:
            reason = f"the sweep of {in_words(sweep.as_of)} ended before this component was measured"
            closed.append(close(context, sweep.as_of, now=now, missing_because=reason))
    return tuple(closed)


def close(context: StageContext, as_of: datetime, *, now: datetime, missing_because: str) -> Sweep:
    """Give every component without an outcome an unknown one, carry lost clusters forward, and close the sweep.

    Stopped at any point, it can be called again; a sweep that is closed already is answered as it is.
    """
    _name_what_is_missing(context.store, as_of, missing_because)
    with context.store.transaction() as transaction:
        sweep = transaction.sweeps.get(as_of, to_change=True)
        if sweep is not None and sweep.closed_at is not None:
            return sweep
        _judge_clusters(transaction, as_of, removed_by_settings=context.policy.removed_clusters)
        transaction.heartbeats.record("collect", at=now)
        return transaction.sweeps.close(as_of, closed_at=now)


def _name_what_is_missing(store: Store, as_of: datetime, reason: str) -> None:
    with store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of)
        outcomes = transaction.snapshots.outcomes(as_of)
        missing = [component for component in transaction.components.all() if component.ref not in outcomes]
        expected = len(missing) + len(outcomes)
    if sweep is None or sweep.closed_at is not None:
        return
    for start in range(0, len(missing), _AT_A_TIME):
        some = missing[start : start + _AT_A_TIME]
        with store.transaction() as transaction:
            transaction.snapshots.put_all([unmeasured(component, as_of=as_of, reason=reason) for component in some])
    with store.transaction() as transaction:
        transaction.sweeps.record_listing(as_of, expected=expected, complete=sweep.listing_complete)


def _judge_clusters(transaction: Transaction, as_of: datetime, *, removed_by_settings: frozenset[str]) -> None:
    """Tell for each cluster whether this sweep saw, lost or had to give it up.

    Lost: no answer names it, and a component that was measured now had workloads there before. What components had there is
    carried forward as unknown, so that nothing looks removed.
    """
    seen = transaction.clusters.named_in(as_of)
    transaction.clusters.record_seen(seen, as_of=as_of)
    measured = [ref for ref, outcome in transaction.snapshots.outcomes(as_of).items() if outcome is Outcome.MEASURED]
    for cluster in transaction.clusters.all():
        if cluster.name in seen or cluster.removed_at is not None:
            continue
        if cluster.name in removed_by_settings or cluster.counts_as_removed(as_of):
            transaction.clusters.record_removed(cluster.name, as_of=as_of)
            continue
        if _carry_forward(transaction, cluster.name, sorted(measured), as_of):
            transaction.clusters.record_lost(cluster.name, as_of=as_of)


def _carry_forward(transaction: Transaction, cluster: str, refs: list[EntityRef], as_of: datetime) -> bool:
    """Link what components had in a lost cluster to their snapshots; say whether there was any."""
    reason = f"cluster {cluster} is in no answer of ScaleOps"
    found = False
    for start in range(0, len(refs), _AT_A_TIME):
        some = refs[start : start + _AT_A_TIME]
        had = transaction.clusters.previous_workloads(cluster, some, before=as_of, within=LOST_FOR)
        found = found or bool(had)
        standing = transaction.snapshots.of_components(list(had), as_of)
        transaction.snapshots.replace_all(
            [measurement.with_unmeasured(had[measurement.snapshot.ref], reason=reason) for measurement in standing]
        )
    return found


def in_words(as_of: datetime) -> str:
    """Name a sweep for a person."""
    return f"{as_of:%Y-%m-%d %H:%M} UTC"
