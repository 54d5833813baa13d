"""The evaluate stage: closed sweeps into alert states, recommendations and outbox messages. Sends nothing.

    read and decide (no lock) ──> recommendations, in batches ──> mark, states, events and messages, in one transaction

Each sweep once, in order: it is marked as evaluated together with everything that it changes and sends. Recommendations are written
before; stopped between two batches, the next run writes the same rows. Nothing slow happens while rows are locked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from alerts.observations import AlertId
from alerts.states import EVENT_JSON, STATE_JSON, TRACKED_PHASES, AlertState, NoticeKind, NotificationSent
from alerts.storm import NEVER_GROUPED, REST, storm_of
from domain.component import Component
from domain.messages import Message
from domain.refs import PLATFORM, EntityRef
from domain.sweeps import Sweep, WatchSweep
from domain.tracking import Recommendation
from store import AlertStateRow, Store, Transaction
from store.queries.sweeps import Sweeps
from store.queries.watch import WatchSweeps
from tasks.context import Policy, StageContext
from tasks.evaluate.alert_rows import lock_alerts, write_changes
from tasks.evaluate.change_messages import change_messages
from tasks.evaluate.cost_growth import read_growth
from tasks.evaluate.decisions import LostClusterDecision, ReturnedClusterDecision
from tasks.evaluate.notice_messages import NoticeRenderer
from tasks.evaluate.notice_plan import PlanInput, SweepPlan, plan_sweep
from tasks.evaluate.sweep_evaluation import SweepEvaluator
from tasks.evaluate.watch_evaluation import evaluate_watch
from tasks.maintenance.watch_status import looks_for_danger
from tasks.spans import evaluation_span

_RECOMMENDATIONS_AT_ONCE: Final = 500


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
    page_ages: tuple[timedelta, ...] = ()
    """Of each incident that was opened: since the sweep whose evidence it pages."""
    undeliverable: tuple[str, ...] = ()
    """Why something has no destination; the caller must report it."""


def evaluate(context: StageContext) -> EvaluateResult:
    """Evaluate every closed sweep of either kind that was not evaluated yet, in order. Concurrent runs share the sweeps and duplicate nothing."""
    result = EvaluateResult()
    with context.store.reading() as transaction:
        waiting: list[Sweep | WatchSweep] = [*transaction.sweeps.unevaluated(), *transaction.watch_sweeps.unevaluated()]
    for sweep in sorted(waiting, key=lambda sweep: sweep.as_of):
        with evaluation_span(context.tracer, sweep):
            _evaluate_one(context, sweep, result)
    return result


def _evaluate_one(context: StageContext, sweep: Sweep | WatchSweep, result: EvaluateResult) -> None:
    now = context.clock()
    with context.store.reading() as transaction:
        if _is_evaluated(_sweeps_like(transaction, sweep).get(sweep.as_of)):
            return
        facts, recommendations = _read_facts(transaction, context, sweep, now)
    if not _write_recommendations(context.store, sweep.as_of, recommendations):
        return
    plan = plan_sweep(facts)
    with context.store.reading() as transaction:
        growth = read_growth(transaction, context.policy, plan.decisions, as_of=sweep.as_of)
        changed = (
            () if facts.is_watch else change_messages(transaction, context.policy, recommendations, as_of=sweep.as_of, now=now)
        )
    messages = _render(facts, plan, growth)
    with context.store.transaction() as transaction:
        # First, because a concurrent run waits here, finds the mark and skips the sweep.
        if not _sweeps_like(transaction, sweep).mark_evaluated(sweep.as_of, at=now):
            return
        locked = lock_alerts(transaction, facts.states)
        if locked != {alert: state for alert, state in facts.states.items() if state.events}:
            facts = replace(facts, states=locked)  # a person acknowledged or snoozed one meanwhile
            plan = plan_sweep(facts)
            messages = _render(facts, plan, growth)
        _mark_clusters(transaction, plan, now=now)
        write_changes(transaction, plan.changes, now=now)
        result.messages += len(transaction.outbox.put([*messages, *changed]))
    result.sweeps.append(sweep.as_of)
    result.notices += plan.notices
    result.recommendations += len(recommendations)
    result.page_ages += plan.page_ages
    result.undeliverable = tuple(dict.fromkeys([*result.undeliverable, *plan.undeliverable]))


def _sweeps_like(transaction: Transaction, sweep: Sweep | WatchSweep) -> Sweeps | WatchSweeps:
    return transaction.watch_sweeps if isinstance(sweep, WatchSweep) else transaction.sweeps


def _read_facts(
    transaction: Transaction, context: StageContext, sweep: Sweep | WatchSweep, now: datetime
) -> tuple[PlanInput, tuple[Recommendation, ...]]:
    policy = context.policy
    tracked = _states(transaction.alerts.states(statuses=TRACKED_PHASES))
    is_watch = isinstance(sweep, WatchSweep)
    if isinstance(sweep, WatchSweep):
        evaluated = evaluate_watch(transaction, policy, sweep, tracked)
    else:
        evaluated = SweepEvaluator(transaction=transaction, policy=policy, sweep=sweep, states=tracked).evaluate()
    alerts = {*tracked, *(observation.alert for observation in evaluated.observations)}
    teams = {PLATFORM, *(state.team for state in tracked.values()), *(one.team for one in evaluated.observations)}
    others = sorted((alerts | {storm_of(team) for team in teams}) - set(tracked))
    facts = PlanInput(
        as_of=sweep.as_of,
        now=now,
        policy=policy,
        observations=evaluated.observations,
        states={
            **{alert: AlertState(alert=alert) for alert in others},
            **_states(transaction.alerts.states_by_id([str(alert) for alert in others])),
            **tracked,
        },
        components=_components(transaction, {alert.about for alert in alerts}),
        teams=transaction.components.teams(),
        clusters=() if is_watch else transaction.clusters.all(),
        is_watch=is_watch,
        checked_every=_checked_every(transaction, policy, sweep),
        resting=frozenset() if is_watch else _resting_channels(transaction, now),
    )
    return facts, evaluated.recommendations


def _checked_every(transaction: Transaction, policy: Policy, sweep: Sweep | WatchSweep) -> timedelta | None:
    """Return the interval that watch sweeps have reached, as this sweep shows it; at least the one of the settings."""
    if not policy.watch_every:
        return None
    before = max((one for one in looks_for_danger(transaction) if one < sweep.as_of), default=sweep.as_of)
    return max(policy.watch_every, sweep.as_of - before)


def _resting_channels(transaction: Transaction, now: datetime) -> frozenset[str]:
    events = [
        (AlertId.parse(row.alert), EVENT_JSON.validate_python(row.details))
        for row in transaction.alerts.notifications(now - REST, until=now)
    ]
    return frozenset(
        event.post.target
        for alert, event in events
        if isinstance(event, NotificationSent)
        and event.post is not None
        and event.page is None
        and event.at > now - REST
        and alert.rule not in NEVER_GROUPED
    )


def _states(rows: Iterable[AlertStateRow]) -> Mapping[AlertId, AlertState]:
    states = (STATE_JSON.validate_python(row.state) for row in rows)
    return {state.alert: state for state in states}


def _write_recommendations(store: Store, as_of: datetime, recommendations: Iterable[Recommendation]) -> bool:
    """Write recommendations in short transactions. Return False if a concurrent run has evaluated the sweep meanwhile."""
    remaining = iter(recommendations)
    while batch := list(islice(remaining, _RECOMMENDATIONS_AT_ONCE)):
        with store.transaction() as transaction:
            if _is_evaluated(transaction.sweeps.get(as_of, for_update=True)):
                return False
            transaction.recommendations.put(batch)
    return True


def _is_evaluated(sweep: Sweep | WatchSweep | None) -> bool:
    return sweep is None or sweep.evaluated_at is not None


def _render(facts: PlanInput, plan: SweepPlan, growth: Mapping[AlertId, tuple[str, ...]]) -> tuple[Message, ...]:
    renderer = NoticeRenderer(
        now=facts.now,
        policy=facts.policy,
        components=facts.components,
        teams=facts.teams,
        checked_every=facts.checked_every,
        growth=growth,
    )
    return renderer.render_all(plan.decisions)


def _mark_clusters(transaction: Transaction, plan: SweepPlan, *, now: datetime) -> None:
    for decision in plan.decisions:
        if isinstance(decision, LostClusterDecision):
            transaction.clusters.mark_notified(decision.cluster.name, at=now)
        elif isinstance(decision, ReturnedClusterDecision):
            transaction.clusters.mark_notified(decision.cluster.name, at=None)


def _components(transaction: Transaction, refs: set[EntityRef]) -> dict[EntityRef, Component]:
    found = {component.ref: component for component in transaction.components.by_refs(sorted(refs))}
    removed = (transaction.components.get(ref) for ref in refs & set(transaction.components.gone()))
    return found | {component.ref: component for component in removed if component is not None}
