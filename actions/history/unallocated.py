"""The cost that no component claims, for callers who see everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from heapq import nlargest
from typing import Final

from actions.errors import NotAllowedError, NotFoundError
from actions.history.models import (
    UnallocatedInput,
    UnallocatedNamespaceRow,
    UnallocatedOutput,
    UnallocatedWeekRow,
    UnallocatedWorkloadRow,
    page_of,
)
from actions.history.view import HistoryView
from actions.live.outputs import fields_of, number
from domain.closing_snapshot import closing_window
from domain.inventory import InventoryWorkload
from domain.measures import Total, Unknown
from domain.refs import PLATFORM
from domain.unallocated import UnallocatedCost, reason_not_trusted, summarize_unallocated
from domain.weeks import current_week

MAX_WORKLOADS: Final = 25


def get_unallocated_cost(view: HistoryView, query: UnallocatedInput) -> UnallocatedOutput:
    """Return what no component claims in the newest sweep, by cluster and namespace, the highest cost first.

    Raises:
        NotAllowedError: the caller does not see everything.
        NotFoundError: there is no closed sweep yet.
    """
    if not view.sees_everything:
        message = "unallocated cost is shown only to callers who may see every component"
        raise NotAllowedError(message)
    as_of = view.as_of
    if as_of is None:
        message = "there is no closed sweep yet; `scaleops-worker collect` makes one"
        raise NotFoundError(message)
    summary = _summary(view, as_of, query.cluster)
    namespaces = () if summary is None else summary.namespaces
    shown, note = page_of(namespaces, query)
    return UnallocatedOutput(
        currency=view.history.currency,
        as_of=as_of,
        period="7d",
        unknown_reason=reason_not_trusted(view.rows.bulk_checks.of_sweep(as_of)) if summary is None else None,
        cost=None if summary is None else number(summary.unallocated.amount),
        share_percent=None if summary is None else _percent(summary),
        shared_cost=None if summary is None else number(summary.shared.amount),
        allocated_cost=None if summary is None else number(summary.allocated.amount),
        workloads=sum(one.unallocated.parts for one in namespaces),
        workloads_with_cost=sum(one.unallocated.known for one in namespaces),
        namespaces=[
            UnallocatedNamespaceRow(
                cluster=one.cluster,
                namespace=one.namespace,
                cost=number(one.unallocated.amount),
                workloads=one.unallocated.parts,
                workloads_with_cost=one.unallocated.known,
            )
            for one in shown
        ],
        largest=[] if summary is None else _largest(view, as_of, query.cluster),
        weeks=_weeks(view, query),
        warnings=_warnings(summary, without_workloads=view.rows.inventory.count_without_workloads(as_of)),
        **note,
    )


def _summary(view: HistoryView, as_of: datetime, cluster: str | None) -> UnallocatedCost | None:
    costs = view.rows.namespace_costs.of_sweep(as_of)
    chosen = [cost for cost in costs if cluster in (None, cost.cluster)]
    return summarize_unallocated(chosen, shared=view.history.shared_namespaces) if costs else None


def _percent(summary: UnallocatedCost) -> float | None:
    return None if summary.share is None else round(float(summary.share) * 100, 1)


def _largest(view: HistoryView, as_of: datetime, cluster: str | None) -> list[UnallocatedWorkloadRow]:
    claimed = {workload.key for workload in view.rows.inventory.claimed(as_of)}
    rest = (
        workload
        for workload in view.rows.inventory.of_sweep(as_of)
        if workload.key not in claimed
        and workload.key.namespace not in view.history.shared_namespaces
        and cluster in (None, workload.key.cluster)
    )
    return [
        UnallocatedWorkloadRow(**fields_of(one.key), cost=number(one.cost_7d)) for one in nlargest(MAX_WORKLOADS, rest, key=_cost)
    ]


def _cost(workload: InventoryWorkload) -> Decimal:
    return Decimal(-1) if isinstance(workload.cost_7d, Unknown) else workload.cost_7d


def _weeks(view: HistoryView, query: UnallocatedInput) -> list[UnallocatedWeekRow]:
    schedule, now = view.history.schedules.of(PLATFORM), view.history.clock()
    running = current_week(now, schedule.zone)
    weeks = [running.shift(-back) for back in range(query.weeks, 0, -1)]
    windows = [closing_window(schedule, week, now=now) for week in weeks]
    as_ofs: Sequence[datetime] = view.rows.namespace_costs.as_ofs(windows[0].earliest, windows[-1].latest)
    closing = [max((as_of for as_of in as_ofs if as_of in window), default=None) for window in windows]
    summaries = [None if as_of is None else _summary(view, as_of, query.cluster) for as_of in closing]
    return [
        UnallocatedWeekRow(
            week=str(week),
            as_of=as_of,
            cost=None if summary is None else number(summary.unallocated.amount),
            share_percent=None if summary is None else _percent(summary),
        )
        for week, as_of, summary in zip(weeks, closing, summaries, strict=True)
    ]


def _warnings(summary: UnallocatedCost | None, *, without_workloads: int) -> list[str]:
    def lacking(total: Total, name: str) -> list[str]:
        missing = total.parts - total.known
        return [f"the cost of {missing} of {total.parts} {name} workloads is unknown"] if missing else []

    if summary is None:
        return []
    unmeasured = f"{without_workloads} components were never measured: a part of this may be theirs"
    return [
        *lacking(summary.unallocated, "unallocated"),
        *lacking(summary.allocated, "allocated"),
        *([unmeasured] if without_workloads else []),
    ]
