"""Every command, option, setting, port and probe of Dockerfile and compose file exists in the code. The chart: tests/chart."""

import re
from datetime import datetime, timezone
from pathlib import Path
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
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = {name.upper() for name in Settings.model_fields} | {f"{name.upper()}_FILE" for name in Settings.model_fields}
OTHERS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("image") == "scaleops-worker:local"]
LIVE = [name for name in OURS if SERVICES[name]["profiles"] == ["live"]]
DEMO = [name for name in SERVICES if SERVICES[name]["profiles"] == ["demo"]]


def parse(arguments: list[str]) -> click.Context:
    name, *rest = arguments
    assert name in COMMANDS, f"there is no command {name}"
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command.make_context(name, rest)


@pytest.mark.parametrize("name", OURS)
def test_compose_runs_existing_commands(name: str) -> None:
    parse(SERVICES[name]["command"])


def assert_probes_liveness(command: list[str], *, of: list[str]) -> None:
    program, *arguments = command
    assert program == "scaleops-worker"
    assert arguments[0] == of[0]
    probe, running = parse(arguments).params, parse(of).params
    assert probe["alive"] is True
    assert probe.get("queues") == running.get("queues")


def test_every_setting_exists() -> None:
    named = {name for service in OURS for name in SERVICES[service].get("environment", {})}
    named |= set(re.findall(r"([A-Z_]+)=", next(line for line in DOCKERFILE.splitlines() if line.startswith("ENV ")))) - OTHERS
    assert named - SETTINGS == set()


def test_ports_match_the_settings() -> None:
    gateway = SERVICES["gateway"]
    assert gateway["ports"] == [f"127.0.0.1:{gateway['environment']['GATEWAY_PORT']}:{gateway['environment']['GATEWAY_PORT']}"]
    exposed = next(line for line in DOCKERFILE.splitlines() if line.startswith("EXPOSE")).split()[1:]
    assert exposed == [gateway["environment"]["GATEWAY_PORT"], SERVICES["worker"]["environment"]["WORKER_METRICS_PORT"]]


def test_what_exits_is_restarted() -> None:
    """A stalled worker exits, with another status than the one after which `standalone` does not restart it."""
    assert EXIT_STATUS not in {0, INVALID_SETTINGS}
    for name in (*LIVE, *DEMO):
        assert SERVICES[name]["restart"] == ("no" if name == "migrate" else "unless-stopped"), name


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
    commands = [SERVICES[name]["command"] for name in OURS]
    served = [parse(command).params["queues"] for command in commands if command[0] == "worker"]
    assert {queue for queues in served for queue in queues} == set(QUEUES)
    assert (WATCH, COLLECT) in served
    assert all(not {WATCH, COLLECT} & set(queues) for queues in served if queues != (WATCH, COLLECT))
    assert sum(command[0] == "beat" for command in commands) == 1
