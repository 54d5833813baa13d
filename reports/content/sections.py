"""The other sections of a report: alerts, network, automation, and what could not be measured."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import model_validator

from reports.content.values import ComponentName, ContentModel, Money


class OpenAlert(ContentModel):
    """An alert that was open at the end of the week."""

    rule: str
    about: str
    """Reference of the component or team."""
    title: str
    since: datetime
    sentence: str


class AlertList(ContentModel):
    """Open alerts, and costs that rose and are usual now: alerts that ended without a fix."""

    kind: Literal["alerts"] = "alerts"
    open: tuple[OpenAlert, ...]
    became_usual: tuple[str, ...]
    """Titles of the components."""


class HotSpotPlace(ContentModel):
    """One of the workloads of a hot spot."""

    cluster: str
    namespace: str
    cross_az_cost: Money


class HotSpot(ContentModel):
    """The workloads of one name with cross-zone traffic, over clusters and namespaces. Money and bytes over the 168 hours before the snapshot."""

    label: str
    """The name to show: with the type where another type has the same name."""
    name: str
    type: str
    components: tuple[ComponentName, ...]
    places: tuple[HotSpotPlace, ...]
    """Highest cost first; they add up to `cross_az_cost`."""
    cross_az_cost: Money
    network_cost: Money | None
    """None: unknown for one of the places."""
    cross_az_traffic_bytes: Money | None
    """None: unknown for one of the places."""

    @model_validator(mode="before")
    @classmethod
    def _of_one_workload(cls, stored: Any) -> Any:  # noqa: ANN401 - JSON
        """Read a hot spot in a report that release 0.1 stored: it is a single workload."""
        if not isinstance(stored, dict) or "workload" not in stored:
            return stored
        workload = stored["workload"]
        place = {"cluster": workload["cluster"], "namespace": workload["namespace"], "cross_az_cost": stored["cross_az_cost"]}
        named = {name: workload[name] for name in ("label", "name", "type")}
        return {name: value for name, value in stored.items() if name != "workload"} | named | {"places": [place]}


class Network(ContentModel):
    """Traffic between availability zones, over 168 hours."""

    kind: Literal["network"] = "network"
    currency: str
    period: Literal["7 days"] = "7 days"
    as_of: datetime
    cross_az_cost: Money | None
    measured: int
    not_monitored: int
    unknown: int
    hot_spots: tuple[HotSpot, ...]
    clusters_not_monitored: tuple[str, ...]
    components_unknown: int = 0
    """Components that could not be measured."""


class PolicyUse(ContentModel):
    """Number of workloads with a policy."""

    policy: str
    workloads: int


class Automation(ContentModel):
    """Automation and policy coverage."""

    kind: Literal["automation"] = "automation"
    as_of: datetime
    automated: int
    known: int
    workloads: int
    policies: tuple[PolicyUse, ...]
    without_policy: int
    components_unknown: int = 0
    """Components that could not be measured."""


class ClusterGap(ContentModel):
    """The workloads of one cluster that a gap concerns."""

    cluster: str
    workloads: tuple[str, ...]


class DataGap(ContentModel):
    """Items that could not be measured for one reason: components, one figure of workloads, or what a warning names."""

    what: Literal["component", "workload", "warning"]
    names: tuple[str, ...]
    """Titles of the components, or the workloads."""
    reason: str
    figure: str = ""
    """What is unknown of the workloads."""
    clusters: tuple[ClusterGap, ...] = ()
    sentence: str
    """All of it in words, but for the names of workloads."""


class DataGaps(ContentModel):
    """All items that could not be measured."""

    kind: Literal["gaps"] = "gaps"
    gaps: tuple[DataGap, ...]
