"""Unallocated cost: what the clusters cost and no catalog component claims. Cost is for 7 days."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.bulk_trust import BulkCheck, BulkSubject, checks_of
from domain.clock import format_utc
from domain.inventory import NamespaceCost
from domain.measures import Measured, Total, Unknown, sum_totals
from domain.money import format_money, format_percent


@dataclass(frozen=True, slots=True, kw_only=True)
class UnallocatedCost:
    """The unallocated cost of one sweep. `shared` namespaces belong to everyone on purpose, and are shown apart."""

    unallocated: Total
    shared: Total
    allocated: Total
    namespaces: tuple[NamespaceCost, ...]
    """Namespaces with an unallocated workload, without the shared ones; the highest cost first, unknown ones last."""
    shared_namespaces: tuple[NamespaceCost, ...]
    """The shared namespaces with an unallocated workload, in the same order."""

    @property
    def is_complete(self) -> bool:
        """True if the cost of every workload is known."""
        return all(total.is_complete for total in (self.unallocated, self.shared, self.allocated))

    @property
    def share(self) -> Decimal | None:
        """The unallocated part of all cost, without that of the shared namespaces. None: nothing is known, or nothing costs."""
        parts = [total.amount for total in (self.unallocated, self.shared, self.allocated)]
        known = [amount for amount in parts if not isinstance(amount, Unknown)]
        if isinstance(self.unallocated.amount, Unknown) or not sum(known):
            return None
        return self.unallocated.amount / sum(known, Decimal(0))


def summarize_unallocated(costs: Iterable[NamespaceCost], *, shared: Collection[str]) -> UnallocatedCost:
    """Sum the costs of the namespaces of a sweep. `shared` are the names of shared namespaces, in any cluster."""
    every = tuple(costs)
    unclaimed = sorted((cost for cost in every if cost.unallocated.parts), key=_by_cost)
    own = tuple(cost for cost in unclaimed if cost.namespace not in shared)
    apart = tuple(cost for cost in unclaimed if cost.namespace in shared)
    return UnallocatedCost(
        unallocated=sum_totals([cost.unallocated for cost in own]),
        shared=sum_totals([cost.unallocated for cost in apart]),
        allocated=sum_totals([cost.allocated for cost in every]),
        namespaces=own,
        shared_namespaces=apart,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepUnallocated:
    """The unallocated cost of one sweep. `as_of` is None if there was no sweep."""

    as_of: datetime | None
    cost: Measured[UnallocatedCost]


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryCoverage:
    """How many unallocated workloads a sweep with a trusted inventory found, and of how many it knows the cost."""

    as_of: datetime
    known: int
    parts: int

    @property
    def has_cost(self) -> bool:
        """True if the cost is known at least in part; without workloads it is zero."""
        return self.known > 0 or self.parts == 0


def choose_closing_inventory(candidates: Iterable[InventoryCoverage]) -> datetime | None:
    """Return the sweep that closes a week for the unallocated cost: the newest with a known cost, else the newest."""
    best = max(candidates, key=lambda one: (one.has_cost, one.as_of), default=None)
    return None if best is None else best.as_of


def describe_missing(cost: UnallocatedCost, *, without_workloads: int) -> Iterator[str]:
    """Yield a sentence for each part of the sums that is not known.

    Args:
        cost: the costs of a sweep.
        without_workloads: components that the sweep did not measure and of which no workload is known.
    """
    for total, name in ((cost.unallocated, "unallocated"), (cost.shared, "shared"), (cost.allocated, "allocated")):
        if not total.is_complete:
            yield f"the cost of {total.parts - total.known} of {total.parts} {name} workloads is unknown"
    amounts = {(one.cluster, one.unallocated.amount) for one in (*cost.namespaces, *cost.shared_namespaces)}
    yield from sorted({f"{cluster}: {amount.reason}" for cluster, amount in amounts if isinstance(amount, Unknown)})
    if without_workloads:
        have = "component was" if without_workloads == 1 else "components were"
        yield f"{without_workloads} {have} never measured: a part of this may be theirs"


def describe_newest(newest: SweepUnallocated | None, currency: str) -> str:
    """Return the unallocated cost of the newest sweep that knows it, with its share and as-of."""
    if newest is None or newest.as_of is None:
        return "unknown: no sweep had a trusted inventory"
    cost = newest.cost
    if isinstance(cost, Unknown):
        return f"unknown: {cost.reason}"
    amount = cost.unallocated.amount
    if isinstance(amount, Unknown):
        return f"unknown: {amount.reason}"
    share = "" if cost.share is None else f", {format_percent(cost.share)} of all {'' if cost.is_complete else 'known '}cost"
    return f"{format_money(amount, currency)} for the 7 days to {format_utc(newest.as_of)}{share}"


def reason_not_trusted(checks: Iterable[BulkCheck]) -> str:
    """Return why a sweep has no unallocated cost, from its checks."""
    found = checks_of(checks, BulkSubject.INVENTORY)
    if not found:
        return "the sweep fetched no inventory (SCALEOPS_BULK is off, or it was interrupted)"
    reasons = [check.reason for check in found if not check.trusted]
    return f"the inventory is not trusted: {'; '.join(reasons)}" if reasons else "the inventory was not compared"


def _by_cost(cost: NamespaceCost) -> tuple[bool, Decimal, str, str]:
    amount = cost.unallocated.amount
    is_unknown = isinstance(amount, Unknown)
    return is_unknown, Decimal(0) if isinstance(amount, Unknown) else -amount, cost.cluster, cost.namespace
