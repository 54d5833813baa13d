"""The section of the roll-up about cost that no component claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from domain.inventory import NamespaceCost
from domain.measures import Total, Unknown, sum_totals, total_of
from domain.selectors import KUBERNETES_NAMESPACE, LABEL_SELECTOR
from domain.unallocated import SweepUnallocated, UnallocatedCost, describe_missing
from domain.weeks import IsoWeek
from reports import content
from reports.builders.headline import amount_of
from reports.builders.names import ambiguous_names, workload_name
from reports.facts import UnallocatedFacts
from reports.formatting import clip

MAX_NAMESPACES: Final = 10
MAX_WORKLOADS: Final = 10
_MAX_NAME: Final = 80


def build_unallocated(facts: UnallocatedFacts, currency: str) -> content.UnallocatedSpend:
    """Summarise what no component claimed in the sweep that closes the week."""
    as_of, found = facts.closing.as_of, facts.closing.cost
    if isinstance(found, Unknown):
        unknown = _amount(Total(amount=found, known=0, parts=0), currency, as_of)
        none = _list([], currency, as_of)
        return content.UnallocatedSpend(
            cost=unknown,
            share=None,
            allocated=unknown,
            shared=unknown,
            namespaces=none,
            shared_namespaces=none,
            workloads=(),
            weeks=_weeks(facts.weeks, currency),
            missing=(),
            advice="",
        )
    return content.UnallocatedSpend(
        cost=_amount(found.unallocated, currency, as_of),
        share=found.share,
        allocated=_amount(found.allocated, currency, as_of),
        shared=_amount(found.shared, currency, as_of),
        namespaces=_list(found.namespaces, currency, as_of),
        shared_namespaces=_list(found.shared_namespaces, currency, as_of),
        workloads=_workloads(facts, currency),
        weeks=_weeks(facts.weeks, currency),
        missing=tuple(describe_missing(found, without_workloads=facts.without_workloads)),
        advice=_advice(found),
    )


def _amount(total: Total, currency: str, as_of: datetime | None) -> content.Amount:
    return amount_of(total, currency=currency, period="7 days", as_of=as_of)


def _list(costs: Sequence[NamespaceCost], currency: str, as_of: datetime | None) -> content.NamespaceList:
    rest = costs[MAX_NAMESPACES:]
    return content.NamespaceList(
        top=tuple(
            content.UnallocatedNamespace(
                cluster=one.cluster, namespace=one.namespace, cost=_amount(one.unallocated, currency, as_of)
            )
            for one in costs[:MAX_NAMESPACES]
        ),
        more=len(rest),
        more_cost=_amount(sum_totals([one.unallocated for one in rest]), currency, as_of),
    )


def _workloads(facts: UnallocatedFacts, currency: str) -> tuple[content.UnallocatedWorkload, ...]:
    ambiguous = ambiguous_names(one.key for one in facts.largest)
    return tuple(
        content.UnallocatedWorkload(
            workload=workload_name(one.key, ambiguous), cost=_amount(total_of([one.cost_7d]), currency, facts.closing.as_of)
        )
        for one in facts.largest[:MAX_WORKLOADS]
    )


def _weeks(weeks: Iterable[tuple[IsoWeek, SweepUnallocated]], currency: str) -> tuple[content.UnallocatedWeek, ...]:
    return tuple(_week(week, closing, currency) for week, closing in weeks)


def _week(week: IsoWeek, closing: SweepUnallocated, currency: str) -> content.UnallocatedWeek:
    found = closing.cost
    total = Total(amount=found, known=0, parts=0) if isinstance(found, Unknown) else found.unallocated
    share = None if isinstance(found, Unknown) else found.share
    return content.UnallocatedWeek(week=str(week), cost=_amount(total, currency, closing.as_of), share=share)


def _advice(cost: UnallocatedCost) -> str:
    """Return which annotation gives the workloads an owner, with the namespace of the highest cost as the example."""
    if not cost.namespaces:
        return ""
    first = cost.namespaces[0]
    namespace = clip(first.namespace, _MAX_NAME)
    return (
        f"To give these workloads an owner, put {LABEL_SELECTOR} with labels that select them (for example app=checkout) on a component "
        f"in the catalog; {KUBERNETES_NAMESPACE}: {namespace} limits it to the namespace of the highest cost. "
        "Namespaces that serve every team belong in unallocated.shared of the configuration."
    )
