"""One round of everything that is due, in the foreground: collect, evaluate, report, deliver, and then forget what is old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from domain.messages import Json
from tasks.collect.progress import QUIET, Progress
from tasks.collect.stage import CollectFailed, CollectResult, collect
from tasks.context import StageContext
from tasks.deliver.stage import DeliverResult, deliver
from tasks.evaluate.stage import EvaluateResult, evaluate
from tasks.maintenance.purging import PurgeResult, purge_expired
from tasks.report.stage import ReportResult, report_due

STAGES: Final = ("collect", "evaluate", "report", "deliver")

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What one round came to."""

    collected: CollectResult | None
    collect_failure: str
    """Why nothing could be collected; the other stages went on all the same. Empty when it could."""
    evaluated: EvaluateResult
    reported: ReportResult
    delivered: DeliverResult
    forgotten: PurgeResult


def run_once(context: StageContext, *, progress: Progress = QUIET) -> RunResult:
    """Do everything that is due now, a stage after the other.

    ScaleOps or the catalog being away stops collecting only: alerts, reports and messages that are due go out.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    collected, failure = None, ""
    try:
        collected = run_stage(context, "collect", lambda: collect(context, progress=progress))
    except CollectFailed as away:
        failure = str(away)
    return RunResult(
        collected=collected,
        collect_failure=failure,
        evaluated=run_stage(context, "evaluate", lambda: evaluate(context)),
        reported=run_stage(context, "report", lambda: report_due(context)),
        delivered=run_stage(context, "deliver", lambda: deliver(context)),
        forgotten=run_stage(context, "forget", lambda: purge_expired(context)),
    )


def run_stage(context: StageContext, stage: str, work: Callable[[], Answer]) -> Answer:
    """Run one stage, and leave a sign of life: when it was done last, or what it failed of."""
    try:
        answer = work()
    except CollectFailed as failure:
        record_heartbeat(context, f"{stage} failed", {"why": str(failure)})
        raise
    record_heartbeat(context, stage, {})
    return answer


def record_heartbeat(context: StageContext, name: str, details: Mapping[str, Json]) -> None:
    """Leave a sign of life."""
    with context.store.transaction() as transaction:
        transaction.heartbeats.record(name, at=context.clock(), details=details)
