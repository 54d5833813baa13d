"""The cost analysis: every workload of a component, on every cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from pydantic.alias_generators import to_camel

from actions.context import LiveContext
from actions.live import outputs
from actions.live.inputs import CostInput
from actions.live.outputs import enumerated, fields_of, figure, left_out, name_of, number, sum_known
from actions.live.upstream import ComponentWorkloads, Costs, cost_calls, fetch_own_workloads, own_cost_rows, set_aside_warning
from clients.http.errors import ServiceError
from domain.component import Component
from domain.measures import Unknown, total_of
from domain.workload import CostRow, WorkloadKey, set_aside_of

CostRange: TypeAlias = Literal["7d", "30d", "90d"]
_NUMBERS: Final = ("total_cost", "hourly_cost", "spot_percent", "on_demand_percent", "savings_available")
HOURS_IN: Final[Mapping[CostRange, int]] = {"7d": 168, "30d": 720, "90d": 2160}


def get_cost_analysis(live: LiveContext, component: Component, query: CostInput) -> outputs.CostOutput:
    """Return what a component costs on all its clusters; a workload without a cost row has nulls.

    Raises:
        ServiceError: the cost of no cluster could be fetched.
    """
    owned, costs = fetch_own_workloads(component, live), Costs()
    live.fan_out(cost_calls(owned, live.scaleops, cost_range=query.range, into=costs))
    failures = [fetched for fetched in costs.values() if isinstance(fetched, ServiceError)]
    if failures and len(failures) == len(costs):
        raise failures[0]
    rows = own_cost_rows(owned, costs)
    by_workload: dict[WorkloadKey, CostRow | None] = {**rows, **{key: None for key in owned.keys if key not in rows}}
    total = total_of(
        Unknown("") if row is None or row.total_cost is None else row.total_cost for row in by_workload.values()
    ).amount
    savings = [None if row is None else row.savings_available for row in by_workload.values()]
    return outputs.CostOutput(
        entity=outputs.Entity.of(component),
        currency=live.currency,
        as_of=live.clock(),
        period=query.range,
        warnings=[*owned.warnings, *cost_warnings(owned, costs, rows)],
        cost_analysis=[_cost_item(live, owned, key, row) for key, row in by_workload.items()],
        summary=outputs.CostSummary(
            total_cost=None if isinstance(total, Unknown) else figure(total),
            average_hourly_cost=_mean_hourly(list(rows.values()), has_workloads=bool(owned.workloads)),
            total_hourly_cost=None if isinstance(total, Unknown) else figure(total / HOURS_IN[query.range]),
            total_savings_available=sum_known(savings),
            total_workloads=len(owned.workloads),
            workloads_with_cost=sum(1 for row in rows.values() if row.total_cost is not None),
        ),
    )


def cost_warnings(owned: ComponentWorkloads, costs: Costs, rows: Mapping[WorkloadKey, CostRow]) -> list[str]:
    """Return warnings about clusters whose cost is unknown, workloads without a row, and numbers that a row lacks."""
    warnings = [
        f"cost on {cluster} is missing: {fetched}" for cluster, fetched in costs.items() if isinstance(fetched, ServiceError)
    ]
    warnings += unread_cost_rows(owned, costs, rows)
    for key in owned.keys:
        row = rows.get(key)
        if row is not None:
            missing = left_out({to_camel(name): getattr(row, name) for name in _NUMBERS}, unreadable=row.unreadable)
            if missing:
                warnings.append(f"ScaleOps left out {missing} in the cost report of {name_of(key)}")
            if row.unreadable:
                sent = enumerated(row.unreadable)
                warnings.append(f"ScaleOps sent {sent} in the cost report of {name_of(key)} in a form that cannot be read")
        elif not isinstance(costs.get(key.cluster), ServiceError):
            warnings.append(f"the cost report has no row for {name_of(key)}")
    return warnings


def unread_cost_rows(owned: ComponentWorkloads, costs: Costs, rows: Mapping[WorkloadKey, CostRow]) -> list[str]:
    """Return a warning for each cluster of whose cost report rows could not be read that may be the component's own.

    Where every workload has its row they are of others: the endpoint returns those too.
    """
    return [
        warning
        for cluster, fetched in costs.items()
        if not isinstance(fetched, ServiceError) and any(key not in rows for key in owned.keys if key.cluster == cluster)
        for warning in set_aside_warning(set_aside_of(fetched), f"the cost report of {cluster}")
    ]


def _cost_item(live: LiveContext, owned: ComponentWorkloads, key: WorkloadKey, row: CostRow | None) -> outputs.CostItem:
    name = fields_of(key)
    if row is not None:
        name["workload_name"] = row.workload_name or key.name
    return outputs.CostItem(
        **name,
        total_cost=row and number(row.total_cost),
        hourly_cost=row and number(row.hourly_cost),
        spot_percent=row and number(row.spot_percent),
        on_demand_percent=row and number(row.on_demand_percent),
        savings_available=row and number(row.savings_available),
        dashboard_url=live.link(key.name, owned.found_by[key]),
    )


def _mean_hourly(rows: Sequence[CostRow], *, has_workloads: bool) -> int | float | None:
    """Return the predecessor's figure: the mean over the rows, a missing value counted as 0; null if no value is known."""
    if all(row.hourly_cost is None for row in rows):
        return None if has_workloads else 0
    return figure(sum((row.hourly_cost or Decimal(0) for row in rows), Decimal(0)) / len(rows))
