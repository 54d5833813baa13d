"""`action`: ask one of the five questions, of some components or of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Final

import click

from actions import LIVE_ACTIONS
from actions.context import LiveContext
from actions.errors import ActionError, failed_call
from cli.output import progress_bar, say, say_json, show_table
from cli.session import opened_parts
from clients.http.errors import ServiceError
from clients.throttle.limit_algorithm import Priority
from domain.messages import Json
from domain.money import format_cores, format_memory
from domain.refs import EntityRef, InvalidReference
from tasks.context import StageContext
from wiring.contexts import live_context

_WINDOW = 4
"""Questions waiting for each thread, so that a catalog of any size is answered in bounded memory."""


@dataclass(frozen=True, kw_only=True)
class ActionLine:
    """One line of the answer."""

    entity_ref: str
    output: dict[str, Json] | None
    error: ActionError | None

    def as_json(self) -> dict[str, Json]:
        """Write it as programs read it."""
        if self.error is not None:
            return {"entityRef": self.entity_ref, "error": {"name": self.error.name, "message": str(self.error)}}
        return {"entityRef": self.entity_ref, "output": self.output or {}}


@click.command()
@click.argument("name", type=click.Choice(sorted(LIVE_ACTIONS)), metavar="NAME")
@click.argument("refs", nargs=-1, metavar="REF...")
@click.option("--all", "everything", is_flag=True, help="Ask of every component in scope.")
@click.option(
    "--range", "cost_range", type=click.Choice(["7d", "30d", "90d"]), help="Time that cost is added up over (cost analysis)."
)
@click.option("--min-savings", type=float, help="Leave out what saves less per month (recommendations).")
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
    r"""Ask ScaleOps one question about entities of the catalog.

    NAME is one of get_scaleops_data_for_entity, get_scaleops_cost_analysis_for_entity,
    get_scaleops_recommendations_for_entity, get_scaleops_network_usage_for_entity,
    get_scaleops_policy_definitions_for_entity. REF is kind:namespace/name.

    \b
    Example:
      scaleops-worker action get_scaleops_cost_analysis_for_entity component:default/checkout --range 30d --json
    """
    if bool(refs) == everything:
        message = "name at least one REF, or --all" if not refs else "REF and --all exclude each other"
        raise click.UsageError(message)
    options = {"range": cost_range, "minSavingsThreshold": min_savings, "workloadName": workload, "timeRangeHours": hours}
    arguments: dict[str, Json] = {key: value for key, value in options.items() if value is not None}
    _refuse_foreign_options(name, arguments)
    failed = False
    with opened_parts(kind=Priority.INTERACTIVE) as context:
        chosen = _all_refs(context) if everything else list(refs)
        with progress_bar(name) as bar:
            for done, asked in enumerate(_ask_all(context, name, chosen, arguments), start=1):
                bar(done, len(chosen))
                failed = failed or asked.error is not None
                say_json(asked.as_json()) if as_json else _show(asked)
    ctx.exit(1 if failed else 0)


def _refuse_foreign_options(name: str, arguments: Mapping[str, Json]) -> None:
    known = {field.alias for field in LIVE_ACTIONS[name].input.model_fields.values()}
    flags = {
        "range": "--range",
        "minSavingsThreshold": "--min-savings",
        "workloadName": "--workload",
        "timeRangeHours": "--hours",
    }
    for argument in arguments:
        if argument not in known:
            message = f"{name} takes no {flags[argument]}"
            raise click.UsageError(message)


def _all_refs(context: StageContext) -> list[str]:
    return [str(component.ref) for page in context.services.catalog.listing() for component in page.components]


def _ask_all(context: StageContext, name: str, refs: list[str], arguments: Mapping[str, Json]) -> Iterator[ActionLine]:
    """Ask in parallel, answer in order."""
    desk = live_context(context)
    threads = context.policy.max_in_flight
    remaining = iter(refs)
    with ThreadPoolExecutor(threads, thread_name_prefix="action") as pool:
        waiting = [pool.submit(_ask, desk, name, ref, arguments) for ref in islice(remaining, threads * _WINDOW)]
        while waiting:
            yield waiting.pop(0).result()
            waiting.extend(pool.submit(_ask, desk, name, ref, arguments) for ref in islice(remaining, 1))


def _ask(desk: LiveContext, name: str, ref: str, arguments: Mapping[str, Json]) -> ActionLine:
    try:
        answer = LIVE_ACTIONS[name].ask({"entityRef": ref, **arguments}, desk=desk)
    except ActionError as failure:
        return ActionLine(entity_ref=_normal(ref), output=None, error=failure)
    except ServiceError as failure:
        return ActionLine(entity_ref=_normal(ref), output=None, error=failed_call(failure))
    return ActionLine(entity_ref=_normal(ref), output=answer.model_dump(mode="json", by_alias=True), error=None)


def _normal(ref: str) -> str:
    try:
        return str(EntityRef.parse(ref))
    except InvalidReference:
        return ref


def _show(asked: ActionLine) -> None:
    if asked.output is None:
        say(f"{asked.entity_ref}: {asked.error.name if asked.error else ''}: {asked.error}\n")
        return
    say(asked.entity_ref)
    listed = next(
        (value for value in asked.output.values() if isinstance(value, list) and value and isinstance(value[0], dict)), []
    )
    rows = [row for row in listed if isinstance(row, dict)]
    columns = [key for key in HEADINGS if any(row.get(key) is not None for row in rows)]
    if columns:
        show_table([HEADINGS[key] for key in columns], [[_cell(key, row.get(key)) for key in columns] for row in rows])
    summary = asked.output.get("summary")
    if isinstance(summary, dict):
        say("  ".join(f"{key}: {_cell(key, value)}" for key, value in summary.items()))
    warnings = asked.output.get("warnings")
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
    "networkCostEnabled": "network watched",
    "destinations": "destinations",
    "error": "error",
}
"""The columns a person reads, in their order; programs read everything with --json."""

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
