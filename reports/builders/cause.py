"""Why the cost changed, in one sentence for the first screen: the largest movers with their causes, and the sum of all else."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from domain.money import change_share, format_count, format_direction, format_money
from reports import content
from reports.formatting import clip, format_change

MAX_CAUSES: Final = 2
_MAX_NAME: Final = 60
_MAX_CAUSE: Final = 160


def largest_movers(why: content.WhyChanged) -> tuple[content.Mover, ...]:
    """Return the movers that explain a change best: those in its direction first, each kind the largest first."""
    return tuple(sorted(why.movers, key=lambda one: (one.amount * why.amount < 0, -abs(one.amount), one.label)))


def describe_cause(why: content.WhyChanged) -> str:
    """Return the largest movers and the rest, which add up to the change; empty if nothing changed."""
    shown = largest_movers(why)[:MAX_CAUSES]
    said = [_describe_mover(one, why.currency) for one in shown]
    if not shown and why.small_workloads:
        said = [f"No workload moved much: {format_count(why.small_workloads, 'small change')}, {_signed(why.small_amount, why)}"]
    rest = why.amount - why.not_comparable_amount - sum((one.amount for one in shown), Decimal(0))
    if shown and format_direction(rest, why.currency):
        then = why.cost_then.amount or Decimal(0)
        share = change_share(rest, base=then - sum((one.then or Decimal(0) for one in shown), Decimal(0)))
        said.append(f"All else: {format_change(rest, share, why.currency)}")
    if format_direction(why.not_comparable_amount, why.currency):
        said.append(f"Not comparable, because a cost is unknown: {_signed(why.not_comparable_amount, why)}")
    return " ".join(f"{one}." for one in said)


def _describe_mover(one: content.Mover, currency: str) -> str:
    subject = f"{clip(one.label, _MAX_NAME)}, {clip(_format_clusters(one.places), _MAX_NAME)}"
    share = None if one.then is None or one.now is None else one.share
    return f"{subject}: {format_change(one.amount, share, currency)}, {clip(one.sentence, _MAX_CAUSE)}"


def _format_clusters(places: Iterable[content.MoverPlace]) -> str:
    clusters = sorted({place.cluster for place in places})
    return clusters[0] if len(clusters) == 1 else format_count(len(clusters), "cluster")


def _signed(amount: Decimal, why: content.WhyChanged) -> str:
    return format_money(amount, why.currency, signed=True)
