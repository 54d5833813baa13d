"""Applies the rule under-provisioned to what a watch sweep found, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import AlertState
from alerts.watching import is_superseded, observe_watched
from domain.sweeps import WatchSweep
from store import Transaction
from tasks.context import Policy
from tasks.evaluate.sweep_evaluation import SweepEvaluation
from tasks.evaluate.sweep_history import batches


def evaluate_watch(
    transaction: Transaction, policy: Policy, sweep: WatchSweep, states: Mapping[AlertId, AlertState]
) -> SweepEvaluation:
    """Observe the components with a workload in danger, and those whose alert is not quiet.

    Which workloads a component owns is known from the newest full sweep that was closed before. `states` are the alerts that are not
    quiet.
    """
    if is_superseded(sweep.as_of, transaction.sweeps.newest_evaluated(), transaction.watch_sweeps.newest_evaluated()):
        return SweepEvaluation(observations=(), recommendations=())
    full = transaction.sweeps.closed_before(sweep.as_of)
    points = transaction.watch_sweeps.points(sweep.as_of)
    if full is None or not points:
        return SweepEvaluation(observations=(), recommendations=())
    tracked = {alert.about: state for alert, state in states.items() if alert.rule is Rule.UNDER_PROVISIONED}
    refs = sorted({*tracked, *transaction.watch_sweeps.owners(sweep.as_of, full=full.as_of)})
    observations = []
    for batch in batches(refs):
        components = {component.ref: component for component in transaction.components.by_refs(batch)}
        for measurement in transaction.snapshots.of_components(batch, full.as_of):
            snapshot = measurement.snapshot
            ref = snapshot.ref
            is_enabled = policy.alerts.settings_of(Rule.UNDER_PROVISIONED, ref).enabled
            if ref not in components or not is_enabled or not points.keys() & set(snapshot.workloads):
                continue
            observation = observe_watched(
                snapshot, points, policy.alerts, as_of=sweep.as_of, lifecycle=components[ref].lifecycle, state=tracked.get(ref)
            )
            if observation.found or ref in tracked:
                observations.append(observation)
    return SweepEvaluation(observations=tuple(observations), recommendations=())
