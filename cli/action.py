"""`action`: run one of the five live actions, for some components or for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, Final

import click

from actions.catalogue import ACTIONS, ActionDefinition
from actions.context import RequestContext
from actions.errors import ActionError
from cli.action_tables import show_output
from cli.output import progress_bar, say, say_json
from cli.session import open_context
from clients.throttle.limit_algorithm import CallPriority
from domain.messages import Json
from domain.refs import EntityRef, InvalidReference
from tasks.context import StageContext
from wiring.contexts import request_context

_QUEUED_PER_THREAD: Final = 4
"""So that a catalog of any size takes bounded memory."""
LIVE_ACTIONS: Final = {name: action for name, action in ACTIONS.items() if action.is_live}


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
    options: dict[str, tuple[str, Json]] = {
        "--range": ("range", cost_range),
        "--min-savings": ("minSavingsThreshold", min_savings),
        "--workload": ("workloadName", workload),
        "--hours": ("timeRangeHours", hours),
    }
    chosen_action = LIVE_ACTIONS[name]
    known = {field.alias for field in chosen_action.input.model_fields.values()}
    arguments: dict[str, Json] = {}
    for option, (argument, value) in options.items():
        if value is not None and argument not in known:
            message = f"{name} has no option {option}"
            raise click.UsageError(message)
        if value is not None:
            arguments[argument] = value
    failed = False
    with open_context(kind=CallPriority.INTERACTIVE) as context:
        listed = context.services.catalog.listing() if everything else ()
        chosen = [*refs, *(str(component.ref) for page in listed for component in page.components)]
        with progress_bar(name) as bar:
            for done, line in enumerate(_run_all(context, chosen_action, chosen, arguments), start=1):
                bar(done, len(chosen))
                failed = failed or "error" in line
                say_json(line) if as_json else _show(line, chosen_action.rows)
    ctx.exit(1 if failed else 0)


def _run_all(
    context: StageContext, action: ActionDefinition, refs: list[str], arguments: Mapping[str, Json]
) -> Iterator[dict[str, Json]]:
    run = partial(_run, action, request_context(context), arguments)
    threads = context.policy.max_in_flight
    remaining = iter(refs)
    with ThreadPoolExecutor(threads, thread_name_prefix="action") as pool:
        waiting = [pool.submit(run, ref) for ref in islice(remaining, threads * _QUEUED_PER_THREAD)]
        while waiting:
            yield waiting.pop(0).result()
            waiting.extend(pool.submit(run, ref) for ref in islice(remaining, 1))


def _run(action: ActionDefinition, caller: RequestContext, arguments: Mapping[str, Json], ref: str) -> dict[str, Json]:
    try:
        output = action.run({"entityRef": ref, **arguments}, caller)
    except ActionError as error:
        return {"entityRef": _normalized(ref), "error": {"name": error.name, "message": str(error)}}
    return {"entityRef": _normalized(ref), "output": output.model_dump(mode="json", by_alias=True)}


def _normalized(ref: str) -> str:
    try:
        return str(EntityRef.parse(ref))
    except InvalidReference:
        return ref


def _show(line: dict[str, Any], rows_name: str) -> None:
    if "error" in line:
        say(f"{line['entityRef']}: {line['error']['name']}: {line['error']['message']}\n")
        return
    say(line["entityRef"])
    show_output(line["output"], rows_name)
    say("")
