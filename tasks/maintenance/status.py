"""The status of this installation, from the store alone: last runs, next runs, problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerts.states import OPEN_PHASES
from domain.bulk_trust import BulkStanding
from domain.clock import format_utc, is_future
from domain.messages import DeliveryStatus as MessageStatus
from domain.money import format_count
from domain.months import MONTHLY_REPORT
from domain.problems import Problem, Runbook
from domain.refs import PLATFORM, EntityRef
from domain.snapshots import Outcome
from domain.sweeps import ClusterState, Sweep, UnmeasuredFigure, describe_unmeasured, slot_of
from domain.unallocated import SweepUnallocated
from domain.weeks import WEEKLY_REPORT, P, ReportSchedule
from store import Heartbeat, HeartbeatKind, ReportRun, Transaction
from store.queries.outbox_rows import OutboxBacklog, OutboxRecord
from tasks.context import KeySealer, Policy, StageContext
from tasks.maintenance.watch_status import WatchStatus, read_watch_status, watch_problems
from tasks.report.due import teams_with_reports
from tasks.report.messages import stream_of
from tasks.routing_keys import unopenable_key_problems

MAX_PENDING_AGE: Final = timedelta(hours=1)
"""An older pending message is a problem."""
MAX_SLOTS_WITHOUT_SWEEP: Final = 2
_MAX_LISTED: Final = 50
_UNDELIVERED: Final = (MessageStatus.FAILED, MessageStatus.UNKNOWN, MessageStatus.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class TeamStatus:
    """One team's last and next report."""

    team: EntityRef
    report: str
    """Weekly; monthly for the monthly roll-up, whose weeks are months."""
    last_week: str
    newest_due: str
    """The newest week that is due."""
    last_outcome: str
    next_due: datetime
    last_error: str


@dataclass(frozen=True, kw_only=True)
class InstallationStatus:
    """What `status` shows."""

    now: datetime
    heartbeats: tuple[Heartbeat, ...]
    newest_closed: Sweep | None
    collect_every: timedelta
    cadence: timedelta | None
    """Between the two newest closed full sweeps; None: fewer than two."""
    open_sweeps: tuple[Sweep, ...]
    next_slot: datetime
    watch_every: timedelta
    """Zero: watch sweeps are switched off."""
    watch: WatchStatus | None
    """None: watch sweeps are switched off, or none was closed yet."""
    unmeasured: Mapping[str, str]
    """Components that the newest closed sweep could not measure, with the reason."""
    lost_clusters: tuple[ClusterState, ...]
    unmeasured_figures: tuple[UnmeasuredFigure, ...]
    """What the newest closed sweep knows of no workload of a cluster."""
    uses_bulk: bool
    """False: SCALEOPS_BULK is off."""
    bulk: tuple[BulkStanding, ...]
    """Which bulk responses of the full sweeps are trusted; none while they are not used."""
    unallocated: SweepUnallocated | None
    """Of the newest sweep that knows it."""
    open_alerts: int
    backlog: tuple[OutboxBacklog, ...]
    """The outbox by status."""
    oldest_pending: datetime | None
    undelivered: tuple[OutboxRecord, ...]
    """Failed, expired, or with an unknown outcome; at most 50 of them."""
    teams: tuple[TeamStatus, ...]
    problems: tuple[Problem, ...]
    """`--check` fails when there is any."""
    docs_url: str | None = None
    """Of the site with their run books; None: the paths of the pages are shown."""

    @property
    def outbox(self) -> Mapping[MessageStatus, int]:
        """The number of messages of each status."""
        return {one.status: one.messages for one in self.backlog}

    @property
    def undelivered_messages(self) -> int:
        """The number of undelivered messages, listed or not."""
        return _count_undelivered(self.backlog)


