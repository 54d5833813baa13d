"""Every command, option, setting, port and probe of Dockerfile, compose file and Kubernetes manifests exists in the code."""

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml

from cli.main import COMMANDS, cli
from clients.http.loopback import is_loopback_host
from simulator.company import SCENARIO
from simulator.serving import addresses_at, settings_for
from wiring.environment import resolve_settings
from wiring.settings import Settings
from worker.schedule import COLLECT, QUEUES, WATCH
from worker.stall_watchdog import EXIT_STATUS
from worker.supervisor import INVALID_SETTINGS

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
FOLDERS = ("base", "cronjob")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = {name.upper() for name in Settings.model_fields} | {f"{name.upper()}_FILE" for name in Settings.model_fields}
OTHERS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("image") == "scaleops-worker:local"]
LIVE = [name for name in OURS if SERVICES[name]["profiles"] == ["live"]]
DEMO = [name for name in SERVICES if SERVICES[name]["profiles"] == ["demo"]]


def manifests(folder: str) -> Iterator[dict[str, Any]]:
    names = yaml.safe_load((ROOT / "deploy" / folder / "kustomization.yaml").read_text())["resources"]
    for name in names:
        yield from yaml.safe_load_all((ROOT / "deploy" / folder / name).read_text())


def templates() -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in FOLDERS:
        for manifest in manifests(folder):
            spec = manifest.get("spec", {})
            spec = spec.get("jobTemplate", {}).get("spec", spec)
            if "template" in spec:
                yield f"{folder}/{manifest['metadata']['name']}", spec["template"]


def the(kind: str, *, folder: str, name: str) -> dict[str, Any]:
    (found,) = (one for one in manifests(folder) if one["kind"] == kind and one["metadata"]["name"] == name)
    return found


PODS = {name: template["spec"] for name, template in templates()}
LABELS = {name: template["metadata"]["labels"] for name, template in templates()}


def parse(arguments: list[str]) -> click.Context:
    name, *rest = arguments
    assert name in COMMANDS, f"there is no command {name}"
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command.make_context(name, rest)


@pytest.mark.parametrize("name", OURS)
def test_compose_runs_existing_commands(name: str) -> None:
    parse(SERVICES[name]["command"])


@pytest.mark.parametrize("name", PODS)
def test_manifests_run_existing_commands(name: str) -> None:
    (container,) = PODS[name]["containers"]
    parse(container["args"])


def assert_probes_liveness(command: list[str], *, of: list[str]) -> None:
    program, *arguments = command
    assert program == "scaleops-worker"
    assert arguments[0] == of[0]
    probe, running = parse(arguments).params, parse(of).params
    assert probe["alive"] is True
    assert probe.get("queues") == running.get("queues")


@pytest.mark.parametrize("name", PODS)
def test_probes_use_existing_endpoints(name: str) -> None:
    (container,) = PODS[name]["containers"]
    for kind in ("livenessProbe", "readinessProbe"):
        probe = container.get(kind, {})
        if "exec" in probe:
            assert_probes_liveness(probe["exec"]["command"], of=container["args"])
        if "httpGet" in probe:
            assert probe["httpGet"]["path"] in {"/healthz", "/readyz"}
            assert probe["httpGet"]["port"] in {port["name"] for port in container["ports"]}


def test_every_setting_exists() -> None:
    named = {name for service in OURS for name in SERVICES[service].get("environment", {})}
    for folder in FOLDERS:
        for manifest in manifests(folder):
            named |= set(manifest.get("data", {})) | set(manifest.get("stringData", {}))
    for pod in PODS.values():
        named |= {one["name"] for one in pod["containers"][0].get("env", [])}
    named |= set(re.findall(r"([A-Z_]+)=", next(line for line in DOCKERFILE.splitlines() if line.startswith("ENV ")))) - OTHERS
    assert named - SETTINGS == set()


def test_ports_match_the_settings() -> None:
    for name, pod in PODS.items():
        (container,) = pod["containers"]
        values = {one["name"]: one["value"] for one in container.get("env", [])}
        for port in container.get("ports", []):
            setting = "GATEWAY_PORT" if port["name"] == "http" else "WORKER_METRICS_PORT"
            assert int(values[setting]) == port["containerPort"], name
    gateway = SERVICES["gateway"]
    assert gateway["ports"] == [f"127.0.0.1:{gateway['environment']['GATEWAY_PORT']}:{gateway['environment']['GATEWAY_PORT']}"]
    exposed = next(line for line in DOCKERFILE.splitlines() if line.startswith("EXPOSE")).split()[1:]
    assert exposed == [gateway["environment"]["GATEWAY_PORT"], SERVICES["worker"]["environment"]["WORKER_METRICS_PORT"]]


def settings_of(folder: str) -> Settings:
    values: dict[str, str] = {}
    for manifest in manifests(folder):
        values |= manifest.get("data", {}) | manifest.get("stringData", {})
    return resolve_settings(values, None).settings


def test_the_settings_of_the_manifests_are_valid() -> None:
    assert settings_of("base").redis_url is not None
    assert settings_of("cronjob").redis_url is None


