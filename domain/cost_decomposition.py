"""Why a cost changed: the difference of two closing snapshots, split exactly into causes.

Every workload has its comparison of `domain.cost_change`. What is not like for like is a cause of its own (added, removed, ramping in or
out, moved, not comparable). The cost of a like-for-like workload is taken as a product:

    cost = pod-hours x requests per pod x spot discount x unit price

Each factor gets the part L * ln(factor now / factor then), with L = (now - then) / ln(now / then): the logarithmic mean Divisia index
(LMDI I; B. W. Ang, "The LMDI approach to decomposition analysis", Energy Policy 33, 2005). It depends on no order of the factors, and
exchanging the two weeks only changes the signs. The parts are rounded to a billionth of the currency, and the unit price gets the rest, so
that they add up exactly.

The conventions, because ScaleOps states no prices: a pod's size is the sum of its mean CPU and memory requests over the 7 days, weighted
by OpenCost's default prices; the spot share explains the change of the price per pod-hour that it can explain with a discount of 0 to
90 %. A factor that is unknown in one week is not guessed: with its part, the rest has an unknown cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from enum import StrEnum
from functools import cached_property
from typing import Final

from domain.closing_point import ClosingPoint
from domain.cost_change import CostChange, CostComparison, WorkloadChange, compare
from domain.measures import Measured, Unknown
from domain.snapshots import WorkloadPoint

CPU_CORE_HOUR: Final = Decimal("0.031611")
MEMORY_GIB_HOUR: Final = Decimal("0.004237")
"""Default prices of OpenCost (configs/default.json). Only their ratio matters: a core weighs as much as 7.5 GiB."""
MAX_SPOT_DISCOUNT: Final = Decimal("0.9")
"""AWS offers spot capacity "at up to 90 % off" (aws.amazon.com/ec2/spot); other clouds offer no more."""
_MILLICORES: Final = 1000
_GIB: Final = 2**30
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_SMALLEST: Final = Decimal("1e-9")
_EXACT: Final = Context(prec=80)
"""Wide enough that no sum of amounts is rounded."""


class CostCause(StrEnum):
    """Why the cost of a workload changed. The first five are of like-for-like workloads."""

    PODS = "pods"
    """More or fewer pod-hours."""
    REQUESTS = "requests"
    """Bigger or smaller requests per pod."""
    SPOT_SHARE = "spot share"
    UNIT_PRICE = "unit price"
    """The price per pod-hour, at the same requests and spot share: the rest."""
    UNKNOWN = "unknown cause"
    ADDED = "added"
    REMOVED = "removed"
    RAMPING_IN = "ramping in"
    RAMPING_OUT = "ramping out"
    MOVED = "moved"
    NOT_COMPARABLE = "not comparable"


CauseParts = Mapping[CostCause, Decimal]
"""The part of a change that each cause has, without those that are zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedChange:
    """One workload: its change and the causes, whose parts add up to its amount."""

    change: WorkloadChange
    parts: CauseParts
    now: WorkloadPoint | None
    then: WorkloadPoint | None
    unknown_reason: str = ""
    """Why a part has an unknown cause; empty without such a part."""


@dataclass(frozen=True, kw_only=True)
class CostDecomposition:
    """The change of a component, a team or the platform with its causes. Each workload counts once."""

    change: CostChange
    workloads: tuple[ExplainedChange, ...]
    """Every workload of either snapshot, by key."""

    @cached_property
    def parts(self) -> CauseParts:
        """The sum over the workloads. It adds up to `amount`."""
        return sum_parts(one.parts for one in self.workloads)

    @cached_property
    def amount(self) -> Decimal:
        """The difference of the totals, an unknown one counted as zero."""
        return exact_sum(one.change.amount for one in self.workloads)


