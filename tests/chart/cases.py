"""Values with which the chart is tried, and what it makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

NAME: Final = "prod"
NAMESPACE: Final = "finops"
_SERVICES: Final = {"SCALEOPS_BASE_URL": "https://scaleops.example.com", "BACKSTAGE_BASE_URL": "https://backstage.example.com"}

EVERYTHING: Final[dict[str, Any]] = {
    "image": {"repository": "registry.example.com/scaleops-worker", "digest": f"sha256:{'0a' * 32}"},
    "imagePullSecrets": [{"name": "registry"}],
    "settings": {**_SERVICES, "GATEWAY_PUBLIC_URL": "https://costs.example.com", "SCALEOPS_TIMEOUT_S": 45, "LOG_FORMAT": "console"},
    "secrets": {
        "existing": ["scaleops-worker"],
        "files": [{"setting": "SLACK_BOT_TOKEN", "secret": "slack", "key": "token"}],
        "values": {"WORKER_SECRET_KEY": "a-key-of-a-trial-only"},
    },
    "externalSecret": {
        "enabled": True,
        "store": {"name": "vault"},
        "data": [{"setting": "DATABASE_URL", "key": "scaleops-worker", "property": "url"}, {"setting": "REDIS_URL", "key": "redis"}],
    },
    "config": {"content": {"clusters": {"non_production": ["staging"]}}},
    "certificates": {"configMap": "company-ca"},
    "tracing": {"endpoint": "http://collector.observability:4318", "sampleRatio": 0.1},
    "workers": {"collect": {"replicas": 4}, "evaluate": {"queues": ["evaluate"], "concurrency": 2, "replicas": 1, "resources": {"limits": {"memory": "1Gi"}}}, "notify": {"queues": ["deliver"]}},
    "gateway": {
        "ingress": {"enabled": True, "className": "nginx", "host": "costs.example.com", "tlsSecret": "costs-tls", "annotations": {"a": "b"}},
        "service": {"annotations": {"a": "b"}},
    },
    "networkPolicy": {
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "gatewayFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}],
        "egress": {
            "dns": {"to": [{"namespaceSelector": {}}]},
            "database": {"port": 6432, "to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]},
            "redis": {"port": 6380, "to": [{"podSelector": {"matchLabels": {"app": "valkey"}}}]},
            "https": {"ports": [443, 7007], "to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]},
            "extra": [{"ports": [{"port": 3128}]}],
        },
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "gatewayToken": {"secret": "gateway", "key": "token"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "dashboard": {"enabled": True, "annotations": {"folder": "costs"}},
    "serviceAccount": {"annotations": {"a": "b"}},
    "pod": {
        "annotations": {"a": "b"},
        "labels": {"team": "finops"},
        "priorityClassName": "high",
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
        ],
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "extraVolumes": [{"name": "catalog", "configMap": {"name": "catalog"}}],
        "extraVolumeMounts": [{"name": "catalog", "mountPath": "/catalog", "readOnly": True}],
    },
}  # fmt: skip
CRONJOB: Final[dict[str, Any]] = {"mode": "cronjob", "settings": _SERVICES, "secrets": {"existing": ["scaleops-worker"]}}
CASES: Final[dict[str, dict[str, Any]]] = {
    "distributed": {"settings": _SERVICES, "secrets": {"existing": ["scaleops-worker"]}},
    "everything": EVERYTHING,
    "workers alone": {"secrets": {"existing": ["s"]}, "gateway": {"enabled": False}, "migration": {"enabled": False},
                      "certificates": {"secret": "ca"}, "config": {"configMap": "teams", "key": "teams.yaml"},
                      "serviceAccount": {"create": False}, "networkPolicy": {"enabled": False}},
    "cronjob": CRONJOB,
    "cronjob on PostgreSQL": {**CRONJOB, "cronjob": {"persistence": {"enabled": False}}},
    "cronjob with a claim": {**CRONJOB, "tracing": {"endpoint": "https://collector"}, "cronjob": {"persistence": {"existingClaim": "mine"}}},
}  # fmt: skip


@dataclass(frozen=True)
class Rendered:
    """The manifests of one case."""

    manifests: tuple[dict[str, Any], ...]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def named(self, kind: str, name: str) -> dict[str, Any]:
        (found,) = (one for one in self.of_kind(kind) if one["metadata"]["name"] == f"{NAME}-scaleops-worker{name}")
        return found

    def templates(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the template of each pod with its component."""
        for manifest in self.manifests:
            spec = manifest.get("spec", {})
            spec = spec.get("jobTemplate", {}).get("spec", spec)
            if "template" in spec:
                yield spec["template"]["metadata"]["labels"]["app.kubernetes.io/component"], spec["template"]

    def containers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every container with the component of its pod, those that run first included."""
        for component, template in self.templates():
            for container in (*template["spec"].get("initContainers", []), *template["spec"]["containers"]):
                yield component, container
