"""Workloads as the page of their component shows them, with their requests now and recommended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.measures import known_or
from domain.snapshots import WorkloadPoint
from reports.links import workload_anchor
from reports.render.tables import PageTable
from reports.request_patch import format_changes, request_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadLine:
    """One workload as the page shows it."""

    ident: str
    point: WorkloadPoint
    requests: str
    """Now and recommended, per pod, in Kubernetes units."""
    cost: Decimal | None
    savings: Decimal | None
    kills: int | None
    state: str
    link: str | None


def most_important_first(point: WorkloadPoint) -> tuple[object, ...]:
    """Return the key that sorts workloads: those in danger, then by cost."""
    kills, cost = known_or(point.oom_kills_24h, 0), known_or(point.cost_7d, Decimal(0))
    return (point.under_provisioned is not True, -kills, -cost, point.key)


def workload_line(point: WorkloadPoint, *, link: str | None) -> WorkloadLine:
    """Return a workload as the page shows it. `link`: its address in ScaleOps."""
    kills = known_or(point.oom_kills_24h, None)
    changes = request_changes(
        cpu=(known_or(point.cpu_request_millicores, None), known_or(point.cpu_recommended_millicores, None)),
        memory=(known_or(point.memory_request_bytes, None), known_or(point.memory_recommended_bytes, None)),
        oom_kills=kills,
    )
    key = point.key
    return WorkloadLine(
        ident=workload_anchor(key),
        point=point,
        requests=format_changes(changes),
        cost=known_or(point.cost_7d, None),
        savings=known_or(point.advised_savings_per_month, None),
        kills=kills,
        state=_state_of(point),
        link=link,
    )


def workload_table(workloads: Sequence[WorkloadLine], about: str, *, currency: str, as_of: datetime | None) -> PageTable:
    """Return workloads as a table for CSV and JSON."""
    return PageTable(
        name="workloads",
        title=f"Workloads of {about}",
        currency=currency,
        period="cost 7 days, savings per month",
        as_of=as_of,
        columns=(
            "cluster", "namespace", "workload", "type", "cost", "savings_available", "state", "oom_kills_24h",
            "cpu_request_millicores", "cpu_recommended_millicores", "memory_request_bytes", "memory_recommended_bytes",
        ),
        rows=tuple(_workload_cells(one) for one in workloads),
    )  # fmt: skip


def _state_of(point: WorkloadPoint) -> str:
    issue = point.issue
    if isinstance(issue, tuple):
        return f"{issue[0].value}, {issue[1].value} priority"
    if issue is None:
        return "automated" if point.automated is True else "nothing to do"
    return f"unknown: {issue.reason}"


def _workload_cells(one: WorkloadLine) -> tuple[str | int | float | Decimal | None, ...]:
    key, point = one.point.key, one.point
    sizes = (
        point.cpu_request_millicores,
        point.cpu_recommended_millicores,
        point.memory_request_bytes,
        point.advised_memory_bytes,
    )
    known = (known_or(size, None) for size in sizes)
    return (key.cluster, key.namespace, key.name, key.type, one.cost, one.savings, one.state, one.kills, *known)
