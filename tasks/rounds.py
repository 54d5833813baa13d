"""One round of everything that is due, in the foreground: collect, evaluate, report, deliver, and then forget what is old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from domain.messages import Json
from tasks.collect import Collected, CollectFailed, collect
from tasks.deliver import Delivered, deliver
from tasks.evaluate import Evaluated, evaluate
from tasks.forgetting import Forgotten, forget_what_is_old
from tasks.parts import Parts
from tasks.progress import QUIET, Progress
from tasks.report import Reported, report_due

STAGES: Final = ("collect", "evaluate", "report", "deliver")

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round came to."""

    collected: Collected | None
    collect_failure: str
    """Why nothing could be collected; the other stages went on all the same. Empty when it could."""
    evaluated: Evaluated
    reported: Reported
    delivered: Delivered
    forgotten: Forgotten


def run_once(parts: Parts, *, progress: Progress = QUIET) -> Round:
    """Do everything that is due now, a stage after the other.

    ScaleOps or the catalog being away stops collecting only: alerts, reports and messages that are due go out.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    collected, failure = None, ""
    try:
        collected = run_stage(parts, "collect", lambda: collect(parts, progress=progress))
    except CollectFailed as away:
        failure = str(away)
    return Round(
        collected=collected,
        collect_failure=failure,
        evaluated=run_stage(parts, "evaluate", lambda: evaluate(parts)),
        reported=run_stage(parts, "report", lambda: report_due(parts)),
        delivered=run_stage(parts, "deliver", lambda: deliver(parts)),
        forgotten=run_stage(parts, "forget", lambda: forget_what_is_old(parts)),
    )


def run_stage(parts: Parts, stage: str, work: Callable[[], Answer]) -> Answer:
    """Run one stage, and leave a sign of life: when it was done last, or what it failed of."""
    try:
        answer = work()
    except CollectFailed as failure:
        leave_pulse(parts, f"{stage} failed", {"why": str(failure)})
        raise
    leave_pulse(parts, stage, {})
    return answer


def leave_pulse(parts: Parts, name: str, details: Mapping[str, Json]) -> None:
    """Leave a sign of life."""
    with parts.store.transaction() as transaction:
        transaction.pulses.beat(name, at=parts.clock(), details=details)