def read_status(context: StageContext) -> InstallationStatus:
    """Read everything in one transaction. Raises StoreUnavailable."""
    now, problem = context.clock(), context.clock_problem()
    with context.store.reading() as transaction:
        return status_of(transaction, context.policy, now=now, sealer=context.services.sealer, clock_problem=problem)


def status_of(
    transaction: Transaction, policy: Policy, *, now: datetime, sealer: KeySealer | None, clock_problem: str = ""
) -> InstallationStatus:
    """Return the status in a transaction. `clock_problem`: what the reader's own clock shows (`StageContext.clock_problem`)."""
    newest = transaction.sweeps.newest_closed()
    before = None if newest is None else transaction.sweeps.closed_before(newest.as_of)
    heartbeats = transaction.heartbeats.all()
    oldest = transaction.outbox.oldest_pending()
    backlog = transaction.outbox.backlog()
    lost = transaction.clusters.lost()
    watch = read_watch_status(transaction) if policy.watch_every else None
    figures = transaction.clusters.unmeasured_figures(newest.as_of) if newest is not None else ()
    return InstallationStatus(
        now=now,
        heartbeats=heartbeats,
        newest_closed=newest,
        collect_every=policy.collect_every,
        cadence=None if newest is None or before is None else newest.as_of - before.as_of,
        open_sweeps=transaction.sweeps.unclosed(),
        next_slot=slot_of(now, policy.collect_every) + policy.collect_every,
        watch_every=policy.watch_every,
        watch=watch,
        unmeasured=dict(_unmeasured(transaction, newest)),
        lost_clusters=lost,
        unmeasured_figures=figures,
        uses_bulk=policy.uses_bulk,
        bulk=transaction.bulk_checks.standings() if policy.uses_bulk else (),
        unallocated=transaction.unallocated.newest_trusted(shared=policy.shared_namespaces),
        open_alerts=sum(transaction.alerts.counts(statuses=OPEN_PHASES).values()),
        backlog=backlog,
        oldest_pending=oldest,
        undelivered=transaction.outbox.listing(_UNDELIVERED, limit=_MAX_LISTED),
        teams=tuple(_teams(transaction, policy, now)),
        problems=(
            *_clock_problems(clock_problem, now, newest=newest, heartbeats=heartbeats),
            *unopenable_key_problems(transaction, sealer),
            *watch_problems(watch, every=policy.watch_every, now=now),
            *(
                Problem(runbook=Runbook.FIGURES_UNMEASURED, sentence=f"in the newest sweep the {sentence}")
                for sentence in describe_unmeasured(figures)
            ),
            *_problems(
                policy,
                now,
                newest=newest,
                heartbeats=heartbeats,
                oldest=oldest,
                undelivered=_count_undelivered(backlog),
                lost=lost,
            ),
        ),
        docs_url=policy.docs_url,
    )


def _count_undelivered(backlog: tuple[OutboxBacklog, ...]) -> int:
    return sum(one.messages for one in backlog if one.status in _UNDELIVERED)


def _unmeasured(transaction: Transaction, newest: Sweep | None) -> Iterator[tuple[str, str]]:
    if newest is None or not newest.unknown:
        return
    for measurement in transaction.snapshots.of_sweep(newest.as_of):
        if measurement.snapshot.outcome is Outcome.UNKNOWN:
            yield str(measurement.snapshot.ref), measurement.snapshot.reason


def _teams(transaction: Transaction, policy: Policy, now: datetime) -> Iterator[TeamStatus]:
    for team in (*teams_with_reports(transaction), PLATFORM):
        yield _team_status(transaction, team, WEEKLY_REPORT, policy.schedules.of(team), now)
    if policy.routes.monthly_channel is not None:
        yield _team_status(transaction, PLATFORM, MONTHLY_REPORT, policy.monthly_schedule, now)


