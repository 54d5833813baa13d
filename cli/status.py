"""`status`: last and next runs, and problems."""

from __future__ import annotations

from datetime import datetime

import click

from cli.output import say, say_json, show_table
from cli.session import open_context
from domain.bulk_trust import describe_standings
from domain.measures import Unknown, known_or
from domain.messages import Json
from domain.unallocated import SweepUnallocated, describe_newest
from domain.weeks import WEEKLY_REPORT
from store import HeartbeatKind
from tasks.maintenance.status import InstallationStatus, TeamStatus, read_status
from tasks.maintenance.watch_status import describe_watch


@click.command()
@click.option("--check", is_flag=True, help="Exit 1 if there is a problem: for probes and monitors.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def status(ctx: click.Context, *, check: bool, as_json: bool) -> None:
    r"""Show last and next runs, unmeasured components and problems, from the database alone.

    \b
    Example:
      scaleops-worker status --check
    """
    with open_context() as context:
        found, currency = read_status(context), context.policy.currency
    if as_json:
        say_json(_as_json(found, currency))
    else:
        _show(found, currency)
    ctx.exit(1 if check and found.problems else 0)


def _show_sweeps(found: InstallationStatus, currency: str) -> None:
    sweep = found.newest_closed
    if sweep is not None:
        in_part = ", some in part only" if found.unmeasured_figures else ""
        say(f"newest sweep    {_utc(sweep.as_of)}: {sweep.measured} of {sweep.expected} components measured{in_part}")
    for running in found.open_sweeps:
        say(f"open sweep      {_utc(running.as_of)}: {running.measured} of {running.expected} measured so far")
    say(f"next slot       {_utc(found.next_slot)}")
    if not found.uses_bulk:
        say("bulk responses  switched off (SCALEOPS_BULK=off)")
    for line in describe_standings(found.bulk):
        subject, _, standing = line.partition(": ")
        say(f"{subject:<15} {standing}")
    if sweep is not None:
        say(f"unallocated     {describe_newest(found.unallocated, currency)}")
    say(f"watch sweeps    {describe_watch(found.watch, every=found.watch_every)}")


def _show(found: InstallationStatus, currency: str) -> None:
    _show_sweeps(found, currency)
    for heartbeat in found.heartbeats:
        if heartbeat.kind is not HeartbeatKind.PROGRESS:
            name = heartbeat.stage if heartbeat.kind is HeartbeatKind.OK else f"{heartbeat.stage} {heartbeat.kind}"
            say(f"{name:<15} {_utc(heartbeat.at)}")
    say(f"open alerts     {found.open_alerts}")
    say(f"outbox          {', '.join(f'{count} {name}' for name, count in sorted(found.outbox.items())) or 'empty'}")
    if found.teams:
        say("")
        rows = [
            [_name_of(one), one.last_week or "-", one.last_outcome, _utc(one.next_due), one.last_error] for one in found.teams
        ]
        show_table(["team", "last report", "outcome", "next due", "last error"], rows)
    if found.unmeasured:
        say("\nnot measured in the newest sweep:")
        for ref, reason in found.unmeasured.items():
            say(f"  {ref}: {reason}")
    say("")
    for problem in found.problems:
        say(f"! {problem}")
    if not found.problems:
        say("no problems")


def _as_json(found: InstallationStatus, currency: str) -> dict[str, Json]:
    sweep = found.newest_closed
    return {
        "now": found.now.isoformat(),
        "newestSweep": {
            "asOf": sweep.as_of.isoformat(),
            "expected": sweep.expected,
            "measured": sweep.measured,
            "unknown": sweep.unknown,
        }
        if sweep
        else None,
        "openSweeps": [running.as_of.isoformat() for running in found.open_sweeps],
        "nextSlot": found.next_slot.isoformat(),
        "watch": {
            "asOf": found.watch.newest.as_of.isoformat(),
            "source": str(found.watch.newest.source),
            "failure": found.watch.newest.failure or None,
            "failingSince": found.watch.failing_since.isoformat() if found.watch.failing_since else None,
            "everySeconds": round(found.watch_every.total_seconds()),
            "cadenceSeconds": round(found.watch.cadence.total_seconds()) if found.watch.cadence else None,
        }
        if found.watch
        else None,
        "heartbeats": [{"stage": one.stage, "kind": one.kind.value, "at": one.at.isoformat()} for one in found.heartbeats],
        "unmeasured": dict(found.unmeasured),
        "unmeasuredFigures": [
            {"figure": one.figure, "cluster": one.cluster, "workloads": one.workloads, "reason": one.reason}
            for one in found.unmeasured_figures
        ],
        "lostClusters": [cluster.name for cluster in found.lost_clusters],
        "bulk": [
            {
                "subject": one.newest.subject.value,
                "cluster": one.newest.cluster or None,
                "trusted": one.newest.trusted,
                "since": one.since.isoformat(),
                "reason": one.newest.reason or None,
            }
            for one in found.bulk
        ],
        "unallocated": _unallocated_as_json(found.unallocated, currency),
        "openAlerts": found.open_alerts,
        "outbox": {str(name): count for name, count in found.outbox.items()},
        "oldestPending": found.oldest_pending.isoformat() if found.oldest_pending else None,
        "teams": [
            {
                "team": str(one.team),
                "report": one.report,
                "lastWeek": one.last_week or None,
                "lastOutcome": one.last_outcome,
                "nextDue": one.next_due.isoformat(),
                "lastError": one.last_error or None,
            }
            for one in found.teams
        ],
        "problems": list(found.problems),
    }


def _unallocated_as_json(found: SweepUnallocated | None, currency: str) -> dict[str, Json] | None:
    if found is None or found.as_of is None or isinstance(found.cost, Unknown):
        return None
    share, cost = found.cost.share, known_or(found.cost.unallocated.amount, None)
    return {
        "asOf": found.as_of.isoformat(),
        "cost": None if cost is None else float(cost),
        "currency": currency,
        "sharePercent": None if share is None else round(float(share) * 100, 1),
    }


def _name_of(one: TeamStatus) -> str:
    return str(one.team) if one.report == WEEKLY_REPORT else f"{one.team} ({one.report})"


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
