"""The kinds of figure of a component, each from a source of its own that can fail alone, and which of them a measurement has."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from domain.measures import is_known
from domain.snapshots import MEASURES, Measurement, Outcome, WorkloadPoint


class FigureKind(StrEnum):
    """What is measured of a component. The text is its name in sentences."""

    WORKLOADS = "workloads"
    COST = "cost"
    SAVINGS = "savings"
    FLAGS = "recommendation"
    OOM_KILLS = "OOM kill count"
    NETWORK = "network"


MEASURE_OF_KIND: Final[Mapping[FigureKind, str]] = {
    FigureKind.COST: "cost_7d",
    FigureKind.SAVINGS: "savings_available_per_month",
    FigureKind.FLAGS: "under_provisioned",
    FigureKind.OOM_KILLS: "oom_kills_24h",
    FigureKind.NETWORK: "network",
}
"""The field of a point that shows whether a kind was measured. `WORKLOADS` is the list itself."""


Figure: TypeAlias = tuple[FigureKind, str]
"""A kind of figure in a cluster."""


def is_blank(point: WorkloadPoint) -> bool:
    """Return True if nothing of a workload was measured: its cluster is lost, or its component could not be listed."""
    return not any(is_known(getattr(point, measure)) for measure in MEASURES)


def known_figures(measurement: Measurement) -> Mapping[Figure, bool]:
    """Return, for each kind of figure and each cluster that has workloads, whether any workload of it has the figure.

    Clusters of which nothing was measured are left out; a component that could not be listed has nothing.
    """
    if measurement.snapshot.outcome is Outcome.UNKNOWN:
        return {}
    known: dict[Figure, bool] = {}
    for point in measurement.points:
        if is_blank(point):
            continue
        for kind, measure in MEASURE_OF_KIND.items():
            figure = kind, point.key.cluster
            known[figure] = known.get(figure, False) or is_known(getattr(point, measure))
    return known
