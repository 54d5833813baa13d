"""What one workload's pods are at any instant: how many, what they request, what they need, what they cost.

Pure arithmetic on the instant; the events of the story are told here once.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from simulator.company.services import Part, Service
from simulator.company.story import (
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
"""Dollars, about what on-demand nodes of a large cloud cost."""
_SPOT_DISCOUNT: Final = 0.6
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
    cpu_advised: float
    memory_advised: float
    hourly_cost: float
    hourly_cost_advised: float
    hourly_cost_at_first: float
    """What it would cost had ScaleOps never touched it."""
    automated: bool
    oom_kills_24h: int
    last_oom_kill: datetime | None

    @property
    def is_under_provisioned(self) -> bool:
        """It needs clearly more than it asks for."""
        return self.cpu_advised > self.cpu * _UNDER or self.memory_advised > self.memory * _UNDER

    @property
    def is_over_provisioned(self) -> bool:
        """It asks for clearly more than it needs."""
        return not self.is_under_provisioned and (
            self.cpu_advised < self.cpu * _OVER or self.memory_advised < self.memory * _OVER
        )


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What a pod requests and is advised to request: millicores and MiB."""

    cpu: float
    memory: float
    cpu_advised: float
    memory_advised: float


def pods_at(service: Service, part: Part, cluster: str, now: datetime) -> Pods:
    """Answer the pods of a part of a service on a cluster."""
    replicas = _replicas(part, cluster, now)
    sizes = _sizes(service, part, cluster, now)
    load = replicas * _drift(service, part, cluster, now) * (1 - _SPOT_DISCOUNT * part.spot / 100)
    now_costs = load * _pod_hour(sizes.cpu, sizes.memory)
    is_rightsized = service.name == "search-indexer" and now >= RIGHTSIZED_AT
    first_costs = load * _pod_hour(part.cpu, part.memory) if is_rightsized else now_costs / (1 - part.saved)
    kills = _oom_kills(part, cluster, now)
    return Pods(
        replicas=replicas,
        cpu=sizes.cpu,
        memory=sizes.memory * MIB,
        cpu_advised=sizes.cpu_advised,
        memory_advised=sizes.memory_advised * MIB,
        hourly_cost=now_costs,
        hourly_cost_advised=load * _pod_hour(sizes.cpu_advised, sizes.memory_advised),
        hourly_cost_at_first=first_costs,
        automated=part.automated or is_rightsized,
        oom_kills_24h=len(kills),
        last_oom_kill=kills[-1] if kills else None,
    )


def exists(service: Service, now: datetime) -> bool:
    """Say whether the service's pods ran at this instant; only the new one did not always."""
    return service.name != "giftcardservice" or now >= NEW_AT


def _replicas(part: Part, cluster: str, now: datetime) -> int:
    replicas = part.replicas
    if part.name == "recommendationservice" and cluster == US and COST_JUMP_FROM <= now < COST_JUMP_UNTIL:
        replicas = round(replicas * COST_JUMP_FACTOR)
    if cluster == EDGE:
        return max(2, replicas // 2)
    return max(1, replicas // 4) if cluster == STAGING else replicas


def _sizes(service: Service, part: Part, cluster: str, now: datetime) -> Sizes:
    if service.name == "search-indexer":
        cpu_advised, memory_advised = part.cpu * part.cpu_need, part.memory * part.memory_need
        if now >= RIGHTSIZED_AT:
            return Sizes(cpu=cpu_advised, memory=memory_advised, cpu_advised=cpu_advised, memory_advised=memory_advised)
        return Sizes(cpu=part.cpu, memory=part.memory, cpu_advised=cpu_advised, memory_advised=memory_advised)
    memory = float(part.memory)
    if part.name == "checkoutservice" and cluster == US:
        if OOM_FROM <= now < OOM_UNTIL:
            return Sizes(
                cpu=part.cpu, memory=memory, cpu_advised=part.cpu * part.cpu_need, memory_advised=memory * _MEMORY_RAISED
            )
        if now >= OOM_UNTIL:
            memory *= _MEMORY_RAISED
    if part.automated:
        return Sizes(cpu=part.cpu, memory=memory, cpu_advised=part.cpu, memory_advised=memory)
    wobble = 1 + 0.02 * math.sin(_phase(part.name, cluster) + _weeks(now))
    return Sizes(
        cpu=part.cpu,
        memory=memory,
        cpu_advised=part.cpu * part.cpu_need * wobble,
        memory_advised=memory * part.memory_need * wobble,
    )


def _oom_kills(part: Part, cluster: str, now: datetime) -> list[datetime]:
    """Answer the kills of the last 24 hours."""
    if part.name == "load-generator":
        return [now.replace(hour=0, minute=0, second=0, microsecond=0)] * _STAGING_OOM_KILLS
    if part.name != "checkoutservice" or cluster != US:
        return []
    return [kill for kill in OOM_KILLS if now - timedelta(hours=24) < kill <= now]


def _pod_hour(cpu: float, memory: float) -> float:
    return cpu / 1000 * _CORE_HOUR + memory / 1024 * _GIB_HOUR


def _drift(service: Service, part: Part, cluster: str, now: datetime) -> float:
    """Answer how much more or less than usual it runs: a slow wave, and a growth of its own over the weeks."""
    phase = _phase(service.name + part.name, cluster)
    weeks = _weeks(now)
    return 1 + 0.03 * math.sin(phase + 0.8 * weeks) + 0.0012 * phase * max(-12.0, weeks)


def _weeks(now: datetime) -> float:
    """Weeks since the story begins; whole days, so that a day's answers agree."""
    return ((now - BEGIN) // timedelta(days=1)) * (timedelta(days=1) / _WEEK)


def _phase(name: str, cluster: str) -> float:
    """A number from 0 to 2 pi that is the workload's own."""
    digest = hashlib.sha256(f"{cluster}/{name}".encode()).digest()
    return digest[0] / 255 * math.tau
