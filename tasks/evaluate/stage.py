"""The evaluate stage: closed sweeps into alert states, recommendations and outbox messages. Sends nothing.

Each sweep once, in order, in one transaction: it is marked as evaluated, or nothing of it is stored.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import TRACKED_PHASES, NoticeKind
from alerts.storm import storm_of
from domain.component import Component
from domain.refs import PLATFORM, EntityRef
from domain.sweeps import Sweep
from store import Transaction
from tasks.context import Policy, StageContext
from tasks.evaluate.alert_rows import lock_alerts, write_changes
from tasks.evaluate.notice_plan import PlanInput, SweepPlan, plan_sweep
from tasks.evaluate.sweep_evaluation import SweepEvaluator


@dataclass(kw_only=True)
class EvaluateResult:
    """What one run of the stage did."""

    sweeps: list[datetime] = field(default_factory=list)
    """The `as_of` of each sweep that was evaluated, oldest first."""
    notices: Counter[NoticeKind] = field(default_factory=Counter)
    messages: int = 0
    """New in the outbox."""
    recommendations: int = 0
    """Opened, seen again or ended."""
    undeliverable: tuple[str, ...] = ()
    """Why something has no destination; the caller must report it."""


def evaluate(context: StageContext) -> EvaluateResult:
    """Evaluate every closed sweep that was not evaluated yet, in order. Concurrent runs share the sweeps and duplicate nothing."""
    result = EvaluateResult()
    with context.store.reading() as transaction:
        waiting = transaction.sweeps.unevaluated()
    for sweep in waiting:
        with context.store.transaction() as transaction:
            _evaluate_one(transaction, sweep, result, policy=context.policy, now=context.clock())
    return result


def _evaluate_one(transaction: Transaction, sweep: Sweep, result: EvaluateResult, *, policy: Policy, now: datetime) -> None:
    # First, because a concurrent run waits here, finds the mark and skips the sweep.
    if not transaction.sweeps.mark_evaluated(sweep.as_of, at=now):
        return
    rows = transaction.alerts.states(statuses=TRACKED_PHASES)
    tracked = {AlertId(rule=Rule(row.rule), about=row.ref): row.team for row in rows}
    evaluated = SweepEvaluator(transaction=transaction, policy=policy, sweep=sweep, tracked=tracked).evaluate()
    alerts = {*tracked, *(observation.alert for observation in evaluated.observations)}
    teams = {PLATFORM, *tracked.values(), *(observation.team for observation in evaluated.observations)}
    plan = plan_sweep(
        PlanInput(
            as_of=sweep.as_of,
            now=now,
            policy=policy,
            observations=evaluated.observations,
            states=lock_alerts(transaction, alerts | {storm_of(team) for team in teams}),
            components=_components(transaction, {alert.about for alert in alerts}),
            teams=transaction.components.teams(),
            lost_clusters=transaction.clusters.lost(),
        )
    )
    result.messages += _write(transaction, plan, now=now)
    result.sweeps.append(sweep.as_of)
    result.notices += plan.notices
    result.recommendations += evaluated.recommendations
    result.undeliverable = tuple(dict.fromkeys([*result.undeliverable, *plan.undeliverable]))


def _write(transaction: Transaction, plan: SweepPlan, *, now: datetime) -> int:
    """Store a plan. Returns how many messages are new in the outbox."""
    for cluster in plan.notified_clusters:
        transaction.clusters.mark_notified(cluster, at=now)
    write_changes(transaction, plan.changes, now=now)
    return len(transaction.outbox.put(plan.messages))


def _components(transaction: Transaction, refs: set[EntityRef]) -> dict[EntityRef, Component]:
    found = {component.ref: component for component in transaction.components.by_refs(sorted(refs))}
    removed = (transaction.components.get(ref) for ref in refs & set(transaction.components.gone()))
    return found | {component.ref: component for component in removed if component is not None}
