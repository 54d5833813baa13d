"""Runs every stage that is due in the foreground: collect, watch, evaluate, report, deliver, purge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from store import HeartbeatKind
from tasks.collect.measuring import NO_PROGRESS, SweepProgress
from tasks.collect.stage import CollectFailed, CollectResult, collect
from tasks.collect.watch import WatchResult, watch
from tasks.context import StageContext
from tasks.deliver.stage import DeliverResult, deliver
from tasks.evaluate.stage import EvaluateResult, evaluate
from tasks.maintenance.purging import PurgeResult, purge_expired
from tasks.report.stage import ReportResult, report_due

STAGES: Final = ("collect", "evaluate", "report", "deliver")

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of each stage."""

    collected: CollectResult | None
    collect_failure: str
    """Empty if the collect stage succeeded; the other stages run in any case."""
    watched: WatchResult
    evaluated: EvaluateResult
    reported: ReportResult
    delivered: DeliverResult
    purged: PurgeResult


@contextmanager
def _uninterrupted() -> Iterator[Callable[[], bool]]:
    yield lambda: True


def run_once(
    context: StageContext,
    *,
    progress: SweepProgress = NO_PROGRESS,
    finishing_units: Callable[[], AbstractContextManager[Callable[[], bool]]] = _uninterrupted,
) -> RunResult:
    """Run all stages in order.

    When ScaleOps or the catalog is unavailable only collecting fails: due alerts, reports and messages are sent. Messages are sent in
    a block of `finishing_units`, which says whether another one may begin.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    collected, failure = None, ""
    try:
        collected = run_stage(context, "collect", lambda: collect(context, progress=progress))
    except CollectFailed as error:
        failure = str(error)
    # A full sweep that was done just now looked for danger, too.
    is_measured = collected is not None and not collected.was_closed_before
    watched = WatchResult(sweep=None, reason="this run did a full sweep") if is_measured else watch(context)
    evaluated = run_stage(context, "evaluate", lambda: evaluate(context))
    reported = run_stage(context, "report", lambda: report_due(context))
    with finishing_units() as may_begin:
        delivered = run_stage(context, "deliver", lambda: deliver(context, may_begin=may_begin))
    return RunResult(
        collected=collected,
        collect_failure=failure,
        watched=watched,
        evaluated=evaluated,
        reported=reported,
        delivered=delivered,
        purged=run_stage(context, "purge", lambda: purge_expired(context)),
    )


def run_stage(context: StageContext, stage: str, work: Callable[[], Result]) -> Result:
    """Run one stage and record its heartbeat: ok, or failed with the reason."""
    with recorded_failure(context, stage):
        result = work()
    record_heartbeat(context, stage)
    return result


@contextmanager
def recorded_failure(context: StageContext, stage: str) -> Iterator[None]:
    """Record a failed heartbeat when the block raises CollectFailed."""
    try:
        yield
    except CollectFailed as error:
        record_heartbeat(context, stage, HeartbeatKind.FAILED, reason=str(error))
        raise


def record_heartbeat(context: StageContext, stage: str, kind: HeartbeatKind = HeartbeatKind.OK, *, reason: str = "") -> None:
    """Record a heartbeat in a transaction of its own."""
    with context.store.transaction() as transaction:
        transaction.heartbeats.record(stage, kind, at=context.clock(), details={"reason": reason} if reason else None)
