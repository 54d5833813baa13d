"""Installations that several files of integration tests share."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest

from simulator.serving import Simulator
from store import Store
from tests.integration.alert_installation import Installation, fine
from tests.integration.delivery_bench import DeliveryBench
from tests.integration.watch_steps import OpenBench, SweptDatabases
from tests.stage_factories import CollectBench


@pytest.fixture
def bench(simulator: Simulator, sqlite_store: Store) -> DeliveryBench:
    return DeliveryBench(simulator, sqlite_store)


@pytest.fixture
def installation(store: Store) -> Installation:
    """Return an installation whose component "checkout" was measured without a finding."""
    installation = Installation(store=store)
    assert installation.run({"checkout": [fine()]}) == []
    return installation


@pytest.fixture(scope="session")
def swept_databases(simulator_server: Simulator, tmp_path_factory: pytest.TempPathFactory) -> SweptDatabases:
    return SweptDatabases(simulator_server, tmp_path_factory.mktemp("swept"))


@pytest.fixture
def open_watch_bench(simulator: Simulator, swept_databases: SweptDatabases) -> Iterator[OpenBench]:
    """Open a bench of the simulated company after full sweeps. At most one is open in a test."""
    assert simulator is swept_databases.simulator
    with ExitStack() as opened:

        def open_bench(*slots: datetime, uses_bulk: bool = True) -> CollectBench:
            return opened.enter_context(swept_databases.open_bench(*slots, uses_bulk=uses_bulk))

        yield open_bench
