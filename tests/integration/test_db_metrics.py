"""Metrics of the database: current at scrape time, and the same at every worker."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from domain.routes import RoutePolicy
from simulator.company.story import OOM_FROM
from simulator.serving import Simulator
from store import Store
from tasks.collect.stage import collect
from tasks.maintenance.monitoring import HealthSnapshot, check_health
from tasks.pipeline import run_stage
from tests.factories import SLOT, make_message
from tests.integration.watch_steps import EVERY, full_sweep, watch_settings, watch_sweep
from tests.services.databases import PostgresServer
from tests.stage_factories import PLATFORM_CHANNEL, CollectBench, open_collect_bench
from wiring.config_file import ConfigFile
from wiring.environment import resolve_settings
from wiring.loaded_config import LoadedConfig
from worker.db_metrics import TTL_S, DatabaseCollector, read_health


class ManualSeconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bench(simulator: Simulator, store: Store) -> Iterator[CollectBench]:
    with open_collect_bench(simulator, store, routes=RoutePolicy(platform_channel=PLATFORM_CHANNEL)) as made:
        yield made


def scrape(rows: DatabaseCollector) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(rows)
    lines = (line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_two_workers_serve_the_same_current_values(bench: CollectBench) -> None:
    run_stage(bench.context, "collect", lambda: collect(bench.context))
    here, there = (DatabaseCollector(lambda: check_health(bench.context), clock=ManualSeconds()) for _ in range(2))
    found = scrape(here)
    assert scrape(there) == found
    assert found["scaleops_worker_database_up"] == 1
    assert found['scaleops_worker_sweep_components{outcome="measured"}'] > 0
    assert found["scaleops_worker_sweep_age_seconds"] == 60
    assert found['scaleops_worker_heartbeat_age_seconds{kind="ok",stage="collect"}'] == 0
    assert found["scaleops_worker_problems"] == 0
    assert not any("default/" in name for name in found)


def test_watch_sweeps_are_exported_once_one_was_closed(simulator: Simulator, sqlite_store: Store) -> None:
    simulator.load("demo")
    with open_collect_bench(simulator, sqlite_store, **watch_settings()) as bench:
        full_sweep(bench, OOM_FROM.replace(hour=6))
        rows = DatabaseCollector(lambda: check_health(bench.context), clock=ManualSeconds())
        assert "scaleops_worker_watch_sweep_age_seconds" not in scrape(rows)
        watch_sweep(bench, OOM_FROM + 2 * EVERY)
        watch_sweep(bench, OOM_FROM + 4 * EVERY)
        bench.simulator.set_modes(bulk="empty")
        watch_sweep(bench, OOM_FROM + 5 * EVERY)
        found = scrape(DatabaseCollector(lambda: check_health(bench.context), clock=ManualSeconds()))
    assert found["scaleops_worker_watch_sweep_age_seconds"] == 60
    assert found["scaleops_worker_watch_sweep_failed"] == 1
    assert found["scaleops_worker_watch_interval_seconds"] == (2 * EVERY).total_seconds()


def test_scrapes_within_the_ttl_share_one_reading(bench: CollectBench) -> None:
    clock, readings = ManualSeconds(), list[HealthSnapshot]()

    def count_readings() -> HealthSnapshot:
        readings.append(check_health(bench.context))
        return readings[-1]

    rows = DatabaseCollector(count_readings, clock=clock)
    assert scrape(rows)['scaleops_worker_outbox_messages{status="pending"}'] == 0
    with bench.store.transaction() as transaction:
        transaction.outbox.put([make_message("new", created_at=SLOT)])
    clock.now = TTL_S - 1
    assert scrape(rows)['scaleops_worker_outbox_messages{status="pending"}'] == 0
    assert len(readings) == 1
    clock.now = TTL_S
    bench.clock.now = SLOT + timedelta(hours=1)
    found = scrape(rows)
    assert found['scaleops_worker_outbox_messages{status="pending"}'] == 1
    assert found["scaleops_worker_outbox_oldest_message_age_seconds"] == 3600
    assert len(readings) == 2


def installation(database_url: str) -> LoadedConfig:
    return LoadedConfig(resolved=resolve_settings({"DATABASE_URL": database_url}, None), config=ConfigFile())


def test_the_database_of_the_settings_is_read_and_released(database_url: str, postgres_server: PostgresServer) -> None:
    Store.open(database_url).close()
    found = scrape(DatabaseCollector(lambda: read_health(installation(database_url))))
    assert found["scaleops_worker_database_up"] == 1
    assert found["scaleops_worker_problems"] == 1  # nothing has been collected yet
    if database_url.startswith("postgresql"):
        database = database_url.partition("@/")[2].partition("?")[0]
        postgres_server.execute(f"ALTER DATABASE {database} RENAME TO {database}x")  # refused while a connection is open
        postgres_server.execute(f"ALTER DATABASE {database}x RENAME TO {database}")


def test_an_unavailable_database_is_the_only_metric() -> None:
    gone = "postgresql://nobody@127.0.0.1:1/nowhere"
    assert scrape(DatabaseCollector(lambda: read_health(installation(gone)))) == {"scaleops_worker_database_up": 0}
