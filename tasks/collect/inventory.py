"""The inventory of a full sweep: every workload in one call, compared at closing with what the components' own calls returned.

What the inventory has and no component claims is the unallocated cost. It is unknown while the responses are not trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

import structlog

from actions.live.bulk_costs import BulkCosts
from actions.live.measure import cost_of_row
from clients.http.errors import ServiceError
from domain.bulk_trust import BulkCheck, BulkSubject, checks_of
from domain.inventory import UNPROVEN, InventoryCosts, InventoryWorkload, allocate_costs, unmeasured_costs
from domain.measures import Unknown
from domain.messages import Json
from domain.money import format_count
from domain.ownership import normalized_id
from domain.sweeps import LOST_CLUSTER_TTL, reason_of_lost
from domain.workload import UNREADABLE, Workload, WorkloadKey
from store import HeartbeatKind, Transaction
from tasks.context import StageContext
from tasks.spans import sweep_span

log = structlog.get_logger(__name__)

ALL_CLUSTERS: Final = ""
"""The cluster of the check that is recorded when the inventory was fetched whole, or could not be."""
_BATCH_SIZE: Final = 1000
_STAGE: Final = "inventory"
"""Of the heartbeat with the failure of the last call, until another call succeeds or the sweep is closed."""


def take_inventory(context: StageContext, as_of: datetime, bulk_costs: BulkCosts) -> None:
    """Store the inventory of a sweep, once. A failure is stored as a reason not to trust it, and costs the sweep nothing else."""
    if not context.policy.uses_bulk:
        return
    with context.store.reading() as transaction:
        if _checks(transaction, as_of, BulkSubject.INVENTORY):
            return
    try:
        with sweep_span(context.tracer, "inventory", as_of):
            reason = _store(context, as_of, context.services.scaleops.all_workloads(), bulk_costs)
    except ServiceError as error:
        if error.service_down:  # the components fail alike, and the next collect of the slot tries both again
            with context.store.transaction() as transaction:
                details: dict[str, Json] = {"sweep": as_of.isoformat(), "failure": str(error)}
                transaction.heartbeats.record(_STAGE, HeartbeatKind.PROGRESS, at=context.clock(), details=details)
            return
        reason = str(error)
    if reason:
        log.warning("inventory not usable", sweep=as_of.isoformat(), reason=reason)
    with context.store.transaction() as transaction:
        transaction.bulk_checks.record([_check_of_all(as_of, reason), *bulk_costs.checks()])


def compare_inventory(context: StageContext, as_of: datetime) -> None:
    """Compare the inventory of a sweep with the workloads of its components, and store both the result and the unallocated cost.

    To be called when every component has an outcome, and those that could not be measured have their last known workloads. An
    inventory that has not arrived by then is not trusted, and one that arrives later stays so.
    """
    store = context.store
    with store.reading() as transaction:
        fetched = _checks(transaction, as_of, BulkSubject.INVENTORY)
    if not fetched and context.policy.uses_bulk:
        with store.transaction() as transaction:
            transaction.bulk_checks.record([_check_of_all(as_of, _why_not_fetched(transaction, as_of))])
    if not fetched or not all(check.trusted for check in fetched):
        return
    with store.reading() as transaction:
        previous = transaction.sweeps.closed_before(as_of)
        missing = transaction.inventory.missing(as_of, known_at=None if previous is None else previous.as_of)
        checks = [_inventory_check(as_of, cluster, number) for cluster, number in sorted(missing.items())]
        costs = InventoryCosts(namespaces=(), largest=())
        if all(check.trusted for check in checks):
            reasons = {
                check.cluster: "" if check.trusted else f"the costs of the whole cluster are not trusted: {check.reason}"
                for check in _checks(transaction, as_of, BulkSubject.COSTS)
            }
            unclaimed = (
                _if_trusted(workload, reasons.get(workload.key.cluster)) for workload in transaction.inventory.unclaimed(as_of)
            )
            costs = allocate_costs(unclaimed, transaction.inventory.claimed(as_of), shared=context.policy.shared_namespaces)
    with store.transaction() as transaction:
        transaction.bulk_checks.record(checks)
        transaction.unallocated.put(as_of, costs)


def carry_lost_costs(transaction: Transaction, as_of: datetime, lost: Iterable[str]) -> None:
    """Store the costs of lost clusters as unknown, with the workloads that the newest sweep had there: no sum gets smaller or complete."""
    if not transaction.unallocated.namespaces(as_of):
        return
    for cluster in lost:
        before = transaction.unallocated.last_of_cluster(cluster, after=as_of - LOST_CLUSTER_TTL, before=as_of)
        unknown = unmeasured_costs(before, reason=reason_of_lost(cluster))
        transaction.unallocated.put(as_of, InventoryCosts(namespaces=unknown, largest=()))


def _checks(transaction: Transaction, as_of: datetime, subject: BulkSubject) -> tuple[BulkCheck, ...]:
    return checks_of(transaction.bulk_checks.of_sweep(as_of), subject)


def _why_not_fetched(transaction: Transaction, as_of: datetime) -> str:
    tried = transaction.heartbeats.last(_STAGE, HeartbeatKind.PROGRESS)
    failed = tried is not None and tried.details.get("sweep") == as_of.isoformat()
    cause = f": {tried.details['failure']}" if tried is not None and failed else ""
    return f"it was not fetched before the sweep was closed{cause}"


def _check_of_all(as_of: datetime, reason: str) -> BulkCheck:
    return BulkCheck(as_of=as_of, subject=BulkSubject.INVENTORY, cluster=ALL_CLUSTERS, trusted=not reason, reason=reason)


def _store(context: StageContext, as_of: datetime, workloads: Iterable[Workload], bulk_costs: BulkCosts) -> str:
    """Store the workloads and compare the bulk costs with them; return why the inventory is not trusted, or an empty string."""
    with context.store.transaction() as transaction:
        transaction.inventory.clear()
    seen: dict[WorkloadKey, int] = {}
    ids: dict[str, set[str]] = {}
    ambiguous = set()
    for batch in _batches(workloads):
        for workload in batch:
            if seen.setdefault(workload.key, hash(workload)) != hash(workload):
                ambiguous.add(workload.key)
            if workload.id is not None:
                ids.setdefault(workload.key.cluster, set()).add(normalized_id(workload.id))
        rows = [_with_cost(workload, context, bulk_costs) for workload in batch]
        with context.store.transaction() as transaction:
            transaction.inventory.add(as_of, rows)
    bulk_costs.reject_foreign_rows(ids)
    if ambiguous:
        return f"it has different rows for {format_count(len(ambiguous), 'workload')}"
    return "" if seen else "it is empty"


def _batches(workloads: Iterable[Workload]) -> Iterator[tuple[Workload, ...]]:
    remaining = iter(workloads)
    while batch := tuple(islice(remaining, _BATCH_SIZE)):
        yield batch


def _with_cost(workload: Workload, context: StageContext, bulk_costs: BulkCosts) -> InventoryWorkload:
    if workload.key.cluster == UNREADABLE:
        return InventoryWorkload(key=workload.key, cost_7d=Unknown("its row could not be read"))
    try:
        rows = bulk_costs.load(workload.key.cluster, context.services.scaleops)
    except ServiceError as error:
        return InventoryWorkload(key=workload.key, cost_7d=Unknown(str(error)))
    row = None if workload.id is None else rows.get(normalized_id(workload.id))
    return InventoryWorkload(key=workload.key, cost_7d=cost_of_row(row))


def _inventory_check(as_of: datetime, cluster: str, missing: int) -> BulkCheck:
    reason = f"{missing} workload{'s' if missing > 1 else ''} of {cluster} {'are' if missing > 1 else 'is'} missing in it"
    return BulkCheck(
        as_of=as_of, subject=BulkSubject.INVENTORY, cluster=cluster, trusted=not missing, reason=reason if missing else ""
    )


def _if_trusted(workload: InventoryWorkload, reason: str | None) -> InventoryWorkload:
    """Return the workload, with an unknown cost if there is a reason not to trust it; None: nothing was compared."""
    if reason == "":
        return workload
    return InventoryWorkload(key=workload.key, cost_7d=UNPROVEN if reason is None else Unknown(reason))
