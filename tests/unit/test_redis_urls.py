"""REDIS_URL in the spellings of Celery and of the Redis client."""

import pytest

from clients.redis.urls import InvalidRedisUrl, celery_url, redis_url


@pytest.mark.parametrize(
    ("url", "for_client", "for_celery"),
    [
        ("redis://cache:6379/1", "redis://cache:6379/1", "redis://cache:6379/1"),
        ("rediss://user:secret@cache:6380/0", "rediss://user:secret@cache:6380/0", "rediss://user:secret@cache:6380/0"),
        ("unix:///run/v.sock", "unix:///run/v.sock", "redis+socket:///run/v.sock"),
        ("unix:///run/v.sock?db=2", "unix:///run/v.sock?db=2", "redis+socket:///run/v.sock?virtual_host=2"),
        ("redis+socket:///run/v.sock?virtual_host=2", "unix:///run/v.sock?db=2", "redis+socket:///run/v.sock?virtual_host=2"),
    ],
)
def test_every_spelling_is_converted_for_both(url: str, for_client: str, for_celery: str) -> None:
    assert redis_url(url) == for_client
    assert celery_url(url) == for_celery


@pytest.mark.parametrize("url", ["", "cache:6379", "http://cache", "redis://", "unix://", "amqp://secret@cache"])
def test_any_other_url_is_rejected_without_repeating_it(url: str) -> None:
    for convert in (redis_url, celery_url):
        with pytest.raises(InvalidRedisUrl) as error:
            convert(url)
        assert "REDIS_URL" in str(error.value)
        assert "secret" not in str(error.value)
