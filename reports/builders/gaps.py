"""What could not be measured, grouped by cause, figure and cluster: never a line per workload."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from domain.closing_point import ClosingPoint
from domain.figures import is_blank
from domain.measures import Unknown
from domain.money import format_count
from domain.snapshots import MEASURES, NetworkUse, Outcome, WorkloadPoint
from domain.sweeps import UnmeasuredFigure, describe_unmeasured
from domain.workload import WorkloadKey
from reports import content
from reports.builders.names import ReportNames
from reports.builders.sentences import format_names

MAX_NAMED: Final = 5
"""Components named in a sentence."""
_EVERYTHING: Final = "every figure"
_FIGURES: Final = {
    "cost_7d": "cost",
    "savings_available_per_month": "the available saving",
    "active_savings_per_month": "the realised saving",
    "automated": "automation",
    "under_provisioned": "the recommendation",
    "over_provisioned": "the recommendation",
    "oom_kills_24h": "the OOM kill count",
    "replicas": "the number of replicas",
    "network": "network traffic",
}
"""Names of measures; the others are about requests."""
_REQUESTS: Final = "requested or recommended CPU or memory"
_SHOWN: Final = tuple(measure for measure in (*MEASURES, "network") if measure not in ("pod_hours_7d", "spot_hours_7d"))
"""Pod-hours are evidence for the comparison of weeks, and are not shown."""


def list_gaps(now: ClosingPoint, names: ReportNames) -> content.DataGaps:
    """List what could not be measured: components, figures of workloads, then warnings; each the most frequent first."""
    components: dict[str, list[str]] = {}
    warnings: dict[str, list[str]] = {}
    for measurement in now.measurements:
        snapshot = measurement.snapshot
        name = names.component(snapshot.ref).title
        if snapshot.outcome is Outcome.UNKNOWN:
            components.setdefault(snapshot.reason, []).append(name)
        for warning in snapshot.warnings:
            warnings.setdefault(warning, []).append(name)
    return content.DataGaps(
        gaps=(
            *(
                content.DataGap(
                    what="component", names=names, reason=reason, sentence=f"{_named(names)} could not be measured: {reason}"
                )
                for reason, names in _most_frequent_first(components)
            ),
            *_workload_gaps(now),
            *(
                content.DataGap(what="warning", names=names, reason=reason, sentence=f"{_named(names)}: {reason}")
                for reason, names in _most_frequent_first(warnings)
            ),
        )
    )


def _workload_gaps(now: ClosingPoint) -> Iterator[content.DataGap]:
    found: dict[tuple[str, str], dict[str, list[WorkloadKey]]] = defaultdict(lambda: defaultdict(list))
    for key in sorted(now.points):
        if not now.unknown.keys() >= set(now.claims[key]):  # else the component is listed
            for gap in _unknown_figures(now.points[key]):
                found[gap][key.cluster].append(key)
    for (figure, reason), clusters in sorted(found.items(), key=lambda item: (-sum(map(len, item[1].values())), item[0])):
        unmeasured = [
            UnmeasuredFigure(figure=figure, cluster=cluster, workloads=len(keys), reason=reason)
            for cluster, keys in clusters.items()
        ]
        (sentence,) = describe_unmeasured(unmeasured)
        yield content.DataGap(
            what="workload",
            names=tuple(str(key) for keys in clusters.values() for key in keys),
            reason=reason,
            figure=figure,
            clusters=tuple(
                content.ClusterGap(cluster=cluster, workloads=tuple(str(key) for key in keys))
                for cluster, keys in clusters.items()
            ),
            sentence=f"{sentence[0].upper()}{sentence[1:]}",
        )


def _unknown_figures(point: WorkloadPoint) -> Iterable[tuple[str, str]]:
    """Return the figures of a workload that are unknown, each with its reason."""
    values = {measure: getattr(point, measure) for measure in _SHOWN}
    if isinstance(point.network, NetworkUse):
        values["network"] = point.network.cross_az_cost
    unknown = {measure: value.reason for measure, value in values.items() if isinstance(value, Unknown)}
    if is_blank(point):
        return [(_EVERYTHING, reason) for reason in dict.fromkeys(unknown.values())]
    return dict.fromkeys((_FIGURES.get(measure, _REQUESTS), reason) for measure, reason in unknown.items())


def _most_frequent_first(by_reason: Mapping[str, list[str]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for reason, names in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        yield reason, tuple(names)


def _named(names: tuple[str, ...]) -> str:
    count = f"{format_count(len(names), 'component')}: " if len(names) > MAX_NAMED else ""
    return f"{count}{format_names(names, max_names=MAX_NAMED)}"
