"""`unallocated`: show the cost that no component claims."""

from __future__ import annotations

from decimal import Decimal

import click

from actions.errors import NotFoundError
from actions.history.models import UnallocatedInput
from actions.history.unallocated import get_unallocated_cost
from cli.output import say, say_json, show_table
from cli.session import open_context, open_history
from domain.money import format_money


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
    share = "" if found.share_percent is None else f", {found.share_percent:g} % of all cost"
    say(f"{_money(found.cost, found.currency)} in 7 days{share}: {found.workloads} workloads that no component claims.")
    if found.shared_cost != 0:
        say(f"{_money(found.shared_cost, found.currency)} more in shared namespaces.")
    show_table(
        ["cluster", "namespace", "cost, 7 days", "workloads"],
        [[row.cluster, row.namespace, _money(row.cost, found.currency), str(row.workloads)] for row in found.namespaces],
        right=["cost, 7 days", "workloads"],
    )
    if found.rest is not None:
        say(f"{found.total - len(found.namespaces)} more namespaces; --limit shows them.")


def _money(amount: float | None, currency: str) -> str:
    return "unknown" if amount is None else format_money(Decimal(repr(amount)), currency)