def _team_status(
    transaction: Transaction, team: EntityRef, report: str, schedule: ReportSchedule[P], now: datetime
) -> TeamStatus:
    run = transaction.reports.newest(team, report)
    main = transaction.outbox.get(f"{stream_of(team, run.week, report=report)}:1") if run else None
    newest = schedule.newest_due(now)
    return TeamStatus(
        team=team,
        report=report,
        last_week=run.week if run else "",
        newest_due=str(newest),
        last_outcome=_outcome_of(run, main),
        next_due=schedule.due_at(newest.shift(1)),
        last_error=(main.last_error or "") if main and main.status is not MessageStatus.SENT else "",
    )


def _outcome_of(run: ReportRun | None, main: OutboxRecord | None) -> str:
    if run is None:
        return "none yet"
    return f"{main.status} {main.sent_at:%Y-%m-%d %H:%M}" if main and main.sent_at else main.status if main else run.status


def _clock_problems(problem: str, now: datetime, *, newest: Sweep | None, heartbeats: tuple[Heartbeat, ...]) -> Iterator[Problem]:
    """Yield what a wrong clock shows by. What is dated in the future has no age, so every other check would take it for new."""
    if problem:
        yield Problem(runbook=Runbook.CLOCK, sentence=problem)
    if newest is not None and is_future(newest.as_of, now):
        yield Problem(
            runbook=Runbook.CLOCK,
            sentence=f"the newest closed sweep is dated {format_utc(newest.as_of)}, in the future: a clock was wrong, or is",
        )
    future = sorted({one.stage for one in heartbeats if is_future(one.at, now)})
    if future:
        yield Problem(
            runbook=Runbook.CLOCK,
            sentence=f"the last run of {', '.join(future)} is dated in the future: the clock of a worker was wrong, or is",
        )


def _problems(
    policy: Policy,
    now: datetime,
    *,
    newest: Sweep | None,
    heartbeats: tuple[Heartbeat, ...],
    oldest: datetime | None,
    undelivered: int,
    lost: tuple[ClusterState, ...],
) -> Iterator[Problem]:
    if newest is None:
        yield Problem(runbook=Runbook.NOTHING_COLLECTED, sentence="nothing has been collected yet; run `scaleops-worker collect`")
    elif now - newest.as_of > MAX_SLOTS_WITHOUT_SWEEP * policy.collect_every:
        yield Problem(
            runbook=Runbook.COLLECTING_STOPPED,
            sentence=f"the newest closed sweep is of {format_utc(newest.as_of)}: collecting has stopped, or it fails",
        )
    succeeded_at = {heartbeat.stage: heartbeat.at for heartbeat in heartbeats if heartbeat.kind is HeartbeatKind.OK}
    for heartbeat in heartbeats:
        stage, at = heartbeat.stage, heartbeat.at
        if heartbeat.kind is HeartbeatKind.FAILED and (stage not in succeeded_at or succeeded_at[stage] < at):
            yield Problem(
                runbook=Runbook.STAGE_FAILED,
                sentence=f"{stage} failed at {format_utc(at)}: {heartbeat.details.get('reason', '')}",
            )
    if oldest is not None and now - oldest > MAX_PENDING_AGE:
        yield Problem(
            runbook=Runbook.MESSAGES_PENDING,
            sentence=f"a message has been pending since {format_utc(oldest)}; see `scaleops-worker outbox list --status pending`",
        )
    if undelivered:
        yield Problem(
            runbook=Runbook.MESSAGES_UNDELIVERED,
            sentence=f"{format_count(undelivered, 'message')} failed, expired or may not have arrived; see `scaleops-worker outbox list --status failed` and `retry`",
        )
    for cluster in lost:
        since = "an unknown time" if cluster.lost_since is None else format_utc(cluster.lost_since)
        yield Problem(
            runbook=Runbook.CLUSTER_LOST, sentence=f"the cluster {cluster.name} has been missing from ScaleOps since {since}"
        )
    if newest is not None and newest.expected and newest.unknown == newest.expected:
        yield Problem(runbook=Runbook.NOTHING_MEASURED, sentence="no component could be measured in the newest sweep")
