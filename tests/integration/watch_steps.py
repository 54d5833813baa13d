"""Sweeps of both kinds over the simulated company, whose checkoutservice is OOM-killed from 3 November 07:05 to 4 November 11:00."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from alerts.policy import AlertPolicy
from domain.messages import Channel
from domain.routes import RoutePolicy
from simulator.serving import Simulator
from store import Store
from tasks.collect.stage import collect
from tasks.collect.watch import WatchResult, watch
from tasks.evaluate.stage import evaluate
from tests.services.databases import content_of, make_sqlite
from tests.stage_factories import PLATFORM_CHANNEL, CollectBench, open_collect_bench

SCENARIO = "demo"
EVERY = timedelta(minutes=15)
FULL = timedelta(hours=6)


def watch_settings(*, uses_bulk: bool = True) -> dict[str, Any]:
    alerts = AlertPolicy(instance="test", full_sweep_every=FULL)
    routes = RoutePolicy(platform_channel=PLATFORM_CHANNEL, pagerduty_default="a" * 16)
    return {"watch_every": EVERY, "uses_bulk": uses_bulk, "alerts": alerts, "routes": routes}


def move_to(bench: CollectBench, at: datetime) -> None:
    bench.clock.now = at + timedelta(minutes=1)
    bench.simulator.state.clock.set(bench.clock.now)


def full_sweep(bench: CollectBench, at: datetime) -> None:
    move_to(bench, at)
    collect(bench.context)
    evaluate(bench.context)


def watch_sweep(bench: CollectBench, at: datetime) -> WatchResult:
    move_to(bench, at)
    watched = watch(bench.context)
    evaluate(bench.context)
    return watched


def pages(bench: CollectBench) -> list[tuple[str, datetime]]:
    with bench.store.reading() as transaction:
        listed = transaction.outbox.listing(limit=500)
    messages = [record.message for record in listed]
    found = [(one.action.value, one.created_at) for one in messages if one.channel is Channel.PAGERDUTY]
    return sorted(found, key=lambda one: one[1])


def platform_keys(bench: CollectBench) -> list[str]:
    with bench.store.reading() as transaction:
        keys = [record.message.key for record in transaction.outbox.listing(limit=500)]
    return [key for key in keys if key.startswith("watch-sweeps:")]


@dataclass(frozen=True)
class SweptDatabases:
    """Databases in which full sweeps of the company are done and evaluated: each sweep is done once for all tests."""

    simulator: Simulator
    folder: Path
    _contents: dict[tuple[bool, tuple[datetime, ...]], bytes] = field(default_factory=dict)

    @contextmanager
    def open_bench(self, *slots: datetime, uses_bulk: bool, name: str = "watched") -> Iterator[CollectBench]:
        """Open a bench with a copy of the database after the full sweeps of these slots, a minute after the last began."""
        url = make_sqlite(self.folder / f"{name}.db", self._content(slots, uses_bulk=uses_bulk) if slots else None)
        self.simulator.load(SCENARIO)
        settings = watch_settings(uses_bulk=uses_bulk)
        with closing(Store.open(url)) as store, open_collect_bench(self.simulator, store, **settings) as bench:
            if slots:
                move_to(bench, slots[-1])
            yield bench

    def _content(self, slots: tuple[datetime, ...], *, uses_bulk: bool) -> bytes:
        if (uses_bulk, slots) not in self._contents:
            *before, last = slots
            with self.open_bench(*before, uses_bulk=uses_bulk, name="swept") as bench:
                full_sweep(bench, last)
            self._contents[uses_bulk, slots] = content_of(self.folder / "swept.db")
        return self._contents[uses_bulk, slots]


class OpenBench(Protocol):
    """Opens a bench after the full sweeps of these slots, with a database of its own."""

    def __call__(self, *slots: datetime, uses_bulk: bool = True) -> CollectBench: ...
