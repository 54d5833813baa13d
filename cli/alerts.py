"""`alerts`: see what is wrong now, and say that somebody is on it."""

from __future__ import annotations

import getpass

import click

from cli.output import say, say_json, show_table
from cli.session import open_context
from domain.messages import Json
from domain.refs import EntityRef
from tasks.evaluate.manual import AlertSummary, acknowledge_alert, list_alerts, snooze_alert
from wiring.durations import parse_duration

BY = click.option("--by", default=None, help="Who says so; default the user of this machine.")
NOTE = click.option("--note", default="", help="Why; kept with the alert.")


@click.group()
def alerts() -> None:
    """List alerts, acknowledge or snooze one."""


@alerts.command(name="list")
@click.option("--team", help="Only alerts of this team, kind:namespace/name.")
@click.option("--all", "all_of_them", is_flag=True, help="Quiet ones too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each alert.")
def list_(*, team: str | None, all_of_them: bool, as_json: bool) -> None:
    r"""List the alerts that are open.

    \b
    Example:
      scaleops-worker alerts list --team group:default/payments
    """
    with open_context() as context:
        found = list_alerts(context, team=EntityRef.parse(team) if team else None, all_of_them=all_of_them)
    if as_json:
        for line in found:
            say_json(_as_json(line))
    elif not found:
        say("no alert is open")
    else:
        rows = [[line.id, str(line.team), line.phase, line.severity, _since(line), _quieted(line)] for line in found]
        show_table(["alert", "team", "phase", "severity", "open since (UTC)", "quiet"], rows)


@alerts.command()
@click.argument("alert_id", metavar="ID")
@BY
@NOTE
def acknowledge(alert_id: str, *, by: str | None, note: str) -> None:
    r"""Take an alert on: it is not repeated until it clears. Its PagerDuty incident is acknowledged too.

    \b
    Example:
      scaleops-worker alerts acknowledge under-provisioned:component:default/checkout --note "raising the limit"
    """
    with open_context() as context:
        line = acknowledge_alert(context, alert_id, by=by or getpass.getuser(), note=note)
    say(f"{line.id} is acknowledged by {line.acknowledged_by}; it is not repeated until it clears")


@alerts.command()
@click.argument("alert_id", metavar="ID")
@click.option("--for", "duration", default="24h", show_default=True, help="How long, for example 6h, 3d or 2w.")
@BY
@NOTE
def snooze(alert_id: str, *, duration: str, by: str | None, note: str) -> None:
    r"""Silence an alert for a while; that it resolved is told even so.

    \b
    Example:
      scaleops-worker alerts snooze over-provisioned:component:default/search --for 2w --note "after the migration"
    """
    try:
        length = parse_duration(duration)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from error
    with open_context() as context:
        line = snooze_alert(context, alert_id, by=by or getpass.getuser(), until=context.clock() + length, note=note)
    say(f"{line.id} is silent until {line.snoozed_until:%Y-%m-%d %H:%M} UTC")


def _as_json(line: AlertSummary) -> dict[str, Json]:
    return {
        "id": line.id,
        "rule": line.rule,
        "entityRef": str(line.about),
        "team": str(line.team),
        "phase": line.phase,
        "severity": line.severity,
        "openedAt": line.opened_at.isoformat() if line.opened_at else None,
        "acknowledgedBy": line.acknowledged_by,
        "snoozedUntil": line.snoozed_until.isoformat() if line.snoozed_until else None,
        "workloads": line.findings,
        "dedupKey": line.dedup_key,
    }


def _since(line: AlertSummary) -> str:
    return f"{line.opened_at:%Y-%m-%d %H:%M}" if line.opened_at else "-"


def _quieted(line: AlertSummary) -> str:
    if line.snoozed_until:
        return f"snoozed until {line.snoozed_until:%Y-%m-%d %H:%M}"
    return f"acknowledged by {line.acknowledged_by}" if line.acknowledged_by else ""
