"""Dockerfile, compose file and Kubernetes manifests against the code: every command, option, setting, port and probe is one we have."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cli.main import COMMANDS, door
from wiring.environment import resolve_settings
from wiring.settings import Settings

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
FOLDERS = ("base", "cronjob")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = {name.upper() for name in Settings.model_fields} | {f"{name.upper()}_FILE" for name in Settings.model_fields}
OTHERS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
OURS = [name for name, service in COMPOSE["services"].items() if service.get("image") == "scaleops-worker:local"]


def manifests(folder: str) -> Iterator[dict[str, Any]]:
    names = yaml.safe_load((ROOT / "deploy" / folder / "kustomization.yaml").read_text())["resources"]
    for name in names:
        yield from yaml.safe_load_all((ROOT / "deploy" / folder / name).read_text())


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in FOLDERS:
        for manifest in manifests(folder):
            spec = manifest.get("spec", {})
            spec = spec.get("jobTemplate", {}).get("spec", spec)
            if "template" in spec:
                yield f"{folder}/{manifest['metadata']['name']}", spec["template"]["spec"]


PODS = dict(pods())


def parse(arguments: list[str]) -> click.Context:
    """Parse a command line with the code's own parser; nothing runs."""
    name, *rest = arguments
    assert name in COMMANDS, f"there is no command {name}"
    command = door.get_command(click.Context(door), name)
    assert command is not None
    return command.make_context(name, rest)


@pytest.mark.parametrize("name", OURS)
def test_compose_starts_commands_we_have(name: str) -> None:
    parse(COMPOSE["services"][name]["command"])


@pytest.mark.parametrize("name", PODS)
def test_manifests_start_commands_we_have(name: str) -> None:
    (container,) = PODS[name]["containers"]
    parse(container["args"])


@pytest.mark.parametrize("name", PODS)
def test_probes_ask_what_we_answer(name: str) -> None:
    (container,) = PODS[name]["containers"]
    for kind in ("livenessProbe", "readinessProbe"):
        probe = container.get(kind, {})
        if "exec" in probe:
            program, *arguments = probe["exec"]["command"]
            assert program == "scaleops-worker"
            assert parse(arguments).params["alive"] is True
        if "httpGet" in probe:
            assert probe["httpGet"]["path"] in {"/healthz", "/readyz"}
            assert probe["httpGet"]["port"] in {port["name"] for port in container["ports"]}


def test_every_setting_is_one_we_read() -> None:
    named = {name for service in OURS for name in COMPOSE["services"][service].get("environment", {})}
    for folder in FOLDERS:
        for manifest in manifests(folder):
            named |= set(manifest.get("data", {})) | set(manifest.get("stringData", {}))
    for pod in PODS.values():
        named |= {one["name"] for one in pod["containers"][0].get("env", [])}
    named |= set(re.findall(r"([A-Z_]+)=", next(line for line in DOCKERFILE.splitlines() if line.startswith("ENV ")))) - OTHERS
    assert named - SETTINGS == set()


def test_ports_are_the_ones_that_are_listened_on() -> None:
    for name, pod in PODS.items():
        (container,) = pod["containers"]
        values = {one["name"]: one["value"] for one in container.get("env", [])}
        for port in container.get("ports", []):
            setting = "GATEWAY_PORT" if port["name"] == "http" else "WORKER_METRICS_PORT"
            assert int(values[setting]) == port["containerPort"], name
    gateway = COMPOSE["services"]["gateway"]
    assert gateway["ports"] == [f"127.0.0.1:{gateway['environment']['GATEWAY_PORT']}:{gateway['environment']['GATEWAY_PORT']}"]
    exposed = next(line for line in DOCKERFILE.splitlines() if line.startswith("EXPOSE")).split()[1:]
    assert exposed == [
        gateway["environment"]["GATEWAY_PORT"],
        COMPOSE["services"]["worker"]["environment"]["WORKER_METRICS_PORT"],
    ]


def test_the_settings_of_the_manifests_can_be_read() -> None:
    values: dict[str, str] = {}
    for manifest in manifests("base"):
        values |= manifest.get("data", {}) | manifest.get("stringData", {})
    assert resolve_settings(values, None).settings.redis_url is not None


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
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    if name not in {"migrate", "demo"}:
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_every_queue_is_served_and_collecting_holds_up_nothing_else() -> None:
    for commands in (
        [COMPOSE["services"][name]["command"] for name in OURS],
        [pod["containers"][0]["args"] for name, pod in PODS.items() if name.startswith("base/")],
    ):
        served = [parse(command).params["queues"] for command in commands if command[0] == "worker"]
        assert {queue for queues in served for queue in queues} == {"collect", "evaluate", "deliver"}
        assert ("collect",) in served
        assert all("collect" not in queues for queues in served if queues != ("collect",))
        assert sum(command[0] == "beat" for command in commands) == 1


def test_the_image_runs_as_nobody_and_holds_no_build_tools() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    user = re.search(r"^USER (\d+):\d+$", last, re.MULTILINE)
    assert user is not None
    assert int(user.group(1)) > 0
    assert not re.search(r"gcc|build-essential|hatchling|pip install", last)
    health = re.search(r"HEALTHCHECK .* CMD (\[.*\])", last)
    assert health is not None
    program, *arguments = yaml.safe_load(health.group(1))
    assert program == "scaleops-worker"
    parse(arguments)
    for line in ("ENTRYPOINT", "CMD"):
        assert shlex.quote("scaleops-worker") in last if line == "ENTRYPOINT" else "standalone" in last
