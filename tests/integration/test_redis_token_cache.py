"""One login for all processes: shared in a real Valkey, sealed, and replaced once whoever finds it refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from clients.redis import RedisCache
from clients.redis.tokens import RedisTokenCache
from clients.scaleops.tokens import CachedLogin
from tests.services.queues import QueueServer

NOW = datetime(2026, 11, 16, tzinfo=timezone.utc)
KEY = "a secret key of this test"


class Logins:
    """Counts logins; each gives another token."""

    def __init__(self) -> None:
        self.count = 0
        self._turn = threading.Lock()

    def __call__(self) -> str:
        with self._turn:
            self.count += 1
            return f"opaque-token-{self.count}"


@pytest.fixture
def memory(queues: QueueServer) -> Iterator[RedisCache]:
    made = RedisCache(queues.url, instance="test")
    yield made
    made.close()


def process(memory: RedisCache, logins: Logins, *, key: str = KEY, who: str = "us") -> CachedLogin:
    """What one process has of its own."""
    return CachedLogin(logins, clock=lambda: NOW, shared=RedisTokenCache(memory, secret_key=key, who=who))


def test_many_processes_log_in_once(memory: RedisCache) -> None:
    logins = Logins()
    processes = [process(memory, logins) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        tokens = set(threads.map(lambda one: one.current(), processes))
    assert tokens == {"opaque-token-1"}
    assert logins.count == 1


def test_a_refused_token_is_replaced_once_for_all(memory: RedisCache) -> None:
    logins = Logins()
    first, second = process(memory, logins), process(memory, logins)
    held, other = first.current(), second.current()
    assert held is not None
    assert other is not None
    assert first.after_refusal(held) == "opaque-token-2"
    assert second.after_refusal(other) == "opaque-token-2"
    assert logins.count == 2


def test_what_stands_in_redis_is_sealed(memory: RedisCache) -> None:
    process(memory, Logins()).current()
    held = [memory._redis.get(key) for key in memory._redis.scan_iter("*token*")]
    assert held
    assert not any(b"opaque-token" in (value or b"") for value in held)
    assert "opaque-token" not in repr(process(memory, Logins())._shared.__dict__)


@pytest.mark.parametrize(("key", "who"), [("another secret key of it", "us"), (KEY, "them")])
def test_another_key_or_another_sign_in_shares_nothing(memory: RedisCache, key: str, who: str) -> None:
    logins = Logins()
    process(memory, logins).current()
    process(memory, logins, key=key, who=who).current()
    assert logins.count == 2


def test_a_shared_token_is_forgotten_when_it_is_no_longer_good(memory: RedisCache) -> None:
    shared = RedisTokenCache(memory, secret_key=KEY, who="us")
    shared.put("gone", good_for=timedelta(0))
    assert shared.get() is None


def test_without_redis_everybody_logs_in(queues: QueueServer) -> None:
    away = RedisCache(f"unix://{queues.folder}/nobody.sock", instance="test")
    logins = Logins()
    assert process(away, logins).current() == "opaque-token-1"
    assert process(away, logins).current() == "opaque-token-2"
    away.close()
