"""Closes sweeps: records what is missing, and carries what could not be measured forward, so that nothing looks removed."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from actions.live.measure import unmeasured
from domain.clock import format_utc
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import LOST_CLUSTER_TTL, Sweep, deadline_of, reason_of_lost
from store import HeartbeatKind, Store, SweepClosed, Transaction
from tasks.collect.bulk_withdrawal import withdraw_untrusted
from tasks.collect.inventory import carry_lost_costs, compare_inventory
from tasks.context import Policy, StageContext

UNMEASURED_COMPONENT: Final = "its component could not be measured"
LAST_KNOWN_TTL: Final = timedelta(days=90)
"""Daily snapshots are kept for this long: a component not measured for longer has no known workloads."""
_BATCH_SIZE: Final = 500


def sweep_deadline(policy: Policy, sweep: Sweep) -> datetime:
    """Return when a sweep is closed at the latest."""
    return deadline_of(sweep.as_of, opened_at=sweep.opened_at, limit=policy.sweep_limit, every=policy.collect_every)


def close_overdue(context: StageContext, *, now: datetime) -> tuple[Sweep, ...]:
    """Close every open sweep whose deadline has passed, oldest first, and return them."""
    with context.store.reading() as transaction:
        open_sweeps = transaction.sweeps.unclosed()
    closed = []
    for sweep in open_sweeps:
        if sweep_deadline(context.policy, sweep) <= now:
            ended = f"the sweep of {format_utc(sweep.as_of)} ended before this component was measured"
            reason = with_cause(context, sweep, ended)
            closed.append(close(context, sweep.as_of, now=now, missing_because=reason))
    return tuple(closed)


def close(context: StageContext, as_of: datetime, *, now: datetime, missing_because: str) -> Sweep:
    """Record components without an outcome as unknown, carry these and lost clusters forward, and close the sweep.

    What was measured with untrusted costs, and not again, has no outcome. Interrupted at any point it can be repeated; a closed
    sweep is returned as it is.
    """
    with suppress(SweepClosed):  # by another process
        withdraw_untrusted(context.store, as_of)
        _record_missing(context.store, as_of, missing_because)
        _carry_unknown_forward(context.store, as_of)
    compare_inventory(context, as_of)
    with context.store.transaction() as transaction:
        sweep = transaction.sweeps.get(as_of, for_update=True)
        if sweep is not None and sweep.closed_at is not None:
            return sweep
        lost = _update_clusters(transaction, as_of, removed_by_settings=context.policy.removed_clusters)
        carry_lost_costs(transaction, as_of, lost)
        transaction.snapshots.record_listed_since(as_of)
        transaction.snapshots.record_mean_requests(as_of)
        transaction.heartbeats.record("collect", at=now)
        return transaction.sweeps.close(as_of, closed_at=now)


def with_cause(context: StageContext, sweep: Sweep, reason: str) -> str:
    """Add to the reason of components that were not measured in time what has failed since the sweep was opened, if anything has."""
    with context.store.reading() as transaction:
        failed = transaction.heartbeats.last("collect", HeartbeatKind.FAILED)
        has_failed = failed is not None and failed.at >= sweep.opened_at
        cause = str(failed.details.get("reason", "")) if failed and has_failed else transaction.snapshots.main_reason(sweep.as_of)
    return f"{reason}: {cause}" if cause else reason


def _record_missing(store: Store, as_of: datetime, reason: str) -> None:
    with store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of)
        outcomes = transaction.snapshots.outcomes(as_of)
        missing = [ref for ref in transaction.components.refs() if ref not in outcomes]
        expected = len(missing) + len(outcomes)
    if sweep is None or sweep.closed_at is not None:
        return
    for start in range(0, len(missing), _BATCH_SIZE):
        with store.transaction() as transaction:
            batch = transaction.components.by_refs(missing[start : start + _BATCH_SIZE])
            transaction.snapshots.put_all([unmeasured(component, as_of=as_of, reason=reason) for component in batch])
    with store.transaction() as transaction:
        transaction.sweeps.record_listing(
            as_of, expected=expected, complete=sweep.listing_complete, missing=sweep.listing_missing, reason=sweep.listing_reason
        )


def _carry_unknown_forward(store: Store, as_of: datetime) -> None:
    """Link the last known workloads of components that could not be measured to their snapshots, as unknown."""
    with store.reading() as transaction:
        sweep = transaction.sweeps.get(as_of)
        unknown = sorted(ref for ref, one in transaction.snapshots.outcomes(as_of).items() if one is Outcome.UNKNOWN)
    if sweep is None or sweep.closed_at is not None:
        return
    for start in range(0, len(unknown), _BATCH_SIZE):
        with store.transaction() as transaction:
            batch = unknown[start : start + _BATCH_SIZE]
            previous = transaction.clusters.previous_workloads(batch, before=as_of, within=LAST_KNOWN_TTL)
            current = transaction.snapshots.of_components(list(previous), as_of)
            carried = [one.with_unmeasured(previous[one.snapshot.ref], reason=UNMEASURED_COMPONENT) for one in current]
            transaction.snapshots.put_all([one for one in carried if one.snapshot.outcome is Outcome.UNKNOWN])


def _update_clusters(transaction: Transaction, as_of: datetime, *, removed_by_settings: frozenset[str]) -> tuple[str, ...]:
    """Record for each cluster whether this sweep saw it, lost it, or counts it as removed. Returns those that are lost.

    Lost: no response names it, and a component that was measured now had workloads there before. These are carried forward as
    unknown, so that nothing looks removed.
    """
    seen = transaction.clusters.in_sweep(as_of)
    transaction.clusters.record_seen(seen, as_of=as_of)
    lost = []
    measured = [ref for ref, outcome in transaction.snapshots.outcomes(as_of).items() if outcome is Outcome.MEASURED]
    for cluster in transaction.clusters.all():
        if cluster.name in seen or cluster.removed_at is not None:
            continue
        if cluster.name in removed_by_settings or cluster.counts_as_removed(as_of):
            transaction.clusters.record_removed(cluster.name, as_of=as_of)
            continue
        if _carry_forward(transaction, cluster.name, sorted(measured), as_of):
            transaction.clusters.record_lost(cluster.name, as_of=as_of)
            lost.append(cluster.name)
    return tuple(lost)


def _carry_forward(transaction: Transaction, cluster: str, refs: list[EntityRef], as_of: datetime) -> bool:
    """Link the workloads that components had in a lost cluster to their snapshots; return True if there were any."""
    reason = reason_of_lost(cluster)
    found = False
    for start in range(0, len(refs), _BATCH_SIZE):
        batch = refs[start : start + _BATCH_SIZE]
        previous = transaction.clusters.previous_workloads(batch, before=as_of, within=LOST_CLUSTER_TTL, cluster=cluster)
        found = found or bool(previous)
        current = transaction.snapshots.of_components(list(previous), as_of)
        transaction.snapshots.replace_all(
            [measurement.with_unmeasured(previous[measurement.snapshot.ref], reason=reason) for measurement in current]
        )
    return found
