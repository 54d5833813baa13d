"""`unallocated`: show the cost that no component claims."""

from __future__ import annotations

from decimal import Decimal

import click

from actions.errors import NotFoundError
from actions.history.models import UnallocatedInput
from actions.history.unallocated import get_unallocated_cost
from cli.output import say, say_json, show_table
from cli.session import open_context, open_history
from domain.clock import format_utc
from domain.money import format_money, format_percent


@click.command()
@click.option("--cluster", help="Only this cluster.")
@click.option("--limit", type=click.IntRange(1, 200), default=25, show_default=True, help="Maximum number of namespaces.")
@click.option("--json", "as_json", is_flag=True, help="Print the output of get_unallocated_cost.")
def unallocated(*, cluster: str | None, limit: int, as_json: bool) -> None:
    r"""Show what the clusters cost over 7 days and no component claims, by cluster and namespace.

    \b
    Example:
      scaleops-worker unallocated --cluster prod-eu
    """
    try:
        with open_context() as context, open_history(context) as view:
            found = get_unallocated_cost(view, UnallocatedInput(cluster=cluster, limit=limit))
    except NotFoundError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        say_json(found.model_dump(mode="json", by_alias=True))
        return
    if found.unknown_reason is not None:
        say(f"The unallocated cost is unknown: {found.unknown_reason}.")
        return
    all_cost = "all known cost" if found.warnings else "all cost"
    share = "" if found.share_percent is None else f", {format_percent(Decimal(repr(found.share_percent)) / 100)} of {all_cost}"
    until = f" to {format_utc(found.as_of)}" if found.as_of else ""
    say(
        f"{_money(found.cost, found.currency)} for the 7 days{until}{share}: {found.workloads} workloads that no component claims."
    )
    if found.shared_cost != 0:
        say(f"{_money(found.shared_cost, found.currency)} more in shared namespaces.")
    for warning in found.warnings:
        say(f"! {warning}")
    show_table(
        ["cluster", "namespace", "cost, 7 days", "workloads"],
        [[row.cluster, row.namespace, _money(row.cost, found.currency), str(row.workloads)] for row in found.namespaces],
        right=["cost, 7 days", "workloads"],
    )
    if found.rest is not None:
        say(f"{found.total - len(found.namespaces)} more namespaces; --limit shows them.")
    if found.largest:
        say("\nthe workloads of the highest cost:")
        show_table(
            ["cluster", "namespace", "type", "workload", "cost, 7 days"],
            [
                [row.cluster_name, row.namespace, row.type, row.workload_name, _money(row.cost, found.currency)]
                for row in found.largest[:limit]
            ],
            right=["cost, 7 days"],
        )


def _money(amount: float | None, currency: str) -> str:
    return "unknown" if amount is None else format_money(Decimal(repr(amount)), currency)
