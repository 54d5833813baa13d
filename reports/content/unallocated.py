"""The section of the roll-up about cost that no component claims."""

from __future__ import annotations

from typing import Literal

from reports.content.costs import Trend, TrendWeek
from reports.content.values import Amount, ContentModel, Share, WorkloadName


class UnallocatedNamespace(ContentModel):
    """The workloads of one namespace that no component claims."""

    cluster: str
    namespace: str
    cost: Amount


class UnallocatedWorkload(ContentModel):
    """One workload that no component claims."""

    workload: WorkloadName
    cost: Amount


class UnallocatedWeek(TrendWeek):
    """One week of the trend; `share` is None if unknown."""

    share: Share | None


class NamespaceList(ContentModel):
    """The namespaces of the highest cost, and the sum of the others."""

    top: tuple[UnallocatedNamespace, ...]
    more: int
    """Number of the others."""
    more_cost: Amount
    """Their cost; zero without any."""


class UnallocatedSpend(ContentModel):
    """What the clusters cost and no component claims. Without a cost, its `unknown_reason` says why."""

    kind: Literal["unallocated"] = "unallocated"
    cost: Amount
    """Without the shared namespaces."""
    share: Share | None
    """Of all known cost."""
    allocated: Amount
    shared: Amount
    namespaces: NamespaceList
    shared_namespaces: NamespaceList
    workloads: tuple[UnallocatedWorkload, ...]
    """Those of the highest cost, without the shared namespaces."""
    weeks: tuple[UnallocatedWeek, ...]
    """Oldest first, ending with this one."""
    missing: tuple[str, ...]
    """What the sums do not include."""
    advice: str
    """What to put into the catalog; empty if there is nothing to do."""

    @property
    def trend(self) -> Trend:
        """The weeks as a trend."""
        return Trend(weeks=self.weeks)
