"""REDIS_URL in the spellings of Celery and of the Redis client."""

from __future__ import annotations

import pytest

from clients.redis import InvalidRedisUrl, celery_url, redis_url


@pytest.mark.parametrize(
    ("written", "server", "broker"),
    [
        ("redis://cache:6379/1", "redis://cache:6379/1", "redis://cache:6379/1"),
        ("rediss://user:secret@cache:6380/0", "rediss://user:secret@cache:6380/0", "rediss://user:secret@cache:6380/0"),
        ("unix:///run/v.sock", "unix:///run/v.sock", "redis+socket:///run/v.sock"),
        ("unix:///run/v.sock?db=2", "unix:///run/v.sock?db=2", "redis+socket:///run/v.sock?virtual_host=2"),
        ("redis+socket:///run/v.sock?virtual_host=2", "unix:///run/v.sock?db=2", "redis+socket:///run/v.sock?virtual_host=2"),
    ],
)
def test_every_spelling_is_understood_by_both(written: str, server: str, broker: str) -> None:
    assert redis_url(written) == server
    assert celery_url(written) == broker


@pytest.mark.parametrize("written", ["", "cache:6379", "http://cache", "redis://", "unix://", "amqp://secret@cache"])
def test_anything_else_is_refused_without_being_repeated(written: str) -> None:
    for read in (redis_url, celery_url):
        with pytest.raises(InvalidRedisUrl) as refused:
            read(written)
        assert "REDIS_URL" in str(refused.value)
        assert "secret" not in str(refused.value)
