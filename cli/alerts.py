"""`alerts`: list alerts; acknowledge, snooze or dismiss one."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from typing import Final

import click

from actions.history.lists import list_alerts
from actions.history.models import AlertRow, AlertsInput
from actions.history.view import HistoryView
from cli.groups import CommandGroup
from cli.output import say, say_json, show_table
from cli.session import open_context, open_history
from domain.clock import format_utc
from tasks.evaluate.manual import acknowledge_alert, dismiss_alert, snooze_alert
from wiring.durations import parse_duration

BY = click.option("--by", default=None, help="Name recorded; default: OS user.")
NOTE = click.option("--note", default="", help="Reason; stored with the alert.")
_PAGE: Final = 200
_MAX_FOUND: Final = 2


@click.group(cls=CommandGroup)
def alerts() -> None:
    r"""List alerts; acknowledge, snooze or dismiss one.

    \b
    Examples:
      scaleops-worker alerts list --team payments
      scaleops-worker alerts acknowledge under-provisioned:component:default/checkout --note "raising the limit"
    """


@alerts.command(name="list")
@click.option("--team", help="Only alerts of this team.")
@click.option("--all", "include_resolved", is_flag=True, help="Include resolved alerts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each alert.")
def list_(*, team: str | None, include_resolved: bool, as_json: bool) -> None:
    r"""List the open alerts, the newest first.

    \b
    Example:
      scaleops-worker alerts list --team payments
    """
    with open_context() as context, open_history(context) as view:
        rows = list(_all_alerts(view, team=team, include_resolved=include_resolved))
    if as_json:
        for row in rows:
            say_json(row.model_dump(mode="json", by_alias=True))
    elif not rows:
        say("no open alerts")
    else:
        cells = [[row.id, f"{row.phase}, {row.severity}", _since(row), _found(row), row.owner, _paused(row)] for row in rows]
        show_table(["alert", "phase", "open since (UTC)", "found", "team", "paused"], cells)


def _all_alerts(view: HistoryView, *, team: str | None, include_resolved: bool) -> Iterator[AlertRow]:
    offset: int | None = 0
    while offset is not None:
        page = list_alerts(view, AlertsInput(team=team, quiet=include_resolved, limit=_PAGE, offset=offset))
        yield from page.alerts
        offset = offset + _PAGE if page.truncated else None


@alerts.command()
@click.argument("alert_id", metavar="ID")
@BY
@NOTE
def acknowledge(alert_id: str, *, by: str | None, note: str) -> None:
    r"""Acknowledge an alert and its PagerDuty incident: no repeats until it clears.

    \b
    Example:
      scaleops-worker alerts acknowledge under-provisioned:component:default/checkout --note "raising the limit"
    """
    person = by or getpass.getuser()
    with open_context() as context:
        state = acknowledge_alert(context, alert_id, by=person, note=note)
    say(f"{state.alert} is acknowledged by {person}; no repeats until it clears")


@alerts.command()
@click.argument("alert_id", metavar="ID")
@click.option("--for", "duration", default="24h", show_default=True, help="How long, for example 6h, 3d or 2w.")
@BY
@NOTE
def snooze(alert_id: str, *, duration: str, by: str | None, note: str) -> None:
    r"""Pause the notifications of an alert, except that it resolved.

    \b
    Example:
      scaleops-worker alerts snooze over-provisioned:component:default/search --for 2w --note "after the migration"
    """
    try:
        length = parse_duration(duration)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from error
    with open_context() as context:
        until = context.clock() + length
        state = snooze_alert(context, alert_id, by=by or getpass.getuser(), until=until, note=note)
    say(f"{state.alert} is snoozed until {format_utc(until)}")


@alerts.command()
@click.argument("alert_id", metavar="ID")
@click.option("--reason", required=True, help="Why nothing needs to be done; the weekly report lists it.")
@BY
def dismiss(alert_id: str, *, reason: str, by: str | None) -> None:
    r"""Dismiss an alert with a reason: no repeats until it changes materially.

    \b
    Example:
      scaleops-worker alerts dismiss over-provisioned:component:default/search --reason "headroom for the sale"
    """
    person = by or getpass.getuser()
    with open_context() as context:
        state = dismiss_alert(context, alert_id, by=person, reason=reason)
    say(f"{state.alert} is dismissed by {person}; no repeats until it changes materially")


def _found(row: AlertRow) -> str:
    """Return what meets the condition of an alert."""
    if not row.workloads:
        return ""
    more = f" and {len(row.workloads) - _MAX_FOUND} more" if len(row.workloads) > _MAX_FOUND else ""
    return f"{', '.join(row.workloads[:_MAX_FOUND])}{more}"


def _since(row: AlertRow) -> str:
    return f"{row.opened_at:%Y-%m-%d %H:%M}" if row.opened_at else "-"


def _paused(row: AlertRow) -> str:
    if row.snoozed_until:
        return f"snoozed until {row.snoozed_until:%Y-%m-%d %H:%M}"
    if row.dismissed:
        return f"dismissed {row.dismissed}"
    return f"acknowledged by {row.acknowledged_by}" if row.acknowledged_by else ""
