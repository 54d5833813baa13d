"""Fixtures: the simulator in a thread, one server for all tests with fresh state for each, and a free port."""

import socket
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import pytest

from simulator.scenarios import find_scenario
from simulator.serving import Simulator, addresses_at, settings_for
from simulator.world import Scenario

PARITY_FOLDER: Final = Path(__file__).parent.parent / "parity"


@pytest.fixture(scope="session")
def parity_scenario() -> Iterator[Scenario]:
    """Return the scenario that most tests use, read once; no test may change its records in place."""
    scenario = find_scenario(str(PARITY_FOLDER))
    yield scenario
    assert _content(scenario) == _content(find_scenario(str(PARITY_FOLDER))), "a test changed the scenario that all tests share"


@pytest.fixture(scope="session")
def simulator_server(parity_scenario: Scenario) -> Iterator[Simulator]:
    with Simulator(parity_scenario) as server:
        yield server


@pytest.fixture
def simulator(simulator_server: Simulator, parity_scenario: Scenario, request: pytest.FixtureRequest) -> Simulator:
    """All simulated services with fresh state. Scenario `parity`; another by `parametrize(..., indirect=True)` or `simulator.load`."""
    scenario = getattr(request, "param", "parity")
    simulator_server.load(parity_scenario if scenario == "parity" else scenario)
    return simulator_server


@pytest.fixture
def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def settings_of(simulator: Simulator) -> dict[str, str]:
    return settings_for(addresses_at(int(simulator.url.rpartition(":")[2])), simulator.state.world())


def _content(scenario: Scenario) -> list[object]:
    world = scenario.world_at(datetime(2026, 11, 16, tzinfo=timezone.utc))
    workloads = [(one.labels, one.dash, one.cost_of(1), one.network) for one in world.workloads]
    return [world.clusters, workloads, world.policies, world.network_enabled, world.entities]
