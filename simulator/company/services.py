"""The services of the company: a catalog entity, its owner, its selector and its workloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulator.company.story import EDGE, STAGING, US

PROD: Final = (US, EDGE)
EVERYWHERE: Final = (US, EDGE, STAGING)
US_AND_STAGING: Final = (US, STAGING)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A workload on each cluster of its service: the requests of a pod, and its need as a share of them."""

    name: str
    replicas: int
    cpu: int
    """Requested millicores."""
    memory: int
    """Requested MiB."""
    cpu_need: float = 0.92
    memory_need: float = 0.94
    type: str = "Deployment"
    saved: float = 0.0
    """Above zero: automated by ScaleOps, which saves this share of the original cost."""
    spot: int = 0
    """Percent of its hours on spot nodes."""
    traffic: int = 4
    """Gigabytes per day to each destination; 0: no destinations."""
    local: float = 0.8
    """Share of the traffic that stays in its zone."""
    policy: str = "production"
    clusters: tuple[str, ...] = ()
    """Where it runs; empty: on all clusters of the service."""

    @property
    def automated(self) -> bool:
        """True if ScaleOps sets its requests."""
        return self.saved > 0


@dataclass(frozen=True, kw_only=True)
class ShopService:
    """A catalog entity with its workloads."""

    name: str
    team: str
    """Owning group; empty: none."""
    parts: tuple[Part, ...]
    clusters: tuple[str, ...] = (US,)
    namespace: str = "shop"
    selector: str = ""
    """Label selector; empty: selects the name of the service."""
    lifecycle: str = "production"
    kind: str = "Component"
    type: str = "service"
    annotations: tuple[tuple[str, str], ...] = ()
    title: str = ""


def oversized(
    name: str,
    replicas: int,
    cpu: int,
    memory: int,
    *,
    kind: str = "Deployment",
    policy: str = "production",
    spot: int = 0,
    traffic: int = 4,
) -> Part:
    """Return a workload that requests about three times what it needs and is not automated."""
    return Part(
        name=name,
        replicas=replicas,
        cpu=cpu,
        memory=memory,
        cpu_need=0.32,
        memory_need=0.45,
        type=kind,
        policy=policy,
        spot=spot,
        traffic=traffic,
    )
