"""The Redis cache against a real Valkey: one computation for all, exclusive locks, and nothing lost without Redis."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from clients.redis.cache import RedisCache
from tests.services.queues import QueueServer
from tests.services.waiting import run_together

LONG = timedelta(minutes=5)
SHORT = timedelta(milliseconds=150)


@pytest.fixture
def cache(queues: QueueServer) -> Iterator[RedisCache]:
    cache = RedisCache(queues.url, instance="test")
    yield cache
    cache.close()


@pytest.fixture
def other(queues: QueueServer) -> Iterator[RedisCache]:
    cache = RedisCache(queues.url, instance="test")
    yield cache
    cache.close()


def test_a_value_is_computed_once_for_all_callers(cache: RedisCache, other: RedisCache) -> None:
    computed = []

    def compute() -> bytes:
        computed.append(1)
        return b"forty-two"

    calls = [partial(one.get_or_compute, "v", compute, ttl=LONG) for one in (cache, other)] * 4
    assert set(run_together(*calls)) == {b"forty-two"}
    assert len(computed) == 1


def test_an_empty_value_is_cached(cache: RedisCache) -> None:
    assert cache.get_or_compute("v", lambda: b"", ttl=LONG) == b""
    assert cache.get_or_compute("v", lambda: b"again", ttl=LONG) == b""


def test_an_error_is_not_cached(cache: RedisCache) -> None:
    def fail() -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        cache.get_or_compute("v", fail, ttl=LONG)
    assert cache.get_or_compute("v", lambda: b"now", ttl=LONG) == b"now"


def test_a_value_is_computed_by_another_process_when_the_claimant_died(queues: QueueServer) -> None:
    cache = RedisCache(queues.url, instance="test", claim_ttl=SHORT)
    cache._claim("scaleops-worker:test:v")  # by a process that died
    assert cache.get_or_compute("v", lambda: b"mine", ttl=LONG) == b"mine"
    cache.close()


def test_a_lock_has_one_holder(cache: RedisCache, other: RedisCache) -> None:
    with cache.lock("t") as first:
        with other.lock("t") as second:
            assert (first, second) == (True, False)
        with other.lock("another") as is_acquired:
            assert is_acquired
    with other.lock("t") as is_acquired:
        assert is_acquired


def test_a_lock_is_renewed_while_it_is_held(cache: RedisCache, other: RedisCache) -> None:
    with cache.lock("t", ttl=SHORT):
        threading.Event().wait(4 * SHORT.total_seconds())
        with other.lock("t") as second:
            assert not second


def test_a_lock_expires_when_its_holder_died(cache: RedisCache) -> None:
    cache._redis.set("scaleops-worker:test:lock:t", "dead", px=100)
    with cache.blocking_lock("t", timeout=LONG):
        assert cache._redis.get("scaleops-worker:test:lock:t") != b"dead"


def test_a_blocking_lock_expires_before_a_claim(queues: QueueServer) -> None:
    cache = RedisCache(queues.url, instance="test", claim_ttl=SHORT)
    with cache.blocking_lock("t", timeout=LONG):
        ttl_ms = int(cache._redis.pttl("scaleops-worker:test:lock:t"))
    cache.close()
    assert 0 < ttl_ms < SHORT.total_seconds() * 1000


def test_no_concurrent_write_is_overwritten(cache: RedisCache, other: RedisCache) -> None:
    def add_one(current: bytes | None, now: float) -> bytes:
        assert now > 1_700_000_000
        return b"%d" % (int(current or b"0") + 1)

    def add(number: int) -> bool:
        return (cache, other)[number % 2].compare_and_set("n", add_one, ttl=LONG)

    with ThreadPoolExecutor(4) as threads:
        written = list(threads.map(add, range(200)))
    assert cache.get("n") == b"%d" % sum(written)
    assert sum(written) > 190


def test_installations_do_not_share(queues: QueueServer, cache: RedisCache) -> None:
    other = RedisCache(queues.url, instance="other")
    cache.put("x", b"mine", ttl=LONG)
    assert other.get("x") is None
    other.close()


def test_without_redis_every_process_computes_and_gets_every_lock(queues: QueueServer) -> None:
    cache = RedisCache(f"unix://{queues.folder}/nobody.sock", instance="test")
    assert cache.get_or_compute("v", lambda: b"mine", ttl=LONG) == b"mine"
    assert cache.get("x") is None
    cache.put("x", b"y", ttl=LONG)
    assert not cache.compare_and_set("x", lambda _, __: b"y", ttl=LONG)
    with cache.lock("t") as first, cache.lock("t") as second:
        assert first
        assert second
    cache.close()


def test_an_outage_is_logged_once(queues: QueueServer, caplog: pytest.LogCaptureFixture) -> None:
    cache = RedisCache(f"unix://{queues.folder}/nobody.sock", instance="test")
    for _ in range(3):
        assert cache.get("x") is None
    cache.close()
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == ["redis unavailable"]
