"""The rules about measuring: figures of a component that were measured before, and the catalog that names the components."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from alerts.observations import AlertId, CatalogFigures, Finding, Observation, Severity, UnmeasuredFigures
from alerts.policy import Rule
from domain.figures import MEASURE_OF_KIND, Figure, FigureKind, is_blank, known_figures
from domain.measures import Unknown
from domain.refs import PLATFORM
from domain.snapshots import Measurement, Outcome
from domain.sweeps import Sweep

INCOMPLETE_LISTINGS: Final = 3
CATALOG: Final = AlertId(rule=Rule.CATALOG, about=PLATFORM)


def observe_unmeasured(measurement: Measurement, *, measured_before: bool, figures_before: frozenset[Figure]) -> Observation:
    """Find what was measured before and is not now: the component, or a kind of its figures in a cluster."""
    snapshot = measurement.snapshot
    alert = AlertId(rule=Rule.UNMEASURED, about=snapshot.ref)
    clear = Observation(alert=alert, team=snapshot.team, as_of=snapshot.as_of)
    if snapshot.outcome is Outcome.UNKNOWN:
        found = (Finding(figures=UnmeasuredFigures(reason=snapshot.reason)),) if measured_before else ()
        return replace(clear, found=found)
    missing = [figure for figure, is_known in known_figures(measurement).items() if not is_known]
    return replace(
        clear,
        found=tuple(_unmeasured_figure(measurement, *figure) for figure in sorted(missing) if figure in figures_before),
        unknown=tuple(subject_of(kind, cluster) for cluster in _blank_clusters(measurement) for kind in MEASURE_OF_KIND),
    )


def _unmeasured_figure(measurement: Measurement, kind: FigureKind, cluster: str) -> Finding:
    values = (getattr(point, MEASURE_OF_KIND[kind]) for point in measurement.points if point.key.cluster == cluster)
    reason = next(value.reason for value in values if isinstance(value, Unknown))
    return Finding(subject=subject_of(kind, cluster), figures=UnmeasuredFigures(reason=reason, what=kind, cluster=cluster))


def subject_of(kind: FigureKind, cluster: str) -> str:
    """Return the subject of a finding about one kind of figure in one cluster."""
    return f"{kind} in cluster {cluster}"


def _blank_clusters(measurement: Measurement) -> Iterable[str]:
    measured = {point.key.cluster for point in measurement.points if not is_blank(point)}
    return sorted({point.key.cluster for point in measurement.points} - measured)


def observe_catalog(sweep: Sweep, earlier: Sequence[Sweep]) -> Observation:
    """Find a catalog that lists nothing, far fewer components than before, or is incomplete for several sweeps in a row.

    `earlier` are the sweeps before, newest first.
    """
    clear = Observation(alert=CATALOG, team=PLATFORM, as_of=sweep.as_of)
    reason = ""
    if not sweep.expected:
        listed = "lists no component with a workload selector" if sweep.listing_complete else "could not be listed"
        reason = f"The catalog {listed}, so nothing is measured"
    elif sweep.listing_missing:
        reason = sweep.listing_reason
    elif not sweep.listing_complete:
        recent = earlier[: INCOMPLETE_LISTINGS - 1]
        if len(recent) < INCOMPLETE_LISTINGS - 1 or any(one.listing_complete for one in recent):
            return clear.as_unknown(sweep.listing_reason or "the catalog could not be listed")
        why = f": {sweep.listing_reason}" if sweep.listing_reason else ""
        reason = f"The catalog could not be listed completely in {INCOMPLETE_LISTINGS} sweeps in a row{why}"
    if not reason:
        return clear
    figures = CatalogFigures(reason=f"{reason[0].upper()}{reason[1:]}.")
    return replace(clear, found=(Finding(figures=figures, severity=Severity.ERROR, has_evidence=True),))
