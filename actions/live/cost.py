"""The answer about cost: every workload of a component, on every cluster. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from actions.live import outputs
from actions.live.output_context import OutputContext, join_words, name_of, sum_known
from actions.live.outputs import figure, number
from actions.live.upstream import ComponentWorkloads, Costs, own_cost_rows
from clients.http.errors import ServiceError
from domain.measures import Unknown, total_of
from domain.workload import CostRow, WorkloadKey

CostRange: TypeAlias = Literal["7d", "30d", "90d"]
HOURS_IN: Final[Mapping[CostRange, int]] = {"7d": 168, "30d": 720, "90d": 2160}


def cost_answer(frame: OutputContext, claim: ComponentWorkloads, costs: Costs, *, cost_range: CostRange) -> outputs.CostOutput:
    """Answer what a component costs on all its clusters; a workload without a cost row stands there with nulls."""
    rows = own_cost_rows(claim, costs)
    without = [workload.key for workload in claim.workloads if workload.key not in rows]
    total = total_of(Unknown("") if (cost := _cost_of(rows, key)) is None else cost for key in (*rows, *without)).amount
    savings = [row.savings_available for row in rows.values()]
    return outputs.CostOutput(
        entity=outputs.Entity.of(frame.component),
        currency=frame.currency,
        as_of=frame.as_of,
        period=cost_range,
        warnings=[*claim.warnings, *cost_warnings(claim, costs, rows)],
        cost_analysis=[
            *(_cost_item(frame, claim, key, row) for key, row in rows.items()),
            *(_cost_item(frame, claim, key, None) for key in without),
        ],
        summary=outputs.CostSummary(
            total_cost=None if isinstance(total, Unknown) else figure(total),
            average_hourly_cost=_mean_hourly(list(rows.values()), of_any=bool(claim.workloads)),
            total_hourly_cost=None if isinstance(total, Unknown) else figure(total / HOURS_IN[cost_range]),
            total_savings_available=None if without and not rows else sum_known(savings),
            total_workloads=len(claim.workloads),
            workloads_with_cost=sum(1 for row in rows.values() if row.total_cost is not None),
        ),
    )


def cost_warnings(claim: ComponentWorkloads, costs: Costs, rows: Mapping[WorkloadKey, CostRow]) -> list[str]:
    """Name clusters whose cost is not known, workloads without a row, and numbers that a row lacks."""
    sentences = [
        f"cost on {cluster} is missing: {answer}" for cluster, answer in costs.items() if isinstance(answer, ServiceError)
    ]
    answered = {cluster for cluster, answer in costs.items() if not isinstance(answer, ServiceError)}
    for workload in claim.workloads:
        row = rows.get(workload.key)
        if row is not None:
            left_out = [name for name, value in _expected_in(row) if value is None]
            if left_out:
                sentences.append(f"ScaleOps left out {join_words(left_out)} in the cost report of {name_of(workload.key)}")
        elif workload.key.cluster in answered:
            sentences.append(f"the cost report has no row for {name_of(workload.key)}")
    return sentences


def _cost_item(frame: OutputContext, claim: ComponentWorkloads, key: WorkloadKey, row: CostRow | None) -> outputs.CostItem:
    return outputs.CostItem(
        workload_name=key.name if row is None else row.workload_name or row.id,
        cluster_name=key.cluster,
        namespace=key.namespace,
        type=key.type,
        total_cost=None if row is None else number(row.total_cost),
        hourly_cost=None if row is None else number(row.hourly_cost),
        spot_percent=None if row is None else number(row.spot_percent),
        on_demand_percent=None if row is None else number(row.on_demand_percent),
        savings_available=None if row is None else number(row.savings_available),
        dashboard_url=frame.link_to(key, claim),
    )


def _cost_of(rows: Mapping[WorkloadKey, CostRow], key: WorkloadKey) -> Decimal | None:
    row = rows.get(key)
    return None if row is None else row.total_cost


def _mean_hourly(rows: Sequence[CostRow], *, of_any: bool) -> int | float | None:
    """Answer the predecessor's figure: the mean over the rows, a missing one taken as 0; null when there should be rows."""
    if not rows:
        return None if of_any else 0
    return figure(sum((row.hourly_cost or Decimal(0) for row in rows), Decimal(0)) / len(rows))


def _expected_in(row: CostRow) -> tuple[tuple[str, object], ...]:
    return (
        ("totalCost", row.total_cost),
        ("hourlyCost", row.hourly_cost),
        ("spotPercent", row.spot_percent),
        ("onDemandPercent", row.on_demand_percent),
        ("savingsAvailable", row.savings_available),
    )
