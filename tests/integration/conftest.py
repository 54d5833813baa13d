"""Installations that several files of integration tests share."""

import pytest

from simulator.serving import Simulator
from store import Store
from tests.integration.alert_installation import Installation, fine
from tests.integration.delivery_bench import DeliveryBench


@pytest.fixture
def bench(simulator: Simulator, sqlite_store: Store) -> DeliveryBench:
    return DeliveryBench(simulator, sqlite_store)


@pytest.fixture
def installation(store: Store) -> Installation:
    """Return an installation whose component "checkout" was measured without a finding."""
    installation = Installation(store=store)
    assert installation.run({"checkout": [fine()]}) == []
    return installation
