"""Outages: too many components lost a kind of figure at once, so the cause is ScaleOps or the way to it, not the components.

An outage is an alert about the platform with one finding for each kind of figure. It holds back what depends on that kind:
resolves, and alerts about money and measuring. A danger that was measured is never held back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerts.observations import AlertId, Finding, Observation, OutageFigures, Severity, Verdict
from alerts.policy import AlertPolicy, Rule
from alerts.states import AlertState
from domain.figures import FigureKind
from domain.refs import PLATFORM

OUTAGE: Final = AlertId(rule=Rule.OUTAGE, about=PLATFORM)
MEASURED_WITHIN: Final = timedelta(days=1)
"""What was not measured for this long before an outage began is no part of it."""

_ALL: Final = frozenset(FigureKind)
_DEPENDS_ON: Final[Mapping[Rule, frozenset[FigureKind]]] = {
    Rule.UNDER_PROVISIONED: frozenset({FigureKind.WORKLOADS, FigureKind.FLAGS, FigureKind.OOM_KILLS}),
    Rule.OVER_PROVISIONED: frozenset({FigureKind.WORKLOADS, FigureKind.FLAGS, FigureKind.SAVINGS, FigureKind.COST}),
    Rule.COST_INCREASE: frozenset({FigureKind.WORKLOADS, FigureKind.COST}),
    Rule.BUDGET: frozenset({FigureKind.WORKLOADS, FigureKind.COST}),
}
"""The kinds of figure that a rule is evaluated from; the other rules, from all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureCoverage:
    """How many components had a kind of figure in the day before an outage, and how many of these lack it now."""

    kind: FigureKind
    before: int
    unknown: int


def is_outage(coverage: FigureCoverage, policy: AlertPolicy) -> bool:
    """Return True if too many of the components that were measured before are unknown."""
    return is_too_many(coverage.unknown, of=coverage.before, policy=policy)


def is_too_many(missing: int, *, of: int, policy: AlertPolicy) -> bool:
    """Return True if too many components are missing at once: more than a share of all, and at least a few."""
    return missing > policy.outage_share * of and missing >= policy.outage_components


def observe_outage(coverages: Iterable[FigureCoverage], *, as_of: datetime, policy: AlertPolicy) -> Observation:
    """Observe of which kinds of figure this sweep is an outage."""
    found = tuple(
        Finding(
            subject=str(one.kind),
            figures=OutageFigures(unknown=one.unknown, components=one.before, what=one.kind),
            severity=Severity.ERROR,
            has_evidence=True,
        )
        for one in coverages
        if is_outage(one, policy)
    )
    is_whole = any(finding.subject == str(FigureKind.WORKLOADS) for finding in found)
    undecided = tuple(str(kind) for kind in FigureKind if kind is not FigureKind.WORKLOADS) if is_whole else ()
    return Observation(alert=OUTAGE, team=PLATFORM, as_of=as_of, found=found, unknown=undecided)


def began_at(state: AlertState | None, kind: FigureKind, *, as_of: datetime) -> datetime:
    """Return the sweep in which the open outage of a kind began; without one, this sweep."""
    streaks = state.streaks if state is not None else ()
    return min((streak.since for streak in streaks if streak.finding.subject == str(kind)), default=as_of)


def suppress_in_outage(observations: Sequence[Observation], before: AlertState | None = None) -> list[Observation]:
    """Return the observations of a sweep with those as unknown that an outage in it holds back.

    A watch sweep observes no outage: the one of the full sweep before, `before`, holds back what depends on it.
    """
    observed = [finding.subject for one in observations if one.alert == OUTAGE for finding in one.found]
    is_observed = any(one.alert == OUTAGE for one in observations)
    kinds = set(observed if is_observed or before is None else (streak.finding.subject for streak in before.streaks))
    held = {rule for rule in Rule if rule is not Rule.OUTAGE and kinds & {str(kind) for kind in _DEPENDS_ON.get(rule, _ALL)}}
    return [_suppressed(one) if one.alert.rule in held else one for one in observations]


def _suppressed(observation: Observation) -> Observation:
    is_danger = observation.alert.rule is Rule.UNDER_PROVISIONED and bool(observation.found)
    if is_danger and observation.verdict is Verdict.MEASURED:
        return observation
    return observation.as_unknown(
        "so much could not be measured that nothing resolves, and no alert about money opens, until that ends"
    )
