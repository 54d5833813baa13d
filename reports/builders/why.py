"""Builds the section about why the cost changed from a decomposition. Shown amounts are rounded so that they add up."""

from __future__ import annotations

from decimal import Decimal

from domain.closing_point import ClosingPoint
from domain.cost_decomposition import CauseParts, CostCause, CostDecomposition, decompose
from domain.cost_movers import CostMover, group_movers
from domain.money import round_money
from domain.rounding import round_parts
from domain.usual_range import noise_floor
from reports import content
from reports.builders.causes import describe_causes
from reports.builders.headline import amount_of
from reports.builders.names import ReportNames


def build_why(
    now: ClosingPoint, then: ClosingPoint, names: ReportNames, *, currency: str, zone: str, found: CostDecomposition | None = None
) -> content.WhyChanged:
    """Explain the difference of two closing snapshots. `found` is their decomposition, if it is made already."""
    found = found or decompose(now, then)
    movers = group_movers(found, noise_floor)
    whole = round_money(movers.amount, currency)
    shown = round_parts(
        [*(one.amount for one in movers.movers), movers.small.amount, movers.not_comparable.amount], currency, whole=whole
    )
    return content.WhyChanged(
        currency=currency,
        then_as_of=then.as_of,
        now_as_of=now.as_of,
        cost_then=amount_of(then.cost_7d, currency=currency, period="7 days", as_of=then.as_of),
        cost_now=amount_of(now.cost_7d, currency=currency, period="7 days", as_of=now.as_of),
        amount=whole,
        causes=_causes(found.parts, tuple(found.parts), currency, whole=whole),
        movers=tuple(
            _mover(mover, amount, names, currency=currency, zone=zone)
            for mover, amount in zip(movers.movers, shown[:-2], strict=True)
        ),
        small_workloads=movers.small.workloads,
        small_amount=shown[-2],
        not_comparable=movers.not_comparable.workloads,
        not_comparable_amount=shown[-1],
        components_unknown=len({*now.unknown, *then.unknown}),
    )


def _causes(parts: CauseParts, order: tuple[CostCause, ...], currency: str, *, whole: Decimal) -> tuple[content.CausePart, ...]:
    amounts = round_parts([parts[cause] for cause in order], currency, whole=whole)
    return tuple(
        content.CausePart(cause=cause.value, amount=amount) for cause, amount in zip(order, amounts, strict=True) if amount
    )


def _mover(mover: CostMover, amount: Decimal, names: ReportNames, *, currency: str, zone: str) -> content.Mover:
    changes = [one.change for one in mover.workloads]
    then = None if all(one.then is None for one in changes) else round_money(mover.then, currency)
    now = None if all(one.now is None for one in changes) else (then or Decimal(0)) + amount
    places = round_parts([one.amount for one in changes], currency, whole=amount)
    return content.Mover(
        label=names.label(changes[0].key),
        name=mover.name,
        type=mover.type,
        components=tuple(names.component(ref) for ref in mover.components),
        places=tuple(
            content.MoverPlace(cluster=one.key.cluster, namespace=one.key.namespace, amount=shown)
            for one, shown in zip(changes, places, strict=True)
        ),
        then=-amount if now is None else then,
        now=now,
        amount=amount,
        share=mover.share,
        causes=_causes(mover.parts, mover.causes, currency, whole=amount),
        sentence=describe_causes(mover, zone),
        other_owner=", ".join(sorted({str(one.other_owner) for one in changes if one.other_owner is not None})),
    )
