"""What workers share in a real Valkey: answers asked for once, turns held by one, and nothing lost when all of it vanishes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from clients.redis import RedisCache
from tests.services.queues import QueueServer

LONG = timedelta(minutes=5)
SHORT = timedelta(milliseconds=150)


@pytest.fixture
def memory(queues: QueueServer) -> Iterator[RedisCache]:
    made = RedisCache(queues.url, instance="test")
    yield made
    made.close()


@pytest.fixture
def other(queues: QueueServer) -> Iterator[RedisCache]:
    made = RedisCache(queues.url, instance="test")
    yield made
    made.close()


def test_a_question_is_asked_once_however_many_ask(memory: RedisCache, other: RedisCache) -> None:
    asked = []
    everybody_is_here = threading.Barrier(8)

    def ask() -> bytes:
        asked.append(1)
        return b"forty-two"

    def question(number: int) -> bytes:
        everybody_is_here.wait()
        return (memory, other)[number % 2].get_or_compute("q", ask, keep_for=LONG)

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(question, range(8)))
    assert answers == {b"forty-two"}
    assert len(asked) == 1


def test_an_empty_answer_is_an_answer(memory: RedisCache) -> None:
    assert memory.get_or_compute("q", lambda: b"", keep_for=LONG) == b""
    assert memory.get_or_compute("q", lambda: b"again", keep_for=LONG) == b""


def test_a_failure_is_not_remembered(memory: RedisCache) -> None:
    def fail() -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        memory.get_or_compute("q", fail, keep_for=LONG)
    assert memory.get_or_compute("q", lambda: b"now", keep_for=LONG) == b"now"


def test_a_question_whose_asker_died_is_asked_by_another(queues: QueueServer) -> None:
    memory = RedisCache(queues.url, instance="test", asking_lease=SHORT)
    memory._claim("scaleops-worker:test:q")  # by a process that will never come back
    assert memory.get_or_compute("q", lambda: b"mine", keep_for=LONG) == b"mine"
    memory.close()


def test_a_turn_is_held_by_one_at_a_time(memory: RedisCache, other: RedisCache) -> None:
    with memory.turn("t") as first:
        with other.turn("t") as second:
            assert (first, second) == (True, False)
        with other.turn("another") as elsewhere:
            assert elsewhere
    with other.turn("t") as afterwards:
        assert afterwards


def test_a_turn_outlives_its_lease_while_its_holder_lives(memory: RedisCache, other: RedisCache) -> None:
    with memory.turn("t", lease=SHORT):
        threading.Event().wait(4 * SHORT.total_seconds())
        with other.turn("t") as second:
            assert not second


def test_a_turn_whose_holder_died_is_free_after_its_lease(memory: RedisCache) -> None:
    memory._redis.set("scaleops-worker:test:turn:t", "dead", px=100)
    with memory.waiting_turn("t", patience=LONG):
        assert memory._redis.get("scaleops-worker:test:turn:t") != b"dead"


def test_whoever_dies_while_others_wait_for_his_turn_holds_them_up_for_less_than_the_asking_lease(queues: QueueServer) -> None:
    memory = RedisCache(queues.url, instance="test", asking_lease=SHORT)
    with memory.waiting_turn("t", patience=LONG):
        kept_ms = int(memory._redis.pttl("scaleops-worker:test:turn:t"))
    memory.close()
    assert 0 < kept_ms < SHORT.total_seconds() * 1000


def test_nobody_overwrites_what_another_wrote_meanwhile(memory: RedisCache, other: RedisCache) -> None:
    def add_one(standing: bytes | None, now: float) -> bytes:
        assert now > 1_700_000_000
        return b"%d" % (int(standing or b"0") + 1)

    def add(number: int) -> bool:
        return (memory, other)[number % 2].update("n", add_one, keep_for=LONG)

    with ThreadPoolExecutor(4) as threads:
        written = list(threads.map(add, range(200)))
    assert memory.get("n") == b"%d" % sum(written)
    assert sum(written) > 190


def test_installations_do_not_share(queues: QueueServer, memory: RedisCache) -> None:
    stranger = RedisCache(queues.url, instance="other")
    memory.put("x", b"mine", keep_for=LONG)
    assert stranger.get("x") is None
    stranger.close()


def test_without_redis_everybody_goes_on_alone(queues: QueueServer) -> None:
    memory = RedisCache(f"unix://{queues.folder}/nobody.sock", instance="test")
    assert memory.get_or_compute("q", lambda: b"mine", keep_for=LONG) == b"mine"
    assert memory.get("x") is None
    memory.put("x", b"y", keep_for=LONG)
    assert not memory.update("x", lambda _, __: b"y", keep_for=LONG)
    with memory.turn("t") as first, memory.turn("t") as second:
        assert first
        assert second
    memory.close()
