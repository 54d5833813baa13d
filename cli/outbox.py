"""`outbox`: list messages with their delivery status, or send one again."""

from __future__ import annotations

import click

from cli.groups import CommandGroup
from cli.output import say, say_json, show_table
from cli.session import open_context
from cli.streams import say_error
from domain.messages import DeliveryStatus, Json
from store.queries.outbox_rows import OutboxRecord
from tasks.deliver.retrying import retry as retry_message


@click.group(cls=CommandGroup)
def outbox() -> None:
    r"""List messages with their delivery status, or send one again.

    \b
    Examples:
      scaleops-worker outbox list --status failed
      scaleops-worker outbox retry report:weekly:group:default/payments:2026-W47:slack:1
    """


@outbox.command(name="list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in DeliveryStatus]),
    help="Only these; may be repeated.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Maximum number of rows.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each message.")
def list_(*, statuses: tuple[str, ...], limit: int, as_json: bool) -> None:
    r"""List messages, the newest first, with destination, status and reason.

    \b
    Example, messages that need attention:
      scaleops-worker outbox list --status failed --status unknown --status expired
    """
    with open_context() as context, context.store.reading() as transaction:
        records = transaction.outbox.listing([DeliveryStatus(status) for status in statuses], limit=limit)
    if as_json:
        for record in records:
            say_json(_as_json(record))
    elif not records:
        say("no message has that status" if statuses else "the outbox is empty")
    else:
        rows = [
            [
                record.message.key,
                record.status,
                f"{record.message.channel} {record.message.target}",
                _when(record),
                record.last_error or record.message.reason,
            ]
            for record in records
        ]
        show_table(["message", "status", "to", "when (UTC)", "reason"], rows)


@outbox.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.pass_context
def retry(ctx: click.Context, keys: tuple[str, ...]) -> None:
    r"""Requeue messages that failed, expired or are unconfirmed, for the next deliver.

    A Slack message goes to the channel of today's configuration and catalog. One in a thread is preceded by the message that starts
    it, unless that has arrived.

    \b
    Example:
      scaleops-worker outbox retry report:weekly:group:default/payments:2026-W47:slack:1
    """
    refused = 0
    with open_context() as context:
        for key in keys:
            requeued = retry_message(context, key)
            for message in requeued:
                say(f"{message} will be sent by the next deliver")
            if not requeued:
                refused += 1
                with context.store.reading() as transaction:
                    record = transaction.outbox.get(key)
                reason = f"{key} is {record.status} and cannot be sent again" if record else f"there is no message {key}"
                say_error(f"scaleops-worker: {reason}")
    ctx.exit(1 if refused else 0)


def _as_json(record: OutboxRecord) -> dict[str, Json]:
    message = record.message
    return {
        "key": message.key,
        "status": record.status.value,
        "channel": message.channel.value,
        "target": message.target,
        "act": message.action.value,
        "about": message.about,
        "reason": message.reason,
        "attempts": record.attempts,
        "createdAt": message.created_at.isoformat(),
        "expiresAt": message.expires_at.isoformat(),
        "sentAt": record.sent_at.isoformat() if record.sent_at else None,
        "notBefore": record.not_before.isoformat() if record.not_before else None,
        "lastError": record.last_error,
    }


def _when(record: OutboxRecord) -> str:
    instant = record.sent_at or record.not_before or record.message.created_at
    return f"{instant:%Y-%m-%d %H:%M:%S}"
