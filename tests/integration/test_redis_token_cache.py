"""One login for all processes, through a real Valkey: encrypted, and replaced once when it is rejected."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.fernet import Fernet

from clients.redis.cache import RedisCache
from clients.redis.tokens import RedisTokenCache
from clients.scaleops.tokens import CachedLogin
from tests.services.queues import QueueServer

NOW = datetime(2026, 11, 16, tzinfo=timezone.utc)
FERNET = Fernet(Fernet.generate_key())
OTHER_FERNET = Fernet(Fernet.generate_key())


class CountedLogin:
    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.count += 1
            return f"opaque-token-{self.count}"


@pytest.fixture
def cache(queues: QueueServer) -> Iterator[RedisCache]:
    cache = RedisCache(queues.url, instance="test")
    yield cache
    cache.close()


def process_login(cache: RedisCache, log_in: CountedLogin, *, fernet: Fernet = FERNET, login: str = "us") -> CachedLogin:
    return CachedLogin(log_in, clock=lambda: NOW, cache=RedisTokenCache(cache, fernet=fernet, login=login))


def test_many_processes_log_in_once(cache: RedisCache) -> None:
    log_in = CountedLogin()
    processes = [process_login(cache, log_in) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        tokens = set(threads.map(lambda process: process.token(), processes))
    assert tokens == {"opaque-token-1"}
    assert log_in.count == 1


def test_a_rejected_token_is_replaced_once_for_all(cache: RedisCache) -> None:
    log_in = CountedLogin()
    first, second = process_login(cache, log_in), process_login(cache, log_in)
    token, same_token = first.token(), second.token()
    assert token is not None
    assert same_token is not None
    assert first.refresh(token) == "opaque-token-2"
    assert second.refresh(same_token) == "opaque-token-2"
    assert log_in.count == 2


def test_the_token_in_redis_is_encrypted(cache: RedisCache) -> None:
    process_login(cache, CountedLogin()).token()
    values = [cache._redis.get(key) for key in cache._redis.scan_iter("*token*")]
    assert values
    assert not any(b"opaque-token" in (value or b"") for value in values)
    assert "opaque-token" not in repr(process_login(cache, CountedLogin())._cache.__dict__)


@pytest.mark.parametrize(("fernet", "login"), [(OTHER_FERNET, "us"), (FERNET, "them")], ids=["key", "login"])
def test_another_key_or_another_login_shares_nothing(cache: RedisCache, fernet: Fernet, login: str) -> None:
    log_in = CountedLogin()
    process_login(cache, log_in).token()
    process_login(cache, log_in, fernet=fernet, login=login).token()
    assert log_in.count == 2


def test_an_expired_token_is_not_shared(cache: RedisCache) -> None:
    shared = RedisTokenCache(cache, fernet=FERNET, login="us")
    shared.put("expired", ttl=timedelta(0))
    assert shared.get() is None


def test_without_redis_every_process_logs_in(queues: QueueServer) -> None:
    unavailable = RedisCache(f"unix://{queues.folder}/nobody.sock", instance="test")
    log_in = CountedLogin()
    assert process_login(unavailable, log_in).token() == "opaque-token-1"
    assert process_login(unavailable, log_in).token() == "opaque-token-2"
    unavailable.close()
