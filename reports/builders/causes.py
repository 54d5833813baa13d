"""The causes of a cost change in words: what happened to a workload."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.cost_change import WINDOW
from domain.cost_decomposition import CostCause, ExplainedChange, exact_sum, logarithmic_mean, spot_share
from domain.cost_movers import CostMover
from domain.measures import Measured, Unknown
from domain.money import WEEK_HOURS, format_cores, format_memory, format_percent
from domain.snapshots import WorkloadPoint
from reports.formatting import format_day

MAX_CAUSES: Final = 2
MAX_CLUSTERS: Final = 2
_MINOR: Final = Decimal("0.25")
"""A part below this share of the largest one is not put into words."""
_CARRIED: Final = Decimal("0.9")
"""The workloads that make up this share of a cause are those that it is about."""
_FACTOR_FROM: Final = 1.5
_STEADY_HOURS: Final = 0.02
_SLOT: Final = timedelta(hours=6)

_PHRASES: Final = {
    CostCause.ADDED: "new",
    CostCause.REMOVED: "removed",
    CostCause.RAMPING_IN: "ran for only a part of the week before",
    CostCause.RAMPING_OUT: "stopped",
    CostCause.NOT_COMPARABLE: "its cost is unknown in one of the weeks",
}


def describe_causes(mover: CostMover, zone: str, *, on_clusters: bool = True) -> str:
    """Return the main causes of a mover in words, the largest first; with the clusters, where not all of its workloads have one."""
    causes = mover.causes
    if not causes:
        return "no change"
    largest = max(abs(amount) for amount in mover.parts.values())
    main = [cause for cause in causes if abs(mover.parts[cause]) >= _MINOR * largest][:MAX_CAUSES]
    return ", ".join(_describe(cause, mover, zone, on_clusters=on_clusters) for cause in main)


def _describe(cause: CostCause, mover: CostMover, zone: str, *, on_clusters: bool) -> str:
    carriers = _carriers(cause, mover)
    where = _where(carriers, mover) if on_clusters else ""
    part = exact_sum(one.parts[cause] for one in carriers)
    match cause:
        case CostCause.PODS:
            return _describe_pods(carriers, part, zone, where)
        case CostCause.REQUESTS:
            return f"{_describe_requests(carriers, part)}{where}"
        case CostCause.SPOT_SHARE:
            return f"{_describe_spot_share(carriers, part)}{where}"
        case CostCause.UNIT_PRICE:
            return f"price per pod-hour{_effect(carriers, part)}{where}"
        case CostCause.UNKNOWN:
            return f"unknown cause: {next(one.unknown_reason for one in carriers)}{where}"
        case CostCause.MOVED:
            owners = sorted({str(one.change.other_owner) for one in carriers if one.change.other_owner is not None})
            return f"moved {'from' if part > 0 else 'to'} {', '.join(owners) or 'another owner'}{where}"
        case _:
            return f"{_PHRASES[cause]}{where}"


def _carriers(cause: CostCause, mover: CostMover) -> Sequence[ExplainedChange]:
    """Return the workloads that a cause is about: the largest ones in its direction that make up almost all of it."""
    whole = mover.parts[cause]
    having = [one for one in mover.workloads if one.parts.get(cause, Decimal(0)) * whole > 0]
    found: list[ExplainedChange] = []
    for one in sorted(having, key=lambda one: (-abs(one.parts[cause]), one.change.key)):
        if found and abs(exact_sum(each.parts[cause] for each in found)) >= _CARRIED * abs(whole):
            break
        found.append(one)
    return found


def _where(carriers: Sequence[ExplainedChange], mover: CostMover) -> str:
    if len(carriers) == len(mover.workloads):
        return ""
    clusters = sorted({one.change.key.cluster for one in carriers})
    if len(clusters) == len({one.change.key.cluster for one in mover.workloads}):
        return ""
    more = f" and {len(clusters) - MAX_CLUSTERS} more" if len(clusters) > MAX_CLUSTERS else ""
    return f" on {', '.join(clusters[:MAX_CLUSTERS])}{more}"


def _describe_pods(carriers: Sequence[ExplainedChange], part: Decimal, zone: str, where: str) -> str:
    steps = [_step_of(*both) for both in _points(carriers)]
    if None in steps:
        hours = _ratio_of_sums((_known(now.pod_hours_7d), _known(then.pod_hours_7d)) for now, then in _points(carriers))
        if hours is None:
            return f"ran{where}, as it did not the week before" if part > 0 else f"did not run{where}"
        return f"pod-hours {format_percent(hours - 1, signed=True)}{where}"
    found = [step for step in steps if step is not None]
    now, then = sum(step.now for step in found), sum(step.then for step in found)
    pods = f"pods x{_trim(now / then)}" if now >= _FACTOR_FROM * then else f"pods from {then:,} to {now:,}"
    days = {None if step.at is None else _day_of(step.at, zone) for step in found}
    since = days.pop() if len(days) == 1 else None
    return f"{pods}{where}{f' since {since}' if since else ''}"


def _day_of(at: datetime, zone: str) -> str:
    """Return the day of an instant that may be a sweep too early, because a sweep measures after its slot has begun."""
    earliest, latest = format_day(at, zone), format_day(at + _SLOT, zone)
    return earliest if earliest == latest else f"about {latest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _PodStep:
    """A constant number of pods, then another one."""

    then: int
    now: int
    at: datetime | None
    """None: before the week began."""


def _step_of(now: WorkloadPoint, then: WorkloadPoint) -> _PodStep | None:
    """Return the step that pod-hours prove; None if the number of pods varied otherwise."""
    hours, hours_then = _known(now.pod_hours_7d), _known(then.pod_hours_7d)
    pods, pods_then = _known(now.replicas), _known(then.replicas)
    if not hours or not hours_then or not pods or not pods_then or pods == pods_then:
        return None
    slack = _STEADY_HOURS * hours_then
    low, high = sorted((WEEK_HOURS * pods_then, WEEK_HOURS * pods))
    if abs(hours_then - WEEK_HOURS * pods_then) > slack or not low - slack <= hours <= high + slack:
        return None
    ago = timedelta(hours=round((hours - WEEK_HOURS * pods_then) / (pods - pods_then)))
    begin = max(now.as_of - WINDOW, then.as_of)
    return _PodStep(then=int(pods_then), now=int(pods), at=now.as_of - ago if timedelta(0) < ago < now.as_of - begin else None)


def _describe_requests(carriers: Sequence[ExplainedChange], part: Decimal) -> str:
    cpu = {(_known(then.cpu_request_millicores), _known(now.cpu_request_millicores)) for now, then in _points(carriers)}
    memory = {(_known(then.memory_request_bytes), _known(now.memory_request_bytes)) for now, then in _points(carriers)}
    moves = []
    for name, pairs, write in (("CPU", cpu, format_cores), ("memory", memory, format_memory)):
        then, now = next(iter(pairs)) if len(pairs) == 1 else (None, None)
        if then is not None and now is not None and (now - then) * float(part) > 0:
            moves.append(f"{name} from {write(then)} to {write(now)}")
    if moves:
        return f"requests {'raised' if part > 0 else 'lowered'}: {' and '.join(moves)} per pod"
    return f"requests per pod{_effect(carriers, part)}"


def _describe_spot_share(carriers: Sequence[ExplainedChange], part: Decimal) -> str:
    shares_now, shares_then = zip(*((spot_share(now), spot_share(then)) for now, then in _points(carriers)), strict=True)
    if len(set(shares_now)) == 1 and len(set(shares_then)) == 1 and shares_now[0] is not None and shares_then[0] is not None:
        then, now = format_percent(shares_then[0]), format_percent(shares_now[0])
        return f"spot share {'fell' if part > 0 else 'rose'} from {then} to {now}"
    return f"{'smaller' if part > 0 else 'larger'} spot share"


def _effect(carriers: Sequence[ExplainedChange], part: Decimal) -> str:
    """Return ` +12%`: by how much the cost would have changed from this part alone; empty if that cannot be said."""
    now = exact_sum(one.change.now or Decimal(0) for one in carriers)
    then = exact_sum(one.change.then or Decimal(0) for one in carriers)
    if now <= 0 or then <= 0:
        return " changed"
    return f" {format_percent((part / logarithmic_mean(now, then)).exp() - 1, signed=True)}"


def _points(carriers: Iterable[ExplainedChange]) -> Iterable[tuple[WorkloadPoint, WorkloadPoint]]:
    return ((one.now, one.then) for one in carriers if one.now is not None and one.then is not None)


def _known(value: Measured[float]) -> float | None:
    return None if isinstance(value, Unknown) else value


def _ratio_of_sums(pairs: Iterable[tuple[float | None, float | None]]) -> Decimal | None:
    found = list(pairs)
    now, then = (sum(Decimal(repr(pair[at] or 0.0)) for pair in found) for at in (0, 1))
    return now / then if now and then else None


def _trim(ratio: float) -> str:
    return f"{ratio:.1f}".removesuffix(".0")
