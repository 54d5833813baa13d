"""What grew behind an alert about money: the workloads that cost more than in the 7 days before, largest first."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from domain.closing_point import ClosingPoint
from domain.cost_decomposition import decompose
from domain.cost_movers import CostMover, group_movers
from domain.money import format_count, format_money
from domain.usual_range import noise_floor
from reports.builders.causes import describe_causes
from reports.formatting import clip, format_change, format_day

MAX_GROWN: Final = 3
_MAX_NAME: Final = 80
_MAX_CAUSE: Final = 160


def describe_growth(now: ClosingPoint, then: ClosingPoint, *, currency: str, zone: str) -> tuple[str, ...]:
    """Return a line for each of the workloads that grew most, then the rest and what cannot be compared; empty if none is known to have grown."""
    movers = group_movers(decompose(now, then), noise_floor)
    grown = [mover for mover in movers.movers if mover.amount > 0]
    if not grown:
        return ()
    lines = [_describe(mover, format_day(then.as_of, zone), currency, zone) for mover in grown[:MAX_GROWN]]
    if len(grown) > MAX_GROWN:
        rest = sum((mover.amount for mover in grown[MAX_GROWN:]), start=Decimal(0))
        more = format_count(len(grown) - MAX_GROWN, "more workload")
        lines.append(f"{more} grew: {format_money(rest, currency, signed=True)}")
    if movers.not_comparable.workloads:
        lines.append(f"Not comparable, because a cost is unknown: {format_count(movers.not_comparable.workloads, 'workload')}")
    return tuple(lines)


def _describe(mover: CostMover, since: str, currency: str, zone: str) -> str:
    amount = format_change(mover.amount, mover.share, currency)
    return f"Grew since {since}: {clip(mover.name, _MAX_NAME)}, {_clusters(mover)}: {amount}, {clip(describe_causes(mover, zone), _MAX_CAUSE)}"


def _clusters(mover: CostMover) -> str:
    clusters: Sequence[str] = sorted({one.change.key.cluster for one in mover.workloads})
    return clip(clusters[0], _MAX_NAME) if len(clusters) == 1 else format_count(len(clusters), "cluster")
