"""Beat while Redis is unavailable: one warning when the outage begins, one when it ends, and no stack traces."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import freezegun
import pytest
import redis

from tasks.celery_tasks import WorkerContext
from tests.factories import NOW
from tests.services.queues import QueueServer
from worker.app import build_app
from worker.schedule import Timings
from worker.scheduler import QuietScheduler


def no_context() -> WorkerContext:
    raise AssertionError


def messages_in(server: QueueServer) -> int:
    with redis.Redis.from_url(server.url) as client:
        return sum(client.llen(key) for key in client.keys("*:queue:*") if client.type(key) == b"list")


@contextmanager
def beat_of(server: QueueServer) -> Iterator[QuietScheduler]:
    app = build_app(server.url, instance="test", open_context=no_context, timings=Timings())  # type: ignore[arg-type]  # never called here
    try:
        yield QuietScheduler(app=app)
    finally:
        app.close()


class Monotonic:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_each_entry_is_enqueued_once_per_interval(own_queues: QueueServer) -> None:
    with beat_of(own_queues) as beat:
        beat.monotonic = clock = Monotonic()
        entries = len(beat.schedule)
        assert 0 < beat.tick() <= beat.max_interval
        assert messages_in(own_queues) == entries
        clock.now += 59
        assert beat.tick() == pytest.approx(1)
        assert messages_in(own_queues) == entries
        clock.now += 1
        beat.tick()
        assert messages_in(own_queues) == entries + 9  # all but monitor and purge


@pytest.mark.parametrize("jump", [timedelta(days=1), -timedelta(hours=1), timedelta(days=-400)])
def test_a_jump_of_the_machines_clock_neither_silences_nor_hurries_beat(own_queues: QueueServer, jump: timedelta) -> None:
    with beat_of(own_queues) as beat, freezegun.freeze_time(NOW, ignore=["kombu", "redis"]) as wall:
        beat.monotonic = clock = Monotonic()
        beat.tick()
        before = messages_in(own_queues)
        wall.move_to(NOW + jump)
        beat.tick()
        assert messages_in(own_queues) == before
        wall.move_to(NOW)
        clock.now += 60
        beat.tick()
        assert messages_in(own_queues) == before + 9


def test_an_outage_of_redis_is_logged_once_and_so_is_its_end(own_queues: QueueServer, caplog: pytest.LogCaptureFixture) -> None:
    with beat_of(own_queues) as beat:
        beat.monotonic = clock = Monotonic()
        ticks: list[None] = []
        beat.on_tick = lambda: ticks.append(None)
        beat.tick()
        own_queues.stop()
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                clock.now += 60
                assert beat.tick() == beat.max_interval
        assert len(ticks) >= 4
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
            "redis unavailable, scheduled tasks wait"
        ]
        assert not any(record.exc_info for record in caplog.records)
        caplog.clear()
        own_queues.start()
        with caplog.at_level(logging.WARNING):
            beat.tick()
        assert caplog.messages == ["redis available again"]
        assert messages_in(own_queues) >= 7


def test_beat_starts_and_ticks_while_redis_is_unavailable(own_queues: QueueServer, caplog: pytest.LogCaptureFixture) -> None:
    own_queues.stop()
    with beat_of(own_queues) as beat, caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert beat.tick() == beat.max_interval
        assert caplog.messages == ["redis unavailable, scheduled tasks wait"]
        own_queues.start()
        beat.tick()
        assert messages_in(own_queues) == len(beat.schedule)
