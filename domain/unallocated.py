"""Unallocated cost: what the clusters cost and no catalog component claims. Cost is for 7 days."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.bulk_trust import BulkCheck, BulkSubject, checks_of
from domain.inventory import NamespaceCost
from domain.measures import Total, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class UnallocatedCost:
    """The unallocated cost of one sweep. `shared` namespaces belong to everyone on purpose, and are shown apart."""

    unallocated: Total
    shared: Total
    allocated: Total
    namespaces: tuple[NamespaceCost, ...]
    """Namespaces with an unallocated workload, without the shared ones; the highest cost first, unknown ones last."""

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
    own = [cost for cost in every if cost.namespace not in shared]
    return UnallocatedCost(
        unallocated=sum_totals([cost.unallocated for cost in own]),
        shared=sum_totals([cost.unallocated for cost in every if cost.namespace in shared]),
        allocated=sum_totals([cost.allocated for cost in every]),
        namespaces=tuple(sorted((cost for cost in own if cost.unallocated.parts), key=_by_cost)),
    )


def sum_totals(totals: Sequence[Total]) -> Total:
    """Return the total of the parts of all totals."""
    amounts = [total.amount for total in totals if total.parts]
    known = [amount for amount in amounts if not isinstance(amount, Unknown)]
    parts = sum(total.parts for total in totals)
    if parts and not known:
        return Total(amount=amounts[0], known=0, parts=parts)
    return Total(amount=sum(known, Decimal(0)), known=sum(total.known for total in totals), parts=parts)


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
