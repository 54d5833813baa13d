"""What a watch sweep shows of one component. Absence is never a clear: a workload that it did not return is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from alerts.observations import Observation
from alerts.policy import AlertPolicy
from alerts.rules import SweepHistory, observe_under_provisioned
from alerts.states import AlertState
from domain.snapshots import Measurement, Outcome, Snapshot, WorkloadPoint
from domain.workload import WorkloadKey

_OF_A_FULL_SWEEP: Final = SweepHistory(measured_before=True)
"""A watch sweep knows only components that a full sweep had, so it is never the first one."""


def is_superseded(as_of: datetime, *evaluated: datetime | None) -> bool:
    """Return True if a watch sweep shows nothing, because a newer sweep of either kind was evaluated before it.

    A quiet alert does not know when it was last clear: what a late watch sweep saw would open it after it had ended.
    """
    return any(newest is not None and newest > as_of for newest in evaluated)


def observe_watched(
    owned: Snapshot,
    points: Mapping[WorkloadKey, WorkloadPoint],
    policy: AlertPolicy,
    *,
    as_of: datetime,
    lifecycle: str,
    state: AlertState | None,
) -> Observation:
    """Return what a watch sweep shows of the rule under-provisioned for one component.

    Args:
        owned: the component's snapshot in the newest closed full sweep: which workloads it owns.
        points: the workloads that the watch sweep stored.
        policy: the rule's settings.
        as_of: the watch sweep.
        lifecycle: the component's `spec.lifecycle`.
        state: its alert, if that is not quiet. Then the watch sweep stored every workload of the component that it saw.
    """
    seen = tuple(points[key] for key in owned.workloads if key in points)
    snapshot = replace(owned, as_of=as_of, outcome=Outcome.MEASURED, reason="")
    observation = observe_under_provisioned(Measurement(snapshot=snapshot, points=seen), _OF_A_FULL_SWEEP, policy, lifecycle)
    if state is None:
        return observation
    decided = {str(point.key) for point in seen} - set(observation.unknown)
    subjects = {*(str(key) for key in owned.workloads), *(streak.finding.subject for streak in state.streaks)}
    return replace(observation, unknown=tuple(sorted(subjects - decided)))
