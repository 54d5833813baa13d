"""REDIS_URL in the spellings of Celery and of the Redis client, and every address that neither can use."""

import pytest

from clients.redis.urls import InvalidRedisUrl, celery_url, redis_url, verifies_certificates
from wiring.environment import resolve_settings
from wiring.settings import SettingsError

VERIFIED = "ssl_cert_reqs=required&ssl_check_hostname=true"


@pytest.mark.parametrize(
    ("url", "for_client", "for_celery"),
    [
        ("redis://cache:6379/1", "redis://cache:6379/1", "redis://cache:6379/1"),
        ("redis://cache", "redis://cache/0", "redis://cache/0"),
        ("redis://cache?db=3", "redis://cache/3", "redis://cache/3"),
        ("redis://:p%40ss%2F@[fd00::1]:6379", "redis://:p%40ss%2F@[fd00::1]:6379/0", "redis://:p%40ss%2F@[fd00::1]:6379/0"),
        (
            "rediss://user:secret@cache:6380/0",
            f"rediss://user:secret@cache:6380/0?{VERIFIED}",
            f"rediss://user:secret@cache:6380/0?{VERIFIED}",
        ),
        ("unix:///run/v.sock", "unix:///run/v.sock", "redis+socket:///run/v.sock"),
        ("unix:///run/v.sock?db=2", "unix:///run/v.sock?db=2", "redis+socket:///run/v.sock?virtual_host=2"),
        ("redis+socket:///run/v.sock?virtual_host=2", "unix:///run/v.sock?db=2", "redis+socket:///run/v.sock?virtual_host=2"),
    ],
)
def test_every_spelling_is_converted_for_both(url: str, for_client: str, for_celery: str) -> None:
    assert redis_url(url) == for_client
    assert celery_url(url) == for_celery


@pytest.mark.parametrize("spelling", ["required", "CERT_REQUIRED", "cert_required", "Required"])
def test_celerys_spelling_of_verification_is_translated(spelling: str) -> None:
    url = f"rediss://cache:6380/0?ssl_cert_reqs={spelling}"

    assert redis_url(url) == celery_url(url) == f"rediss://cache:6380/0?{VERIFIED}"
    assert verifies_certificates(url)


@pytest.mark.parametrize("query", ["ssl_cert_reqs=none", "ssl_cert_reqs=CERT_NONE", "ssl_check_hostname=false"])
def test_only_an_explicit_parameter_switches_verification_off(query: str) -> None:
    assert not verifies_certificates(f"rediss://cache:6380/0?{query}")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is not a Redis URL; write redis://host:6379/0"),
        ("junk-hunter2", "is not a Redis URL"),
        ("cache:6379", "is not a Redis URL"),
        ("cache:6379,other:6379", "is not a Redis URL"),
        ("http://:hunter2@cache", "is not a Redis URL"),
        ("amqp://hunter2@cache", "is not a Redis URL"),
        ("redis://", "has no valid host and port"),
        ("redis://:hunter2@cache:port/0", "has no valid host and port"),
        ("redis://cache:99999", "has no valid host and port"),
        ("redis://cache/0#hunter2", "has no valid host and port"),
        ("unix://", "names no socket"),
        ("unix://run/valkey.sock", "names no socket"),
        ("redis://cache/zero", "has a database that is not a number"),
        ("unix:///run/valkey.sock?db=x", "has a database that is not a number"),
        ("sentinel://:hunter2@cache:26379/0", "names a Sentinel, which is not supported"),
        ("redis+sentinel://cache:26379/main", "names a Sentinel, which is not supported"),
        ("redis://a:6379,b:6379/0", "names several hosts, which is not supported"),
        ("redis://:hunter2@a:6379,b:6379/0", "names several hosts, which is not supported"),
        ("redis://a:6379/0;redis://b:6379/0", "has a database that is not a number"),
        ("redis://:hun[ter2@cache", "percent-encode the password"),
        ("redis://:hunter2@ss@cache", "percent-encode the password"),
        ("redis://:hunter2://ss@cache", "percent-encode the password"),
        ("redis://:hunter2/ss@cache/0", "percent-encode the password"),
        ("redis://:hunter2#ss@cache/0", "percent-encode the password"),
        ("redis://:hunter2?ss@cache/0", "percent-encode the password"),
        ("redis://:hunter2%ss@cache/0", "percent-encode the password"),
        ("redis://cache/0?socket_timeout=5", "has the parameter socket_timeout, which is not supported; supported are db"),
        ("redis://cache/0?protocol=3", "has the parameter protocol, which is not supported"),
        ("redis://cache/0?password=hunter2", "has the parameter password, which is not supported"),
        ("redis://cache/0?ssl_cert_reqs=none", "has the parameter ssl_cert_reqs, which is not supported (it needs rediss://)"),
        ("rediss://cache/0?ssl_cert_reqs=hunter2", "has an ssl_cert_reqs other than required, optional or none"),
        ("rediss://cache/0?ssl_check_hostname=hunter2", "has an ssl_check_hostname other than true or false"),
    ],
)
def test_any_other_url_is_one_clear_sentence_that_repeats_nothing_of_it(url: str, problem: str) -> None:
    for convert in (redis_url, celery_url):
        with pytest.raises(InvalidRedisUrl) as error:
            convert(url)
        assert str(error.value).startswith("REDIS_URL ")
        assert problem in str(error.value)
        assert "hunter2" not in str(error.value)
    with pytest.raises(SettingsError, match=r"^REDIS_URL: "):
        resolve_settings({"REDIS_URL": url or "?"}, None)
