"""Fixtures: the simulator in a thread, one server for all tests with fresh state for each, and a free port."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from simulator.serving import Simulator, addresses_at, settings_for

PARITY_FOLDER: Final = Path(__file__).parent.parent / "parity"


@pytest.fixture(scope="session")
def simulator_server() -> Iterator[Simulator]:
    with Simulator(str(PARITY_FOLDER)) as server:
        yield server


@pytest.fixture
def simulator(simulator_server: Simulator, request: pytest.FixtureRequest) -> Simulator:
    """All simulated services with fresh state. Scenario `parity`; another by `parametrize(..., indirect=True)` or `simulator.load`."""
    scenario = getattr(request, "param", "parity")
    simulator_server.load(str(PARITY_FOLDER) if scenario == "parity" else scenario)
    return simulator_server


@pytest.fixture
def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def settings_of(simulator: Simulator) -> dict[str, str]:
    return settings_for(addresses_at(int(simulator.url.rpartition(":")[2])), simulator.state.world())
