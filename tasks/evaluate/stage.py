"""The stage that judges: closed sweeps into observations, alerts and recommendations, and what people should hear of it.

Each sweep once, in order, in one transaction: states, events, recommendations, outbox rows and the mark that it is done stand
or fall together. Nothing is sent here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from alerts.states import NoticeKind
from domain.sweeps import Sweep
from store import Transaction
from tasks.context import Policy, StageContext
from tasks.evaluate.alert_session import AlertSession
from tasks.evaluate.dispatch import NoticeDispatcher
from tasks.evaluate.sweep_evaluation import SweepEvaluator

Progress = Callable[[int, int], None]
"""Told how many of how many components of the sweep at hand are judged."""


def _quiet(done: int, total: int) -> None:
    """Say nothing."""


@dataclass(kw_only=True)
class EvaluateResult:
    """What came of it."""

    sweeps: list[datetime] = field(default_factory=list)
    """The `as_of` of each that was evaluated, oldest first."""
    notices: Counter[NoticeKind] = field(default_factory=Counter)
    messages: int = 0
    """Put into the outbox; a repeat of one that stands there does not count."""
    recommendations: int = 0
    """Opened, seen again or ended."""
    nowhere: tuple[str, ...] = ()
    """Why something has nowhere to go; a person must be told by whoever started this."""


def evaluate(context: StageContext, *, progress: Progress = _quiet) -> EvaluateResult:
    """Evaluate every closed sweep that was not evaluated yet, in order. Two evaluations at once share the work, never double it."""
    evaluated = EvaluateResult()
    with context.store.reading() as transaction:
        waiting = transaction.sweeps.unevaluated()
    for sweep in waiting:
        with context.store.transaction() as transaction:
            _evaluate_one(transaction, sweep, evaluated, policy=context.policy, now=context.clock(), progress=progress)
    return evaluated


def _evaluate_one(
    transaction: Transaction, sweep: Sweep, evaluated: EvaluateResult, *, policy: Policy, now: datetime, progress: Progress
) -> None:
    # First of all: a second evaluation waits here, finds the mark, and leaves the sweep alone.
    if not transaction.sweeps.mark_evaluated(sweep.as_of, at=now):
        return
    ledger = AlertSession(transaction, now=now)
    judged = SweepEvaluator(transaction=transaction, ledger=ledger, policy=policy, sweep=sweep, now=now).judge(progress)
    told = NoticeDispatcher(transaction=transaction, ledger=ledger, policy=policy, sweep=sweep, now=now).tell(judged.notices)
    ledger.write()
    evaluated.sweeps.append(sweep.as_of)
    evaluated.messages += len(transaction.outbox.put(told.messages))
    evaluated.notices += told.kinds
    evaluated.recommendations += judged.recommendations
    evaluated.nowhere = tuple(dict.fromkeys([*evaluated.nowhere, *told.nowhere]))
