"""The simulator, served for real in a thread: one server for all tests, as new for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from simulator.serving import Simulator

PARITY_FOLDER: Final = Path(__file__).parent.parent / "parity"


@pytest.fixture(scope="session")
def simulator_server() -> Iterator[Simulator]:
    """One server a test process; ask for `simulator` instead."""
    with Simulator(str(PARITY_FOLDER)) as served:
        yield served


@pytest.fixture
def simulator(simulator_server: Simulator, request: pytest.FixtureRequest) -> Simulator:
    """All stand-in services with fresh state. Scenario `parity`; another by `parametrize(..., indirect=True)` or `simulator.load`."""
    scenario = getattr(request, "param", "parity")
    simulator_server.load(str(PARITY_FOLDER) if scenario == "parity" else scenario)
    return simulator_server
