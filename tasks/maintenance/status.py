"""How this installation is doing, from the store alone: what ran last, what comes next, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.messages import DeliveryStatus as MessageStatus
from domain.refs import EntityRef
from domain.snapshots import Outcome
from domain.sweeps import ClusterState, Sweep, slot_of
from domain.weeks import Schedule
from store import Heartbeat, ReportRun, Transaction
from store.queries.outbox_rows import OutboxRecord
from tasks.context import Policy, StageContext
from tasks.evaluate.manual import OPEN
from tasks.report.report_data import PLATFORM, REPORT, schedules_of
from tasks.report.stage import stream_of, teams_with_reports

OUTBOX_MAY_WAIT: Final = timedelta(hours=1)
"""A message that waits longer than this to be sent is a trouble of its own."""
SLOTS_MAY_PASS: Final = 2
"""No closed sweep for so many slots: nobody collects."""
_LISTED: Final = 50


@dataclass(frozen=True, kw_only=True)
class TeamStatus:
    """One team's report: the last one, the next one, and what went wrong."""

    team: EntityRef
    last_week: str
    last_outcome: str
    next_due: datetime
    last_error: str


@dataclass(frozen=True, kw_only=True)
class InstallationStatus:
    """Everything `status` shows."""

    now: datetime
    heartbeats: tuple[Heartbeat, ...]
    newest_closed: Sweep | None
    open_sweeps: tuple[Sweep, ...]
    next_slot: datetime
    unmeasured: Mapping[str, str]
    """Components without a measurement in the newest closed sweep, and why."""
    lost_clusters: tuple[ClusterState, ...]
    open_alerts: int
    outbox: Mapping[MessageStatus, int]
    oldest_pending: datetime | None
    ended_badly: tuple[OutboxRecord, ...]
    teams: tuple[TeamStatus, ...]
    troubles: tuple[str, ...]
    """What a person should look at; `--check` fails when there is any."""


def read_status(context: StageContext) -> InstallationStatus:
    """Read it all in one state of the database. Raises StoreUnavailable."""
    now, policy = context.clock(), context.policy
    with context.store.reading() as transaction:
        newest = transaction.sweeps.newest_closed()
        pulses = transaction.heartbeats.all()
        oldest = transaction.outbox.oldest_pending()
        bad = transaction.outbox.listing([MessageStatus.FAILED, MessageStatus.UNKNOWN, MessageStatus.EXPIRED], limit=_LISTED)
        lost = transaction.clusters.lost()
        return InstallationStatus(
            now=now,
            heartbeats=pulses,
            newest_closed=newest,
            open_sweeps=transaction.sweeps.open_ones(),
            next_slot=slot_of(now, policy.collect_every) + policy.collect_every,
            unmeasured=dict(_unmeasured(transaction, newest)),
            lost_clusters=lost,
            open_alerts=len(transaction.alerts.states(statuses=OPEN)),
            outbox=transaction.outbox.counts(),
            oldest_pending=oldest,
            ended_badly=bad,
            teams=tuple(_teams(transaction, policy, now)),
            troubles=tuple(_troubles(policy, now, newest=newest, heartbeats=pulses, oldest=oldest, bad=bad, lost=lost)),
        )


def _unmeasured(transaction: Transaction, newest: Sweep | None) -> Iterator[tuple[str, str]]:
    if newest is None or not newest.unknown:
        return
    for measurement in transaction.snapshots.of_sweep(newest.as_of):
        if measurement.snapshot.outcome is Outcome.UNKNOWN:
            yield str(measurement.snapshot.ref), measurement.snapshot.reason


def _teams(transaction: Transaction, policy: Policy, now: datetime) -> Iterator[TeamStatus]:
    schedules = schedules_of(policy)
    for team in (*teams_with_reports(transaction), PLATFORM):
        run = transaction.reports.newest(team, REPORT)
        schedule = schedules.of(team)
        main = transaction.outbox.get(f"{stream_of(team, run.week)}:1") if run else None
        yield TeamStatus(
            team=team,
            last_week=run.week if run else "",
            last_outcome=_outcome_of(run, main),
            next_due=_next_due(schedule, now),
            last_error=(main.last_error or "") if main and main.status is not MessageStatus.SENT else "",
        )


def _outcome_of(run: ReportRun | None, main: OutboxRecord | None) -> str:
    if run is None:
        return "none yet"
    return f"{main.status} {main.sent_at:%Y-%m-%d %H:%M}" if main and main.sent_at else main.status if main else run.status


def _next_due(schedule: Schedule, now: datetime) -> datetime:
    return schedule.due_at(schedule.newest_due(now).plus(1))


def _troubles(
    policy: Policy,
    now: datetime,
    *,
    newest: Sweep | None,
    heartbeats: tuple[Heartbeat, ...],
    oldest: datetime | None,
    bad: tuple[OutboxRecord, ...],
    lost: tuple[ClusterState, ...],
) -> Iterator[str]:
    if newest is None:
        yield "nothing was ever collected; run `scaleops-worker collect`"
    elif now - newest.as_of > SLOTS_MAY_PASS * policy.collect_every:
        yield f"the newest closed sweep is of {newest.as_of:%Y-%m-%d %H:%M} UTC: nobody collects, or collecting fails"
    by_name = {pulse.name: pulse for pulse in heartbeats}
    for name, pulse in by_name.items():
        stage = name.removesuffix(" failed")
        done = by_name.get(stage)
        if name.endswith(" failed") and (done is None or done.at < pulse.at):
            yield f"{stage} failed at {pulse.at:%Y-%m-%d %H:%M} UTC: {pulse.details.get('why', '')}"
    if oldest is not None and now - oldest > OUTBOX_MAY_WAIT:
        yield f"a message waits to be sent since {oldest:%Y-%m-%d %H:%M} UTC; `scaleops-worker outbox list --status pending` says why"
    if bad:
        yield f"{len(bad)} messages failed, expired or may not have arrived; `scaleops-worker outbox list --status failed` and `retry`"
    for cluster in lost:
        yield f"the cluster {cluster.name} appears in no answer since {cluster.lost_since:%Y-%m-%d %H:%M} UTC"
    if newest is not None and newest.expected and newest.unknown == newest.expected:
        yield "nothing could be measured in the newest sweep"
