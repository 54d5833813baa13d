"""`outbox`: what was sent, what waits, and why something did not arrive."""

from __future__ import annotations

import click

from cli.output import say, say_json, show_table
from cli.session import open_context
from domain.messages import DeliveryStatus, Json
from store.queries.outbox_rows import OutboxRecord


@click.group()
def outbox() -> None:
    """List messages with what became of them, or send one again."""


@outbox.command(name="list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in DeliveryStatus]),
    help="Only these; may be repeated.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each message.")
def list_(*, statuses: tuple[str, ...], limit: int, as_json: bool) -> None:
    r"""List messages, the newest first: to whom, why, and what became of each.

    \b
    Example, what needs a person:
      scaleops-worker outbox list --status failed --status unknown --status expired
    """
    with open_context() as context, context.store.reading() as transaction:
        entries = transaction.outbox.listing([DeliveryStatus(status) for status in statuses], limit=limit)
    if as_json:
        for entry in entries:
            say_json(_as_json(entry))
    elif not entries:
        say("no message is in that state" if statuses else "the outbox is empty")
    else:
        rows = [
            [
                entry.message.key,
                entry.status,
                f"{entry.message.channel} {entry.message.target}",
                _when(entry),
                entry.last_error or entry.message.reason,
            ]
            for entry in entries
        ]
        show_table(["message", "status", "to", "when (UTC)", "why"], rows)


@outbox.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.pass_context
def retry(ctx: click.Context, keys: tuple[str, ...]) -> None:
    r"""Put messages that failed, expired or stayed unknown back to be sent by the next deliver.

    \b
    Example:
      scaleops-worker outbox retry report:weekly:group:default/payments:2026-W47:slack:1
    """
    refused = 0
    with open_context() as context:
        for key in keys:
            with context.store.transaction() as transaction:
                done = transaction.outbox.retry(key, context.clock())
                entry = transaction.outbox.get(key)
            if done:
                say(f"{key} will be sent by the next deliver")
            else:
                refused += 1
                why = f"{key} is {entry.status} and is not sent again by hand" if entry else f"there is no message {key}"
                click.echo(f"scaleops-worker: {why}", err=True)
    ctx.exit(1 if refused else 0)


def _as_json(entry: OutboxRecord) -> dict[str, Json]:
    message = entry.message
    return {
        "key": message.key,
        "status": entry.status.value,
        "channel": message.channel.value,
        "target": message.target,
        "act": message.act.value,
        "about": message.about,
        "reason": message.reason,
        "attempts": entry.attempts,
        "createdAt": message.created_at.isoformat(),
        "expiresAt": message.expires_at.isoformat(),
        "sentAt": entry.sent_at.isoformat() if entry.sent_at else None,
        "notBefore": entry.not_before.isoformat() if entry.not_before else None,
        "lastError": entry.last_error,
    }


def _when(entry: OutboxRecord) -> str:
    instant = entry.sent_at or entry.not_before or entry.message.created_at
    return f"{instant:%Y-%m-%d %H:%M:%S}"
