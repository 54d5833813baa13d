"""The company's workloads as ScaleOps returns them: rows of the workload list, costs over a range, and network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Final

from simulator.company.catalog import SERVICES, services_at
from simulator.company.pods import MONTH_HOURS, exists, pods_at
from simulator.company.services import Part, ShopService
from simulator.company.story import CLUSTERS, STAGING
from simulator.world import NetworkData, Record, SimulatedWorkload

_SAMPLES_PER_WEEK: Final = 28
_WEEK_HOURS: Final = 168
_GIGABYTE: Final = 1_000_000_000
_PER_GIGABYTE: Final = 0.01
_MAX_DESTINATIONS: Final = 4
_NAMES: Final = tuple((service, part) for service in SERVICES for part in service.parts if part.traffic)


def workloads_at(now: datetime) -> Iterator[SimulatedWorkload]:
    """Yield every workload of every cluster at this instant, owned by a component or not."""
    for service in services_at(now):
        for part in service.parts:
            for cluster in part.clusters or service.clusters:
                yield _workload(service, part, cluster, now)
    for cluster in CLUSTERS:
        yield _workload(_SYSTEM, _SYSTEM.parts[0], cluster, now)


_SYSTEM: Final = ShopService(
    name="coredns",
    team="platform",
    namespace="kube-system",
    parts=(Part(name="coredns", replicas=3, cpu=200, memory=256, policy="system", traffic=0),),
)
"""Runs on every cluster and belongs to no component."""


def _workload(service: ShopService, part: Part, cluster: str, now: datetime) -> SimulatedWorkload:
    cost_of = cache(partial(_cost, service, part, cluster, now))
    return SimulatedWorkload(
        labels=_labels(service, part, cluster),
        dash=_dash(service, part, cluster, now),
        cost_of=lambda hours: dict(cost_of(hours)),
        network=_network(part, cluster),
    )


def _labels(service: ShopService, part: Part, cluster: str) -> dict[str, str]:
    labels = {
        "app": part.name,
        "app.kubernetes.io/name": service.name,
        "app.kubernetes.io/part-of": "cart" if service.name == "cartservice" else service.name,
        "env": "staging" if cluster == STAGING else "prod",
        "team": service.team or "nobody",
    }
    if service.selector == "kubernetes-id":
        labels["backstage.io/kubernetes-id"] = service.name
    return labels


def _dash(service: ShopService, part: Part, cluster: str, now: datetime) -> Record:
    pods = pods_at(service, part, cluster, now)
    saving = 0.0 if pods.is_under_provisioned or pods.automated else max(0.0, pods.hourly_cost - pods.hourly_cost_recommended)
    available = round(saving * MONTH_HOURS, 2)
    active = round((pods.original_hourly_cost - pods.hourly_cost) * MONTH_HOURS, 2) if pods.automated else 0.0
    row: Record = {
        "id": _id(service, part),
        "clusterName": cluster,
        "namespace": service.namespace,
        "workloadName": part.name,
        "type": part.type,
        "policyName": part.policy,
        "auto": pods.automated,
        "overridden": False,
        "shouldBinPack": part.type == "Deployment",
        "rollingStrategyDetails": {"rolloutPolicyValue": "Ongoing" if part.policy == "cost" else "OnCreate"},
        "cpuRequests": round(pods.cpu, 1),
        "memRequests": round(pods.memory),
        "cpuRecommended": round(pods.cpu_recommended, 1),
        "memRecommended": round(pods.memory_recommended),
        "cpuDiff": round(pods.cpu - pods.cpu_recommended, 1),
        "memoryDiff": round(pods.memory - pods.memory_recommended),
        "priorityClassName": "0",
        "replicas": pods.replicas,
        "hasGPU": False,
        "hasHpa": part.type == "Deployment",
        "isUnderProvisioned": pods.is_under_provisioned,
        "isOverProvisioned": pods.is_over_provisioned,
        "savingsAvailable": available,
        "activeSavings": active,
        "overallAvailableSavings": round(available + active, 2),
        "oomCountLast24h": pods.oom_kills_24h,
        "oomLastTimestamp": "" if pods.last_oom_kill is None else pods.last_oom_kill.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "workloadErrors": None,
        "hpaStatusWarnings": None,
    }
    if part.name == "reviews-worker" and cluster == STAGING:
        # The one workload without savings.
        row["savingsAvailable"] = None
        del row["activeSavings"], row["overallAvailableSavings"]
    return row


def _id(service: ShopService, part: Part) -> str:
    """Return the same id for every cluster: the worst case that the facts allow."""
    return f"{service.namespace}-{part.type}-{part.name}"


def _cost(service: ShopService, part: Part, cluster: str, now: datetime, hours: int) -> Record:
    """Return the cost row: the mean over evenly spaced instants of the range, so that an event appears gradually."""
    samples = _SAMPLES_PER_WEEK * max(1, hours // _WEEK_HOURS)
    step = timedelta(hours=hours) / samples
    instants = [now - step * (number + 0.5) for number in range(samples)]
    history = [pods_at(service, part, cluster, at) for at in instants if exists(service, at)]
    pod_hours = sum(pods.replicas for pods in history) * hours / samples
    total = sum(pods.hourly_cost for pods in history) * hours / samples
    saved = (
        sum(0.0 if pods.automated else max(0.0, pods.hourly_cost - pods.hourly_cost_recommended) for pods in history)
        * hours
        / samples
    )
    name = _id(service, part)
    return {
        "id": name.upper() if hashlib.sha256(name.encode()).digest()[0] % 2 else name,
        "workloadName": part.name,
        "totalCost": round(total, 4),
        "hourlyCost": 0.0,
        "spotHours": round(pod_hours * part.spot / 100, 2),
        "spotPercent": part.spot if pod_hours else 0,
        "onDemandHours": round(pod_hours * (100 - part.spot) / 100, 2),
        "onDemandPercent": 100 - part.spot if pod_hours else 0,
        "savingsAvailable": round(saved, 4),
    }


def _network(part: Part, cluster: str) -> NetworkData:
    if not part.traffic:
        return NetworkData()
    seed = hashlib.sha256(f"{cluster}/{part.name}".encode()).digest()
    peers = [_NAMES[(seed[0] + 11 * number) % len(_NAMES)] for number in range(1 + seed[1] % _MAX_DESTINATIONS)]
    share = 0.5 if cluster == STAGING else 1.0
    destinations = tuple(
        {
            "Name": peer.name,
            "Namespace": service.namespace,
            "WorkloadType": peer.type.lower(),
            "replicas": peer.replicas,
            "egress": int(part.traffic * share * _GIGABYTE * (1 - 0.2 * number)),
            "ingress": int(part.traffic * share * _GIGABYTE * 0.3),
            "cegress": round(part.traffic * share * _PER_GIGABYTE * (1 - 0.2 * number), 4),
            "cingress": round(part.traffic * share * _PER_GIGABYTE * 0.3, 4),
            "intra": part.local,
        }
        for number, (service, peer) in enumerate(peers)
        if peer.name != part.name
    )
    modes = {"schema-registry": "array", "ad-cache": "partial"}
    return NetworkData(destinations=destinations, mode=modes.get(part.name, "object"))