def test_the_cronjob_keeps_its_database_and_never_runs_concurrently() -> None:
    pod = PODS["cronjob/run-once"]
    folder = Path(urlsplit(settings_of("cronjob").database_url.get_secret_value()).path[1:]).parent
    (mount,) = (one for one in pod["containers"][0]["volumeMounts"] if one["mountPath"] == str(folder))
    (volume,) = (one for one in pod["volumes"] if one["name"] == mount["name"])
    claim = the("PersistentVolumeClaim", folder="cronjob", name=volume["persistentVolumeClaim"]["claimName"])
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
    job = the("CronJob", folder="cronjob", name="run-once")["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] >= 2 * Settings().worker_sweep_limit.total_seconds()


def test_what_exits_is_restarted() -> None:
    """A stalled worker exits, with another status than the one after which `standalone` does not restart it."""
    assert EXIT_STATUS not in {0, INVALID_SETTINGS}
    for name in (*LIVE, *DEMO):
        assert SERVICES[name]["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
    for name in ("worker-collect", "worker-notify", "beat", "gateway"):
        assert the("Deployment", folder="base", name=name)["spec"]["template"]["spec"].get("restartPolicy", "Always") == "Always"


def test_one_beat_stops_before_the_next_starts() -> None:
    beat = the("Deployment", folder="base", name="beat")["spec"]
    assert beat["replicas"] == 1
    assert beat["strategy"] == {"type": "Recreate"}


def is_selected(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    rules = selector.get("matchExpressions", [])
    assert all(rule["operator"] == "In" for rule in rules)
    return wanted and all(labels.get(rule["key"]) in rule["values"] for rule in rules)


def allowed_ports(pod: str, direction: str) -> set[tuple[int, str]] | None:
    """Return the allowed ports, or None if no policy restricts this pod in that direction."""
    policies = [one["spec"] for one in manifests(pod.partition("/")[0]) if one["kind"] == "NetworkPolicy"]
    mine = [one for one in policies if is_selected(one["podSelector"], LABELS[pod]) and direction in one["policyTypes"]]
    rules = [rule for one in mine for rule in one.get(direction.lower(), [])]
    return {(port["port"], port.get("protocol", "TCP")) for rule in rules for port in rule["ports"]} if mine else None


@pytest.mark.parametrize("name", PODS)
def test_network_policies_allow_what_a_pod_serves_and_needs(name: str) -> None:
    (container,) = PODS[name]["containers"]
    assert allowed_ports(name, "Ingress") == {(port["containerPort"], "TCP") for port in container.get("ports", [])}
    settings = settings_of(name.partition("/")[0])
    needed = {(53, "UDP"), (53, "TCP"), (443, "TCP")}
    for address, port in ((settings.redis_url, 6379), (settings.database_url, 5432)):
        if address is not None and not address.get_secret_value().startswith("sqlite"):
            needed.add((urlsplit(address.get_secret_value()).port or port, "TCP"))
    assert allowed_ports(name, "Egress") == needed


@pytest.mark.parametrize("name", PODS)
def test_every_pod_is_without_privileges(name: str) -> None:
    pod = PODS[name]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", OURS)
def test_every_service_is_without_privileges_and_runs_after_the_migration(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name in LIVE and name != "migrate":
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", ["worker-collect", "worker", "beat"])
def test_compose_probes_the_liveness_of_workers_and_beat(name: str) -> None:
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD"
    assert_probes_liveness(command, of=SERVICES[name]["command"])


def test_database_and_queue_are_internal_and_have_no_default_password() -> None:
    for name in ("postgres", "redis"):
        assert "ports" not in SERVICES[name]
        assert SERVICES[name]["networks"] == ["data"]
    assert COMPOSE["networks"] == {"data": {"internal": True}}
    # Empty unless set, and the image of PostgreSQL refuses an empty one.
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:-}"
    assert all(":${POSTGRES_PASSWORD:-}@" in SERVICES[name]["environment"]["DATABASE_URL"] for name in LIVE)


def test_every_service_has_one_profile_and_depends_on_that_profile_only() -> None:
    assert {*LIVE, *DEMO, "redis", "postgres"} == set(SERVICES)
    for service in SERVICES.values():
        assert len(service["profiles"]) == 1
        assert all(SERVICES[other]["profiles"] == service["profiles"] for other in service.get("depends_on", {}))


def test_the_demo_is_configured_for_the_simulator_only() -> None:
    simulator, demo = SERVICES["simulator"], SERVICES["demo"]
    assert set(DEMO) == {"simulator", "demo"}
    assert "env_file" not in simulator
    assert "env_file" not in demo
    assert "${" not in str(simulator) + str(demo)
    assert demo["network_mode"] == "service:simulator"  # the simulator listens on loopback
    addresses = addresses_at(parse(simulator["command"]).params["port"])
    wired = settings_for(addresses, SCENARIO.world_at(datetime(2026, 11, 24, tzinfo=timezone.utc)))
    assert {name: value for name, value in demo["environment"].items() if name in wired} == wired
    settings = resolve_settings(demo["environment"], None).settings
    reached = [value for name, value in demo["environment"].items() if value.startswith("http")]
    assert reached
    assert all(is_loopback_host(urlsplit(value).hostname) for value in reached)
    assert settings.redis_url is None
    (published,) = simulator["ports"]
    assert published == f"127.0.0.1:{settings.gateway_port}:{settings.gateway_port}"


def test_every_queue_is_served_and_collecting_delays_no_other() -> None:
    for commands in (
        [SERVICES[name]["command"] for name in OURS],
        [pod["containers"][0]["args"] for name, pod in PODS.items() if name.startswith("base/")],
    ):
        served = [parse(command).params["queues"] for command in commands if command[0] == "worker"]
        assert {queue for queues in served for queue in queues} == set(QUEUES)
        assert (WATCH, COLLECT) in served
        assert all(not {WATCH, COLLECT} & set(queues) for queues in served if queues != (WATCH, COLLECT))
        assert sum(command[0] == "beat" for command in commands) == 1
