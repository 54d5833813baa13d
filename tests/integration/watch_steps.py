"""Sweeps of both kinds over the simulated company, whose checkoutservice is OOM-killed from 3 November 07:05 to 4 November 11:00."""

from datetime import datetime, timedelta
from typing import Any

from alerts.policy import AlertPolicy
from domain.messages import Channel
from domain.routes import RoutePolicy
from tasks.collect.stage import collect
from tasks.collect.watch import WatchResult, watch
from tasks.evaluate.stage import evaluate
from tests.stage_factories import PLATFORM_CHANNEL, CollectBench

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
