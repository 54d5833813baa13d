"""What a service of the company is: an entity of the catalog, its owner, how it selects its workloads, and those workloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulator.company.story import EDGE, STAGING, US

PROD: Final = (US, EDGE)
EVERYWHERE: Final = (US, EDGE, STAGING)
US_AND_STAGING: Final = (US, STAGING)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One workload on each cluster of its service: what a pod requests, and what it needs as a share of that."""

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
    """Automated by ScaleOps when above zero: the share of its first cost that is saved since."""
    spot: int = 0
    """Percent of its hours on spot nodes."""
    traffic: int = 4
    """Gigabytes a day to each of its destinations; 0: none are seen."""
    local: float = 0.8
    """Share of the traffic that stays in its zone."""
    policy: str = "production"
    clusters: tuple[str, ...] = ()
    """Where it runs, when not everywhere the service does."""

    @property
    def automated(self) -> bool:
        """Whether ScaleOps sets its requests."""
        return self.saved > 0


@dataclass(frozen=True, kw_only=True)
class Service:
    """An entity of the catalog with its workloads."""

    name: str
    team: str
    """Owning group; empty: none."""
    parts: tuple[Part, ...]
    clusters: tuple[str, ...] = (US,)
    namespace: str = "shop"
    selector: str = ""
    """Label selector; empty: by the service's own name."""
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
    """Answer a workload that asks for about three times what it needs, and that nobody automates."""
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
