"""Constant worlds of any size, for benchmarks: `crowd:200` is two hundred components with three workloads each, on three clusters."""

from __future__ import annotations

from typing import Final

from simulator.parity import cost_row
from simulator.world import NetworkData, Record, Scenario, SimulatedWorkload, World

CLUSTERS: Final = ("crowd-a", "crowd-b", "crowd-c")
PARTS: Final = ("api", "worker", "cache")
TEAM_SIZE: Final = 10
_GIB: Final = 1024**3


def build_scenario(components: int) -> Scenario:
    """Return a constant world. A component's three workloads run on one to three clusters, all with network monitoring."""
    numbers = range(components)
    teams = range((components + TEAM_SIZE - 1) // TEAM_SIZE)
    world = World(
        clusters=CLUSTERS,
        workloads=tuple(_workload(number, place) for number in numbers for place in range(len(PARTS))),
        policies={cluster: tuple(_policy(name) for name in ("production", "cost")) for cluster in CLUSTERS},
        network_enabled=dict.fromkeys(CLUSTERS, True),
        entities=(*(_component(number) for number in numbers), *(_group(number) for number in teams)),
    )
    return Scenario(name=f"crowd:{components}", world_at=lambda _: world)


def _name(number: int) -> str:
    return f"service-{number:05}"


def _workload(number: int, place: int) -> SimulatedWorkload:
    part = f"{_name(number)}-{PARTS[place]}"
    cluster = CLUSTERS[(number + min(place, number % len(CLUSTERS))) % len(CLUSTERS)]
    namespace = f"team-{number // TEAM_SIZE:04}"
    replicas = 1 + (number + place) % 5
    is_over = (number + place) % 4 == 0
    savings = 20.0 + number % 50 if is_over else 0.0
    dash: Record = {
        "id": f"{namespace}-Deployment-{part}",
        "clusterName": cluster,
        "namespace": namespace,
        "workloadName": part,
        "type": "Deployment",
        "policyName": "production",
        "auto": not is_over,
        "replicas": replicas,
        "cpuRequests": 500,
        "cpuRecommended": 200 if is_over else 480,
        "memRequests": _GIB,
        "memRecommended": _GIB // 2 if is_over else _GIB,
        "isUnderProvisioned": False,
        "isOverProvisioned": is_over,
        "savingsAvailable": savings,
        "activeSavings": 0.0 if is_over else 12.5,
        "oomCountLast24h": 0,
        "oomLastTimestamp": "",
    }
    base: Record = {
        "id": dash["id"].upper(),
        "workloadName": part,
        "hourlyCost": 0.05 * replicas,
        "savingsAvailable": savings,
        "spotPercent": 0,
        "onDemandPercent": 100,
    }
    peer = {"Name": f"peer-{number % 7}", "Namespace": namespace, "WorkloadType": "deployment", "replicas": 2}
    flow = {"egress": 10**9, "ingress": 10**8, "cegress": 0.01, "cingress": 0.001, "intra": 0.5}
    return SimulatedWorkload(
        labels={"app.kubernetes.io/name": _name(number), "env": "prod"},
        dash=dash,
        cost_of=lambda hours: cost_row(base, replicas=replicas, hours=hours),
        network=NetworkData(destinations=({**peer, **flow},)),
    )


def _component(number: int) -> Record:
    return {
        "kind": "Component",
        "metadata": {
            "name": _name(number),
            "title": f"Service {number}",
            "annotations": {"backstage.io/kubernetes-label-selector": f"app.kubernetes.io/name={_name(number)}"},
        },
        "spec": {"type": "service", "lifecycle": "production", "owner": f"team-{number // TEAM_SIZE:04}"},
    }


def _group(number: int) -> Record:
    annotations = {"slack.com/bot-notify": f"C0TEAM{number:04}"}
    return {
        "kind": "Group",
        "metadata": {"name": f"team-{number:04}", "annotations": annotations},
        "spec": {"type": "team", "children": []},
    }


def _policy(name: str) -> Record:
    metadata = {"name": name, "namespace": "scaleops-system"}
    return {"apiVersion": "analysis.scaleops.sh/v1alpha1", "kind": "Policy", "metadata": metadata, "spec": {"type": "Optimize"}}
