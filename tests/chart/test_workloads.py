"""Every command, option, setting, port and probe of the rendered chart exists in the code, and every pod is confined."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.chart.cases import CASES, NAME, Rendered
from tests.house.test_deploy import SETTINGS, assert_probes_liveness, parse
from wiring.environment import resolve_settings
from wiring.settings import Settings
from worker.schedule import COLLECT, QUEUES, WATCH

pytestmark = pytest.mark.chart

NETWORK = {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE"}
STANDARD = {
    "POD_NAME",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_RESOURCE_ATTRIBUTES",
}
every_case = pytest.mark.parametrize("case", CASES)


def environment_of(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container.get("env", [])}


@every_case
def test_containers_run_existing_commands(rendered: dict[str, Rendered], case: str) -> None:
    for _, container in rendered[case].containers():
        parse(container["args"])


@every_case
def test_probes_use_existing_endpoints(rendered: dict[str, Rendered], case: str) -> None:
    probed = set()
    for component, container in rendered[case].containers():
        for kind in ("livenessProbe", "readinessProbe"):
            probe = container.get(kind, {})
            if "exec" in probe:
                assert_probes_liveness(probe["exec"]["command"], of=container["args"])
            if "httpGet" in probe:
                assert probe["httpGet"]["path"] in {"/healthz", "/readyz"}
                assert probe["httpGet"]["port"] in {port["name"] for port in container["ports"]}
            if probe:
                probed.add(component)
    assert probed == {component for component, _ in rendered[case].templates()} - {"run-once"}


@every_case
def test_every_setting_exists(rendered: dict[str, Rendered], case: str) -> None:
    named = {name for manifest in rendered[case].of_kind("Secret") for name in manifest["stringData"]}
    named |= set(rendered[case].named("ConfigMap", "-settings")["data"])
    for _, container in rendered[case].containers():
        named |= set(environment_of(container))
    assert named - SETTINGS - NETWORK - STANDARD == set()


@every_case
def test_ports_match_the_settings(rendered: dict[str, Rendered], case: str) -> None:
    for component, container in rendered[case].containers():
        for port in container.get("ports", []):
            setting = "GATEWAY_PORT" if port["name"] == "http" else "WORKER_METRICS_PORT"
            assert int(environment_of(container)[setting]) == port["containerPort"], component


@every_case
def test_every_volume_and_mount_exists(rendered: dict[str, Rendered], case: str) -> None:
    for _, template in rendered[case].templates():
        volumes = {volume["name"] for volume in template["spec"]["volumes"]}
        for container in (*template["spec"].get("initContainers", []), *template["spec"]["containers"]):
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert set(mounts.values()) == volumes
            named = [environment_of(container).get(name) for name in ("WORKER_CONFIG_FILE", "SSL_CERT_FILE")]
            named += [value for name, value in environment_of(container).items() if name.endswith("_FILE")]
            assert all(str(Path(path).parent) in mounts for path in named if path)


@every_case
def test_every_pod_is_confined(rendered: dict[str, Rendered], case: str) -> None:
    for _, template in rendered[case].templates():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for _, container in rendered[case].containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["resources"]["limits"]["memory"]


def is_selected(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert set(selector) == {"matchLabels"}
    return all(labels.get(key) == value for key, value in selector["matchLabels"].items())


def allowed_ports(case: Rendered, labels: dict[str, str], direction: str) -> set[tuple[int, str]]:
    policies = [policy["spec"] for policy in case.of_kind("NetworkPolicy")]
    mine = [policy for policy in policies if is_selected(policy["podSelector"], labels) and direction in policy["policyTypes"]]
    assert mine, "no policy restricts this pod"
    rules = [rule for policy in mine for rule in policy.get(direction.lower(), [])]
    return {(port["port"], port.get("protocol", "TCP")) for rule in rules for port in rule["ports"]}


DNS_AND_HTTPS = {(53, "UDP"), (53, "TCP"), (443, "TCP")}


@pytest.mark.parametrize(
    ("case", "further"),
    [
        ("distributed", {5432, 6379}),
        ("everything", {6432, 6380, 7007, 4318, 3128}),
        ("cronjob", set()),
        ("cronjob on PostgreSQL", {5432}),
        ("cronjob with a claim", set()),
    ],
)
def test_network_policies_allow_what_a_pod_serves_and_needs(rendered: dict[str, Rendered], case: str, further: set[int]) -> None:
    for _, template in rendered[case].templates():
        labels, (container,) = template["metadata"]["labels"], template["spec"]["containers"]
        serves = {(port["containerPort"], "TCP") for port in container.get("ports", [])}
        assert allowed_ports(rendered[case], labels, "Ingress") == serves
        assert allowed_ports(rendered[case], labels, "Egress") == DNS_AND_HTTPS | {(port, "TCP") for port in further}


@every_case
def test_selectors_select_the_pods_of_one_component(rendered: dict[str, Rendered], case: str) -> None:
    labels = {component: template["metadata"]["labels"] for component, template in rendered[case].templates()}

    def selected(selector: dict[str, str]) -> set[str]:
        return {component for component, its in labels.items() if is_selected({"matchLabels": selector}, its)}

    for deployment in rendered[case].of_kind("Deployment"):
        name = deployment["metadata"]["name"].removeprefix(f"{NAME}-scaleops-worker-")
        assert selected(deployment["spec"]["selector"]["matchLabels"]) == {name}
    for budget in rendered[case].of_kind("PodDisruptionBudget"):
        name = budget["metadata"]["name"].removeprefix(f"{NAME}-scaleops-worker-")
        assert selected(budget["spec"]["selector"]["matchLabels"]) == {name}
    for service in rendered[case].of_kind("Service"):
        (port,) = service["spec"]["ports"]
        serving = {
            c
            for c, t in rendered[case].templates()
            for p in t["spec"]["containers"][0].get("ports", [])
            if p["name"] == port["targetPort"]
        }
        assert selected(service["spec"]["selector"]) == serving != set()


@pytest.mark.parametrize("case", [case for case, values in CASES.items() if values.get("mode") != "cronjob"])
def test_every_queue_is_served_and_collecting_delays_no_other(rendered: dict[str, Rendered], case: str) -> None:
    arguments = [container["args"] for _, container in rendered[case].containers()]
    served = [parse(command).params["queues"] for command in arguments if command[0] == "worker"]
    assert sorted(queue for queues in served for queue in queues) == sorted(QUEUES)
    assert (WATCH, COLLECT) in served
    assert sum(command[0] == "beat" for command in arguments) == 1


def test_one_beat_stops_before_the_next_starts(rendered: dict[str, Rendered]) -> None:
    beat = rendered["distributed"].named("Deployment", "-beat")["spec"]
    assert beat["replicas"] == 1
    assert beat["strategy"] == {"type": "Recreate"}
    for _, template in rendered["distributed"].templates():
        assert template["spec"].get("restartPolicy", "Always") == "Always", "a stalled worker exits and must be restarted"


def test_postgresql_is_migrated_before_a_process_uses_it(rendered: dict[str, Rendered]) -> None:
    migrating = {
        case: {component for component, container in rendered[case].containers() if container["args"] == ["migrate"]}
        for case in ("distributed", "workers alone", "cronjob", "cronjob on PostgreSQL")
    }
    assert migrating == {
        "distributed": {"worker-collect", "worker-notify", "gateway"},
        "workers alone": set(),
        "cronjob": set(),
        "cronjob on PostgreSQL": {"run-once"},
    }


def settings_of(case: Rendered, container: dict[str, Any], **secrets: str) -> Settings:
    values = {**case.named("ConfigMap", "-settings")["data"], **secrets, **environment_of(container)}
    known = {name: value for name, value in values.items() if name in SETTINGS and not name.endswith("_FILE")}
    return resolve_settings(known, None).settings


def test_the_cronjob_keeps_its_database_and_never_runs_concurrently(rendered: dict[str, Rendered]) -> None:
    case = rendered["cronjob"]
    ((_, template),) = case.templates()
    (container,) = template["spec"]["containers"]
    settings = settings_of(case, container)
    assert settings.redis_url is None
    folder = Path(urlsplit(settings.database_url.get_secret_value()).path[1:]).parent
    (mount,) = (one for one in container["volumeMounts"] if one["mountPath"] == str(folder))
    (volume,) = (one for one in template["spec"]["volumes"] if one["name"] == mount["name"])
    (claim,) = case.of_kind("PersistentVolumeClaim")
    assert claim["metadata"]["name"] == volume["persistentVolumeClaim"]["claimName"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    (job,) = case.of_kind("CronJob")
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    assert job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] >= 2 * settings.worker_sweep_limit.total_seconds()
    assert not rendered["cronjob with a claim"].of_kind("PersistentVolumeClaim")


def test_what_is_set_reaches_every_container(rendered: dict[str, Rendered]) -> None:
    case = rendered["everything"]
    sources = [{"configMapRef": {"name": f"{NAME}-scaleops-worker-settings"}}]
    sources += [{"secretRef": {"name": f"{NAME}-scaleops-worker-{name}"}} for name in ("secrets", "external")]
    for _, container in case.containers():
        values = environment_of(container)
        assert container["envFrom"] == [*sources, {"secretRef": {"name": "scaleops-worker"}}]
        assert container["image"].partition("@")[0] == "registry.example.com/scaleops-worker"
        assert values["SLACK_BOT_TOKEN_FILE"] == "/etc/scaleops-worker/secrets/SLACK_BOT_TOKEN"
        assert values["SSL_CERT_FILE"] == "/etc/scaleops-worker/certificates/ca.crt"
        assert values["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.observability:4318"
        assert values["HTTPS_PROXY"] == "http://proxy:3128"
    settings = case.named("ConfigMap", "-settings")["data"]
    assert settings["SCALEOPS_TIMEOUT_S"] == "45"
    assert settings["LOG_FORMAT"] == "console", "a value takes precedence over the chart's default"
    assert rendered["distributed"].named("ConfigMap", "-settings")["data"]["LOG_FORMAT"] == "json"
    assert case.named("ConfigMap", "-config")["data"]["scaleops-worker.yaml"].split() == [
        "clusters:",
        "non_production:",
        "-",
        "staging",
    ]
