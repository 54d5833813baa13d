"""`action`: run one of the five live actions, for some components or for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import click

from actions.catalogue import ACTIONS, ActionDefinition
from actions.context import RequestContext
from actions.errors import ActionError, failed_call
from cli.output import progress_bar, say, say_json, show_table
from cli.session import open_context
from clients.http.errors import ServiceError
from clients.throttle.limit_algorithm import CallPriority
from domain.messages import Json
from domain.money import format_cores, format_memory
from domain.refs import EntityRef, InvalidReference
from tasks.context import StageContext
from wiring.contexts import request_context

_QUEUED_PER_THREAD = 4
"""So that a catalog of any size takes bounded memory."""
LIVE_ACTIONS: Final = {name: action for name, action in ACTIONS.items() if action.is_live}


@dataclass(frozen=True, kw_only=True)
class ActionLine:
    """The result for one component."""

    entity_ref: str
    output: dict[str, Json] | None
    error: ActionError | None

    def as_json(self) -> dict[str, Json]:
        """Return the JSON line."""
        if self.error is not None:
            return {"entityRef": self.entity_ref, "error": {"name": self.error.name, "message": str(self.error)}}
        return {"entityRef": self.entity_ref, "output": self.output or {}}


@click.command()
@click.argument("name", type=click.Choice(sorted(LIVE_ACTIONS)), metavar="NAME")
@click.argument("refs", nargs=-1, metavar="REF...")
@click.option("--all", "everything", is_flag=True, help="Query every component.")
@click.option("--range", "cost_range", type=click.Choice(["7d", "30d", "90d"]), help="Range of the cost (cost analysis).")
@click.option("--min-savings", type=float, help="Minimum savings per month (recommendations).")
@click.option("--workload", help="Only workloads of this name (network usage, policy definitions).")
@click.option("--hours", type=click.FloatRange(1, 2160), help="Window in hours (network usage).")
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each REF.")
@click.pass_context
def action(
    ctx: click.Context,
    /,
    name: str,
    refs: tuple[str, ...],
    *,
    everything: bool,
    cost_range: str | None,
    min_savings: float | None,
    workload: str | None,
    hours: float | None,
    as_json: bool,
) -> None:
    r"""Run a live action for entities of the catalog.

    NAME is one of get_scaleops_data_for_entity, get_scaleops_cost_analysis_for_entity,
    get_scaleops_recommendations_for_entity, get_scaleops_network_usage_for_entity,
    get_scaleops_policy_definitions_for_entity. REF is kind:namespace/name.

    \b
    Example:
      scaleops-worker action get_scaleops_cost_analysis_for_entity component:default/checkout --range 30d --json
    """
    if bool(refs) == everything:
        message = "REF and --all exclude each other" if refs else "name at least one REF, or --all"
        raise click.UsageError(message)
    options = {"range": cost_range, "minSavingsThreshold": min_savings, "workloadName": workload, "timeRangeHours": hours}
    arguments: dict[str, Json] = {key: value for key, value in options.items() if value is not None}
    chosen_action = LIVE_ACTIONS[name]
    _reject_unknown_options(chosen_action, arguments)
    failed = False
    with open_context(kind=CallPriority.INTERACTIVE) as context:
        chosen = _all_refs(context) if everything else list(refs)
        with progress_bar(name) as bar:
            for done, line in enumerate(_run_all(context, chosen_action, chosen, arguments), start=1):
                bar(done, len(chosen))
                failed = failed or line.error is not None
                say_json(line.as_json()) if as_json else _show(line)
    ctx.exit(1 if failed else 0)


def _reject_unknown_options(action: ActionDefinition, arguments: Mapping[str, Json]) -> None:
    known = {field.alias for field in action.input.model_fields.values()}
    flags = {
        "range": "--range",
        "minSavingsThreshold": "--min-savings",
        "workloadName": "--workload",
        "timeRangeHours": "--hours",
    }
    for argument in arguments:
        if argument not in known:
            message = f"{action.name} has no option {flags[argument]}"
            raise click.UsageError(message)


def _all_refs(context: StageContext) -> list[str]:
    return [str(component.ref) for page in context.services.catalog.listing() for component in page.components]


def _run_all(
    context: StageContext, action: ActionDefinition, refs: list[str], arguments: Mapping[str, Json]
) -> Iterator[ActionLine]:
    """Run in parallel, and yield the results in order."""
    run = partial(_run, action, request_context(context), arguments)
    threads = context.policy.max_in_flight
    remaining = iter(refs)
    with ThreadPoolExecutor(threads, thread_name_prefix="action") as pool:
        waiting = [pool.submit(run, ref) for ref in islice(remaining, threads * _QUEUED_PER_THREAD)]
        while waiting:
            yield waiting.pop(0).result()
            waiting.extend(pool.submit(run, ref) for ref in islice(remaining, 1))


def _run(action: ActionDefinition, caller: RequestContext, arguments: Mapping[str, Json], ref: str) -> ActionLine:
    try:
        output = action.run({"entityRef": ref, **arguments}, caller)
    except ActionError as failure:
        return ActionLine(entity_ref=_normalized(ref), output=None, error=failure)
    except ServiceError as failure:
        return ActionLine(entity_ref=_normalized(ref), output=None, error=failed_call(failure))
    return ActionLine(entity_ref=_normalized(ref), output=output.model_dump(mode="json", by_alias=True), error=None)


def _normalized(ref: str) -> str:
    try:
        return str(EntityRef.parse(ref))
    except InvalidReference:
        return ref


def _show(line: ActionLine) -> None:
    if line.output is None:
        say(f"{line.entity_ref}: {line.error.name if line.error else ''}: {line.error}\n")
        return
    say(line.entity_ref)
    listed = next(
        (value for value in line.output.values() if isinstance(value, list) and value and isinstance(value[0], dict)), []
    )
    rows = [row for row in listed if isinstance(row, dict)]
    columns = [key for key in HEADINGS if any(row.get(key) is not None for row in rows)]
    if columns:
        show_table([HEADINGS[key] for key in columns], [[_cell(key, row.get(key)) for key in columns] for row in rows])
    summary = line.output.get("summary")
    if isinstance(summary, dict):
        say("  ".join(f"{key}: {_cell(key, value)}" for key, value in summary.items()))
    warnings = line.output.get("warnings")
    for warning in warnings if isinstance(warnings, list) else []:
        say(f"! {warning}")
    say("")


HEADINGS: Final = {
    "priority": "priority",
    "issue": "issue",
    "clusterName": "cluster",
    "namespace": "namespace",
    "type": "type",
    "workloadName": "workload",
    "policyName": "policy",
    "auto": "automated",
    "automated": "automated",
    "isUnderProvisioned": "under",
    "isOverProvisioned": "over",
    "oomCountLast24h": "OOM 24h",
    "cpuRequests": "CPU now",
    "cpuRecommended": "CPU advised",
    "currentCPU": "CPU now",
    "recommendedCPU": "CPU advised",
    "memRequests": "memory now",
    "memRecommended": "memory advised",
    "currentMemory": "memory now",
    "recommendedMemory": "memory advised",
    "totalCost": "cost",
    "hourlyCost": "hourly",
    "spotPercent": "spot %",
    "savingsAvailable": "savings available",
    "activeSavings": "savings active",
    "networkCostEnabled": "network monitored",
    "destinations": "destinations",
    "error": "error",
}
"""Columns of the table, in order; --json prints every field."""

_CPU: Final = frozenset({"cpuRequests", "cpuRecommended", "currentCPU", "recommendedCPU"})
_MEMORY: Final = frozenset({"memRequests", "memRecommended", "currentMemory", "recommendedMemory"})


def _cell(key: str, value: Json) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return str(len(value))
        case int() | float() if key in _CPU:
            return format_cores(value)
        case int() | float() if key in _MEMORY:
            return format_memory(value)
        case float():
            return f"{value:,.2f}"
        case _:
            return str(value)
