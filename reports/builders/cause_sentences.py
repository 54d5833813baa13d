"""Sentences of the section about why the cost changed, identical in every rendering."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from domain.money import format_count, format_direction, format_money
from domain.usual_range import NOISE_AMOUNT, NOISE_SHARE
from reports import content
from reports.formatting import clip

MAX_PLACES: Final = 3
MAX_MOVERS: Final = 150
"""Workloads that a page lists, the largest changes first; the others are one sum, and are rows of its CSV and JSON."""
_MAX_NAME_LENGTH: Final = 60
_BY_DIRECTION: Final = {
    "pods": ("More pod-hours", "Fewer pod-hours"),
    "requests": ("Larger requests", "Smaller requests"),
    "spot share": ("Smaller spot share", "Larger spot share"),
    "unit price": ("Higher unit price", "Lower unit price"),
}
_LABELS: Final = {"moved": "Moved between owners"}


def format_cause(part: content.CausePart) -> str:
    """Return the name of a cause with the direction of its part: `More pod-hours`."""
    if part.cause in _BY_DIRECTION:
        dearer, cheaper = _BY_DIRECTION[part.cause]
        return dearer if part.amount > 0 else cheaper
    return _LABELS.get(part.cause) or f"{part.cause[0].upper()}{part.cause[1:]}"


def format_causes(why: content.WhyChanged) -> str:
    """List the causes with their parts: `More pod-hours +$120.00, higher unit price +$10.00`."""
    found = [f"{format_cause(part)} {format_money(part.amount, why.currency, signed=True)}" for part in why.causes]
    return ", ".join([*found[:1], *(f"{one[0].lower()}{one[1:]}" for one in found[1:])])


def format_small_changes(why: content.WhyChanged) -> str:
    """Summarise what moved less than the noise floor; empty if nothing did."""
    if not why.small_workloads:
        return ""
    many = format_count(why.small_workloads, "workload" if not why.movers else "other workload")
    floor = f"less than {NOISE_SHARE:.0%} or {format_money(NOISE_AMOUNT, why.currency)}"
    return f"{many} changed by {floor} each: {format_money(why.small_amount, why.currency, signed=True)} in all."


def format_not_comparable(why: content.WhyChanged) -> str:
    """Summarise what cannot be compared; empty if everything can."""
    parts = list(_incomparable(why))
    return f"{' and '.join(parts)}." if parts else ""


def _incomparable(why: content.WhyChanged) -> Iterator[str]:
    if why.not_comparable:
        amount = format_money(why.not_comparable_amount, why.currency, signed=True)
        of = f" ({amount} of the difference)" if format_direction(why.not_comparable_amount, why.currency) else ""
        yield f"{format_count(why.not_comparable, 'workload')} cannot be compared, because a cost is unknown in one of the weeks{of}"
    if why.components_unknown:
        yield f"{format_count(why.components_unknown, 'component')} could not be measured in one of the weeks"


def format_no_cause(why: content.WhyChanged) -> str:
    """Return the sentence in place of an empty section; empty if there is something to show."""
    if why.movers or why.small_workloads:
        return ""
    if why.not_comparable or why.components_unknown:
        return "No change is known."
    return "No workload changed its cost."


def format_more_movers(why: content.WhyChanged) -> str:
    """Sum up the workloads that a page does not list; empty if it lists all."""
    rest = why.movers[MAX_MOVERS:]
    if not rest:
        return ""
    amount = format_money(sum((one.amount for one in rest), Decimal(0)), why.currency, signed=True)
    return f"{format_count(len(rest), 'more workload')}, {amount} together, are in the CSV and JSON of this table."


def format_places(group: content.Mover | content.HotSpot) -> str:
    """Name the clusters and namespaces of workloads of one name, those of the largest amount first."""
    names = list(dict.fromkeys(f"{place.cluster} / {place.namespace}" for place in group.places))
    shown = ", ".join(clip(name, _MAX_NAME_LENGTH) for name in names[:MAX_PLACES])
    return shown if len(names) <= MAX_PLACES else f"{shown} and {len(names) - MAX_PLACES:,} more"
