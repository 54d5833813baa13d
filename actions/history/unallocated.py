"""The cost that no component claims, for callers who see everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

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
from domain.inventory import LARGEST_PER_CLUSTER
from domain.measures import Unknown, known_or
from domain.money import percent_number
from domain.refs import PLATFORM
from domain.unallocated import UnallocatedCost, describe_missing
from domain.weeks import current_week


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
    rows, shared = view.rows, view.history.shared_namespaces
    found = rows.unallocated.of_sweep(as_of, shared=shared, cluster=query.cluster)
    reason = found.reason if isinstance(found, Unknown) else None
    summary = known_or(found, None)
    namespaces = () if summary is None else summary.namespaces
    shown, note = page_of(namespaces, query)
    return UnallocatedOutput(
        currency=view.history.currency,
        as_of=as_of,
        period="7d",
        unknown_reason=reason,
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
        largest=[
            UnallocatedWorkloadRow(**fields_of(one.key), cost=number(one.cost_7d))
            for one in rows.unallocated.largest(as_of, limit=LARGEST_PER_CLUSTER, shared=shared, cluster=query.cluster)
        ],
        weeks=_weeks(view, query),
        warnings=[]
        if summary is None
        else list(describe_missing(summary, without_workloads=rows.inventory.count_without_workloads(as_of))),
        **note,
    )


def _percent(summary: UnallocatedCost) -> float | None:
    return percent_number(summary.share)


def _weeks(view: HistoryView, query: UnallocatedInput) -> list[UnallocatedWeekRow]:
    schedule, now = view.history.schedules.of(PLATFORM), view.history.clock()
    running = current_week(now, schedule.zone)
    weeks = [running.shift(-back) for back in range(query.weeks, 0, -1)]
    sweeps = view.rows.closing.sweeps_of_weeks(PLATFORM, schedule, weeks, now=now)
    return [_week_row(view, str(week), sweeps[week], query.cluster) for week in weeks]


def _week_row(view: HistoryView, week: str, sweeps: Sequence[datetime], cluster: str | None) -> UnallocatedWeekRow:
    closing = view.rows.unallocated.closing(sweeps, shared=view.history.shared_namespaces, cluster=cluster)
    cost = known_or(closing.cost, None)
    return UnallocatedWeekRow(
        week=week,
        as_of=closing.as_of,
        cost=None if cost is None else number(cost.unallocated.amount),
        share_percent=None if cost is None else _percent(cost),
    )