def decompose(now: ClosingPoint, then: ClosingPoint) -> CostDecomposition:
    """Split the difference of the costs of two closing snapshots into causes."""
    change = compare(now, then)
    return CostDecomposition(
        change=change, workloads=tuple(_explain(one, now.points.get(one.key), then.points.get(one.key)) for one in change.changes)
    )


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts without rounding."""
    with localcontext(_EXACT):
        return sum(amounts, _ZERO)


def sum_parts(parts: Iterable[CauseParts]) -> CauseParts:
    """Add up parts by cause, in the order of the causes."""
    found: dict[CostCause, list[Decimal]] = {cause: [] for cause in CostCause}
    for one in parts:
        for cause, amount in one.items():
            found[cause].append(amount)
    return _without_zeros({cause: exact_sum(amounts) for cause, amounts in found.items()})


def _explain(change: WorkloadChange, now: WorkloadPoint | None, then: WorkloadPoint | None) -> ExplainedChange:
    if change.comparison is not CostComparison.LIKE_FOR_LIKE or now is None or then is None:
        whole, reason = {CostCause(change.comparison.value): change.amount}, ""
    else:
        whole, reason = _explain_like_for_like(change, now, then)
    parts = _without_zeros(whole)
    return ExplainedChange(
        change=change, parts=parts, now=now, then=then, unknown_reason=reason if CostCause.UNKNOWN in parts else ""
    )


def _explain_like_for_like(
    change: WorkloadChange, now: WorkloadPoint, then: WorkloadPoint
) -> tuple[dict[CostCause, Decimal], str]:
    """Return the parts, and why some of the change has no known cause."""
    cost_now, cost_then = change.now or _ZERO, change.then or _ZERO
    hours_now, hours_then = _decimal(now.pod_hours_7d), _decimal(then.pod_hours_7d)
    if hours_now is not None and hours_then is not None and not (hours_now and hours_then):
        idle_cost = cost_now if not hours_now else cost_then
        if (hours_now or hours_then) and not idle_cost:
            return {CostCause.PODS: change.amount}, ""
        return {CostCause.UNKNOWN: change.amount}, "it cost money in a week without pod-hours"
    if cost_now <= 0 or cost_then <= 0:
        if hours_now is None or hours_then is None:
            return {CostCause.UNKNOWN: change.amount}, "its pod-hours are unknown"
        return {CostCause.UNIT_PRICE: change.amount}, ""  # the limit of its part as a cost approaches zero; a credit has none
    factors, missing = _factors(cost_now / cost_then, now, then)
    mean = logarithmic_mean(cost_now, cost_then)
    parts = {cause: (mean * ratio.ln()).quantize(_SMALLEST) for cause, ratio in factors.items()}
    with localcontext(_EXACT):
        rest = change.amount - sum(parts.values(), _ZERO)
    return {**parts, (CostCause.UNKNOWN if missing else CostCause.UNIT_PRICE): rest}, " and ".join(missing)


def logarithmic_mean(one: Decimal, other: Decimal) -> Decimal:
    """Return the logarithmic mean of two positive amounts, which lies between them."""
    ratio = one / other
    return one if ratio == _ONE else (one - other) / ratio.ln()


def _factors(cost_ratio: Decimal, now: WorkloadPoint, then: WorkloadPoint) -> tuple[dict[CostCause, Decimal], list[str]]:
    """Return now/then of each known factor but the unit price, and what is unknown."""
    factors: dict[CostCause, Decimal] = {}
    missing: list[str] = []
    hours = _ratio(_decimal(now.pod_hours_7d), _decimal(then.pod_hours_7d))
    size = _size_factor(None if hours is None else cost_ratio / hours, now, then)
    if hours is None:
        missing.append("its pod-hours are unknown")
    else:
        factors[CostCause.PODS] = hours
    if size is None:
        is_unknown = request_size(now) is None or request_size(then) is None
        missing.append("its requests are unknown" if is_unknown else "it had no requests in one of the weeks")
    else:
        factors[CostCause.REQUESTS] = size
    share_now, share_then = spot_share(now), spot_share(then)
    if share_now is None or share_then is None:
        missing += [] if hours is None else ["its spot share is unknown"]
    elif hours is not None and size is not None:
        factors[CostCause.SPOT_SHARE] = _spot_factor(cost_ratio / (hours * size), share_now, share_then)
    return factors, missing


def _size_factor(price_ratio: Decimal | None, now: WorkloadPoint, then: WorkloadPoint) -> Decimal | None:
    """Return what the requests explain of the ratio of the prices per pod-hour; None if that is unknown.

    In a week in which they changed, the mean of few sweeps is not exact: the factor may be anything from the mean to the last requests.
    """
    mean = _ratio(request_size(now), request_size(then))
    if mean is None or price_ratio is None:
        return mean
    sizes_now, sizes_then = ((request_size(one), request_size(one, is_last=True)) for one in (now, then))
    possible = [ratio for one in sizes_now for other in sizes_then if (ratio := _ratio(one, other)) is not None]
    return min(max(price_ratio, min(possible)), max(possible))


def _spot_factor(price_ratio: Decimal, share_now: Decimal, share_then: Decimal) -> Decimal:
    """Return what the spot share explains of the price ratio: all of it, if a discount of 0 to 90 % does."""
    largest = (1 - MAX_SPOT_DISCOUNT * share_now) / (1 - MAX_SPOT_DISCOUNT * share_then)
    low, high = sorted((_ONE, largest))
    return min(max(price_ratio, low), high)


def request_size(point: WorkloadPoint, *, is_last: bool = False) -> Decimal | None:
    """Return the price of a pod's mean (or last) requests per hour, by convention; None if one of them is unknown."""
    cpu = _first_known(None if is_last else point.mean_cpu_request_millicores, point.cpu_request_millicores)
    memory = _first_known(None if is_last else point.mean_memory_request_bytes, point.memory_request_bytes)
    if cpu is None or memory is None:
        return None
    return cpu / _MILLICORES * CPU_CORE_HOUR + memory / _GIB * MEMORY_GIB_HOUR


def spot_share(point: WorkloadPoint) -> Decimal | None:
    """Return the share of the pod-hours on spot nodes, 0 to 1; None if it is unknown or there were none."""
    hours, spot = _decimal(point.pod_hours_7d), _decimal(point.spot_hours_7d)
    return None if not hours or spot is None else min(spot / hours, _ONE)


def _first_known(mean: float | None, value: Measured[float]) -> Decimal | None:
    return _decimal(value) if mean is None else _decimal(mean)


def _decimal(value: Measured[float]) -> Decimal | None:
    return None if isinstance(value, Unknown) else Decimal(repr(value))


def _ratio(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    """Return now/then. Two that are both zero did not change; where only one is, no ratio explains it."""
    if now is None or then is None:
        return None
    if not now and not then:
        return _ONE
    return now / then if now and then else None


def _without_zeros(parts: CauseParts) -> CauseParts:
    return {cause: amount for cause, amount in parts.items() if amount}
