"""Beat while Redis is unavailable: one warning when the outage begins, one when it ends, and no stack traces."""

import logging

import pytest
import redis

from tasks.celery_tasks import WorkerContext
from tests.services.queues import QueueServer
from worker.app import build_app
from worker.schedule import Timings
from worker.scheduler import QuietScheduler


def no_context() -> WorkerContext:
    raise AssertionError


def messages_in(server: QueueServer) -> int:
    with redis.Redis.from_url(server.url) as client:
        return sum(client.llen(key) for key in client.keys("*:queue:*") if client.type(key) == b"list")


def test_an_outage_of_redis_is_logged_once_and_so_is_its_end(own_queues: QueueServer, caplog: pytest.LogCaptureFixture) -> None:
    app = build_app(own_queues.url, instance="test", open_context=no_context, timings=Timings())  # type: ignore[arg-type]  # never called here
    ticks: list[None] = []
    try:
        beat = QuietScheduler(app=app)
        beat.on_tick = lambda: ticks.append(None)
        assert beat.tick() > 0
        assert len(ticks) == 1
        entries = list(beat.schedule.values())
        beat.apply_entry(entries[0], producer=beat.producer)
        assert messages_in(own_queues) == 1
        own_queues.stop()
        with caplog.at_level(logging.WARNING):
            for entry in entries[:3]:
                beat.apply_entry(entry, producer=beat.producer)
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
            "redis unavailable, scheduled tasks are skipped"
        ]
        assert not any(record.exc_info for record in caplog.records)
        caplog.clear()
        own_queues.start()
        with caplog.at_level(logging.WARNING):
            for entry in entries[:2]:
                beat.apply_entry(entry, producer=beat.producer)
        assert caplog.messages == ["redis available again"]
        assert messages_in(own_queues) == 2
    finally:
        app.close()
