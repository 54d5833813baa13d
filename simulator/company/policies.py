"""The company's ScaleOps policies per cluster, as custom resources (facts, section 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.company.story import EDGE, STAGING, US
from simulator.world import Record

_PARAMETERS: Final = {
    # name: window, CPU headroom, CPU percentile, memory headroom, memory percentile, update mode
    "production": ("24h", 5, 85, 10, 95, "OnCreate"),
    "high-availability": ("48h", 15, 97, 20, 99, "OnCreate"),
    "cost": ("24h", 0, 75, 5, 90, "Ongoing"),
    "batch": ("48h", 5, 80, 10, 95, "OnCreate"),
    "system": ("24h", 5, 90, 10, 95, "OnCreate"),
    "kafka-brokers": ("2h", 20, 97, 20, 97, "OnCreate"),
    "dev": ("12h", 0, 70, 5, 85, "Ongoing"),
}
_EXTRA_HEADROOM: Final = {US: 0, EDGE: 5, STAGING: 0}
"""The edge cluster has more headroom under the same policy names."""


def policies_by_cluster() -> Mapping[str, tuple[Record, ...]]:
    """Return the policies of every cluster; policies of one name may differ between clusters."""
    return {
        cluster: tuple(_policy(name, extra) for name in _PARAMETERS if cluster == STAGING or name != "dev")
        for cluster, extra in _EXTRA_HEADROOM.items()
    }


def _policy(name: str, extra: int) -> Record:
    window, cpu_headroom, cpu_percentile, memory_headroom, memory_percentile, mode = _PARAMETERS[name]
    return {
        "apiVersion": "analysis.scaleops.sh/v1alpha1",
        "kind": "Policy",
        "metadata": {"name": name, "namespace": "scaleops-system"},
        "spec": {
            "type": "Optimize",
            "policyOptimize": {
                "rightSizePolicy": {
                    "windowByResource": {"cpu": window, "memory": window, "ephemeral-storage": "48h"},
                    "requestsConfigs": {
                        "cpu": _requests(cpu_headroom + extra, cpu_percentile, "10m"),
                        "memory": _requests(memory_headroom + extra, memory_percentile, "32Mi"),
                        "ephemeral-storage": {
                            "headroomPercentage": 5,
                            "percentilePercentage": 90,
                            "minAllowed": "0Gi",
                            "maxAllowed": "0Gi",
                        },
                    },
                    "limitConfigs": {"cpu": _limits(), "memory": _limits(), "ephemeral-storage": _limits()},
                    "nodeCappingPolicy": {"nodeCappingAuto": True},
                    "cpuInteger": False,
                    "histogramReplicaPercentilePerMinuteByResource": {"memory": 100},
                    "jvmOptimizationEnabled": False,
                    "ephemeralStorageOptimizationEnabled": False,
                },
                "fastReaction": {"enabled": {"cpu": True, "memory": True}},
            },
            "updatePolicy": {
                "updateByTypeMode": dict.fromkeys(
                    ("deployment", "statefulSet", "daemonSet", "job", "family", "argoRollout"), mode
                ),
                "minReplicas": 1,
                "allowRollingUpdate": True,
                "podMinReadySeconds": 5,
                "initContainers": {"enabled": True},
            },
            "autoDetectionRules": {},
            "hpa": {"manageHPA": name != "kafka-brokers"},
            "autoHealing": {"enabledV2": True, "enabledByResource": {"ephemeral-storage": True}},
        },
    }


def _requests(headroom: int, percentile: int, minimum: str) -> Record:
    return {
        "headroomPercentage": headroom,
        "percentilePercentage": percentile,
        "minAllowed": minimum,
        "maxAllowed": "0",
        "keepRequest": False,
    }


def _limits() -> Record:
    return {"noLimit": False, "keepLimit": True, "setLimit": None, "keepLimitRequestRatio": False, "equalsToRequest": False}
