"""The data of the scale benchmark: components with 3.5 workloads each, and the responses of ScaleOps for them.

Three clusters, all monitored; a component's workloads are on one to three of them, and each has two network peers. Rows have all
fields of the real ones, also those that we do not read.
"""

from __future__ import annotations

import json
from typing import Any, Final

from domain.component import Component, NotificationTargets, Team
from domain.refs import EntityRef

CLUSTERS: Final = ("scale-a", "scale-b", "scale-c")
PARTS: Final = ("api", "worker", "cache", "cron")
TEAM_SIZE: Final = 50
_GIB: Final = 1024**3
_HOURS: Final = 168

Record = dict[str, Any]


def name_of(number: int) -> str:
    """Return the name of a component, with the five digits by which the upstream finds it in a request."""
    return f"service-{number:05}"


def ref_of(number: int) -> EntityRef:
    """Return the reference of a component."""
    return EntityRef.of("component", "default", name_of(number))


def team_of(number: int) -> EntityRef:
    """Return the team that owns a component."""
    return EntityRef.of("group", "default", f"team-{number // TEAM_SIZE:03}")


def parts_of(number: int) -> tuple[str, ...]:
    """Return the parts of a component: three, or four if the number is odd."""
    return PARTS[: 3 + number % 2]


def cluster_of(number: int, place: int) -> str:
    """Return the cluster of a part."""
    return CLUSTERS[(number + min(place, number % len(CLUSTERS))) % len(CLUSTERS)]


def component(number: int) -> Component:
    """Return a component as the catalog lists it."""
    return Component(
        ref=ref_of(number),
        spelled_kind="Component",
        spelled_namespace="default",
        spelled_name=name_of(number),
        title=f"Service {number}",
        team=team_of(number),
        lifecycle="production",
        system="",
        label_selector=f"app.kubernetes.io/name={name_of(number)}",
        kubernetes_id=None,
        namespace_limit=None,
        cluster_limit=None,
        contact=NotificationTargets(),
    )


def team(ref: EntityRef) -> Team:
    """Return a team as the catalog lists it."""
    return Team(ref=ref, title=ref.name.title(), parent=None, in_catalog=True, contact=NotificationTargets())


def workloads_body(number: int) -> bytes:
    """Return the workload list of one component."""
    return _serialize({"workloads": [_workload(number, place) for place in range(len(parts_of(number)))]})


def costs_body(number: int, cluster: str) -> bytes:
    """Return the cost report of one component on one cluster."""
    places = [place for place in range(len(parts_of(number))) if cluster_of(number, place) == cluster]
    return _serialize({"aggregatedWorkloads": [_cost(number, place) for place in places]})


def network_body(peers: int = 2) -> bytes:
    """Return the network peers of any workload."""
    return _serialize({"destinations": [_peer(number) for number in range(peers)]})


def flags_body() -> bytes:
    """Return that the network of every cluster is monitored."""
    return _serialize({"networkCostEnabled": dict.fromkeys(CLUSTERS, True)})


def policies_body() -> bytes:
    """Return the policies of any cluster."""
    return _serialize({"policies": [_policy(name) for name in ("production", "cost", "high-availability")]})


def _serialize(content: Record) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _workload(number: int, place: int) -> Record:
    part = f"{name_of(number)}-{PARTS[place]}"
    is_over = (number + place) % 4 == 0
    savings = 20.0 + number % 50 if is_over else 0.0
    namespace = team_of(number).name
    return {
        "activeSavings": 0.0 if is_over else 12.5,
        "auto": not is_over,
        "clusterName": cluster_of(number, place),
        "cpuDiff": 13.524,
        "cpuRecommended": 200.0 if is_over else 480.476,
        "cpuRequests": 500,
        "hasGPU": False,
        "hasHpa": False,
        "hpaStatusWarnings": None,
        "id": f"{namespace}-Deployment-{part}",
        "isOverProvisioned": is_over,
        "isUnderProvisioned": False,
        "memRecommended": _GIB // 2 if is_over else _GIB,
        "memRequests": _GIB,
        "memoryDiff": 36304527,
        "namespace": namespace,
        "oomCountLast24h": 0,
        "oomLastTimestamp": "2026-01-01T00:00:00Z",
        "overallAvailableSavings": savings,
        "overridden": False,
        "policyName": "production",
        "priorityClassName": "system-cluster-critical",
        "replicas": 1 + (number + place) % 5,
        "rollingStrategyDetails": {"rolloutPolicyValue": "ongoing"},
        "savingsAvailable": savings,
        "shouldBinPack": False,
        "type": "Deployment",
        "workloadErrors": None,
        "workloadName": part,
    }


def _cost(number: int, place: int) -> Record:
    workload = _workload(number, place)
    hourly = round(0.05123 * workload["replicas"], 5)
    return {
        "cpuCost": hourly * 0.6,
        "hourlyCost": hourly,
        "id": workload["id"].upper(),
        "memoryCost": hourly * 0.4,
        "onDemandHours": _HOURS * 0.75,
        "onDemandPercent": 75,
        "savingsAvailable": workload["savingsAvailable"] * 0.2333,
        "spotHours": _HOURS * 0.25,
        "spotPercent": 25,
        "totalCost": round(hourly * _HOURS, 4),
        "workloadName": workload["workloadName"],
    }


def _peer(number: int) -> Record:
    peer: Record = {"Name": f"peer-{number}", "Namespace": "shared", "WorkloadType": "Deployment", "replicas": 2}
    for zone, share in (("total", 1.0), ("intraAZ", 0.75), ("crossAZ", 0.25)):
        egress, ingress = round(0.048878 * share, 6), round(0.000709 * share, 6)
        peer[f"{zone}Cost"] = {"total": round(egress + ingress, 6), "egress": egress, "ingress": ingress}
        sent, received = int(5_248_209_147 * share), int(380_568_067 * share)
        peer[f"{zone}Traffic"] = {"total": sent + received, "egress": sent, "ingress": received}
    return peer


def _policy(name: str) -> Record:
    metadata = {"name": name, "namespace": "scaleops-system"}
    return {"apiVersion": "analysis.scaleops.sh/v1alpha1", "kind": "Policy", "metadata": metadata, "spec": {"type": "Optimize"}}
