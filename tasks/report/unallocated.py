"""The facts about unallocated cost, from the sweeps that close the weeks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.inventory import LARGEST_PER_CLUSTER
from domain.measures import is_known
from domain.unallocated import SweepUnallocated
from domain.weeks import IsoWeek
from reports.facts import UnallocatedFacts
from store import Transaction


def gather_unallocated(
    transaction: Transaction, sweeps: Mapping[IsoWeek, Sequence[datetime]], *, shared: Collection[str]
) -> UnallocatedFacts:
    """Gather what no component claims. `sweeps` are those that may close each week, oldest week first."""
    weeks = tuple((week, transaction.unallocated.closing(as_ofs, shared=shared)) for week, as_ofs in sweeps.items())
    first = next((number for number, (_, closing) in enumerate(weeks) if is_known(closing.cost)), len(weeks) - 1)
    return replace(gather_closing(transaction, weeks[-1][1], shared=shared), weeks=weeks[first:])


def gather_closing(transaction: Transaction, closing: SweepUnallocated, *, shared: Collection[str]) -> UnallocatedFacts:
    """Gather what no component claims in the sweep that closes a week or month, without the weeks before."""
    if closing.as_of is None:
        return UnallocatedFacts(closing=closing)
    return UnallocatedFacts(
        closing=closing,
        largest=transaction.unallocated.largest(closing.as_of, limit=LARGEST_PER_CLUSTER, shared=shared),
        without_workloads=transaction.inventory.count_without_workloads(closing.as_of),
    )
