"""The pods of a workload at any instant: count, requests, recommendations and cost, with the events of the story applied."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from simulator.company.services import Part, ShopService
from simulator.company.story import (
    BAD_RELEASE_FROM,
    BAD_RELEASE_KILLS,
    BAD_RELEASE_PARTS,
    BAD_RELEASE_UNTIL,
    BEGIN,
    COST_JUMP_FACTOR,
    COST_JUMP_FROM,
    COST_JUMP_UNTIL,
    EDGE,
    NEW_AT,
    OOM_FROM,
    OOM_KILLS,
    OOM_UNTIL,
    RIGHTSIZED_AT,
    STAGING,
    US,
)

MONTH_HOURS: Final = 720
MIB: Final = 1024 * 1024
_CORE_HOUR: Final = 0.0335
_GIB_HOUR: Final = 0.0045
"""US dollars, roughly on-demand prices of a large cloud."""
_SPOT_DISCOUNT: Final = 0.6
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_MEMORY_RAISED: Final = 1.6
_STAGING_OOM_KILLS: Final = 2
_UNDER: Final = 1.15
_OVER: Final = 0.7


@dataclass(frozen=True, kw_only=True)
class Pods:
    """A workload's pods at one instant. CPU in millicores and memory in bytes are per pod, money per hour for all pods."""

    replicas: int
    cpu: float
    memory: float
    cpu_recommended: float
    memory_recommended: float
    hourly_cost: float
    hourly_cost_recommended: float
    original_hourly_cost: float
    """The cost without any change by ScaleOps."""
    automated: bool
    oom_kills_24h: int
    last_oom_kill: datetime | None

    @property
    def is_under_provisioned(self) -> bool:
        """True if the recommendation is clearly above the request."""
        return self.cpu_recommended > self.cpu * _UNDER or self.memory_recommended > self.memory * _UNDER

    @property
    def is_over_provisioned(self) -> bool:
        """True if the recommendation is clearly below the request."""
        return not self.is_under_provisioned and (
            self.cpu_recommended < self.cpu * _OVER or self.memory_recommended < self.memory * _OVER
        )


@dataclass(frozen=True, kw_only=True)
class PodSizes:
    """Requests and recommendations of a pod: millicores and MiB."""

    cpu: float
    memory: float
    cpu_recommended: float
    memory_recommended: float


def pods_at(service: ShopService, part: Part, cluster: str, now: datetime) -> Pods:
    """Return the pods of a part of a service on a cluster."""
    replicas = _replicas(part, cluster, now)
    sizes = _sizes(service, part, cluster, now)
    load = replicas * _drift(service, part, cluster, now) * (1 - _SPOT_DISCOUNT * part.spot / 100)
    hourly_cost = load * _pod_hour(sizes.cpu, sizes.memory)
    is_rightsized = service.name == "search-indexer" and now >= RIGHTSIZED_AT
    original_cost = load * _pod_hour(part.cpu, part.memory) if is_rightsized else hourly_cost / (1 - part.saved)
    kills = _oom_kills(part, cluster, now)
    return Pods(
        replicas=replicas,
        cpu=sizes.cpu,
        memory=sizes.memory * MIB,
        cpu_recommended=sizes.cpu_recommended,
        memory_recommended=sizes.memory_recommended * MIB,
        hourly_cost=hourly_cost,
        hourly_cost_recommended=load * _pod_hour(sizes.cpu_recommended, sizes.memory_recommended),
        original_hourly_cost=original_cost,
        automated=part.automated or is_rightsized,
        oom_kills_24h=len(kills),
        last_oom_kill=kills[-1] if kills else None,
    )


def exists(service: ShopService, now: datetime) -> bool:
    """Return True if the service's pods ran at this instant; all but the new service always did."""
    return service.name != "giftcardservice" or now >= NEW_AT


def _replicas(part: Part, cluster: str, now: datetime) -> int:
    replicas = part.replicas
    if part.name == "recommendationservice" and cluster == US and COST_JUMP_FROM <= now < COST_JUMP_UNTIL:
        replicas = round(replicas * COST_JUMP_FACTOR)
    if cluster == EDGE:
        return max(2, replicas // 2)
    return max(1, replicas // 4) if cluster == STAGING else replicas


def _sizes(service: ShopService, part: Part, cluster: str, now: datetime) -> PodSizes:
    if service.name == "search-indexer":
        cpu_recommended, memory_recommended = part.cpu * part.cpu_need, part.memory * part.memory_need
        if now >= RIGHTSIZED_AT:
            return PodSizes(
                cpu=cpu_recommended,
                memory=memory_recommended,
                cpu_recommended=cpu_recommended,
                memory_recommended=memory_recommended,
            )
        return PodSizes(cpu=part.cpu, memory=part.memory, cpu_recommended=cpu_recommended, memory_recommended=memory_recommended)
    memory = float(part.memory)
    if part.name == "checkoutservice" and cluster == US:
        if OOM_FROM <= now < OOM_UNTIL:
            return PodSizes(
                cpu=part.cpu, memory=memory, cpu_recommended=part.cpu * part.cpu_need, memory_recommended=memory * _MEMORY_RAISED
            )
        if now >= OOM_UNTIL:
            memory *= _MEMORY_RAISED
    if part.name in BAD_RELEASE_PARTS and cluster == US and BAD_RELEASE_FROM <= now < BAD_RELEASE_UNTIL:
        return PodSizes(
            cpu=part.cpu, memory=memory, cpu_recommended=part.cpu * part.cpu_need, memory_recommended=memory * _MEMORY_RAISED
        )
    if part.automated:
        return PodSizes(cpu=part.cpu, memory=memory, cpu_recommended=part.cpu, memory_recommended=memory)
    wobble = 1 + 0.02 * math.sin(_phase(part.name, cluster) + _weeks(now))
    return PodSizes(
        cpu=part.cpu,
        memory=memory,
        cpu_recommended=part.cpu * part.cpu_need * wobble,
        memory_recommended=memory * part.memory_need * wobble,
    )


def _oom_kills(part: Part, cluster: str, now: datetime) -> list[datetime]:
    """Return the kills of the last 24 hours."""
    if part.name == "load-generator":
        return [now.replace(hour=0, minute=0, second=0, microsecond=0)] * _STAGING_OOM_KILLS
    if cluster != US:
        return []
    kills = BAD_RELEASE_KILLS if part.name in BAD_RELEASE_PARTS else OOM_KILLS if part.name == "checkoutservice" else ()
    return [kill for kill in kills if now - timedelta(hours=24) < kill <= now]


def _pod_hour(cpu: float, memory: float) -> float:
    return cpu / 1000 * _CORE_HOUR + memory / 1024 * _GIB_HOUR


def _drift(service: ShopService, part: Part, cluster: str, now: datetime) -> float:
    """Return the factor on the usual load: a slow wave, and growth over the weeks."""
    phase = _phase(service.name + part.name, cluster)
    weeks = _weeks(now)
    return 1 + 0.03 * math.sin(phase + 0.8 * weeks) + 0.0012 * phase * max(-12.0, weeks)


def _weeks(now: datetime) -> float:
    """Return weeks since the story begins, in whole days: all responses of a day agree."""
    return ((now - BEGIN) // _DAY) * (_DAY / _WEEK)


@cache
def _phase(name: str, cluster: str) -> float:
    """Return a number from 0 to 2 pi that depends on the workload alone."""
    digest = hashlib.sha256(f"{cluster}/{name}".encode()).digest()
    return digest[0] / 255 * math.tau
