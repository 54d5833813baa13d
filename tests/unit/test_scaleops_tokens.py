"""Tokens: kept while good, fetched once, replaced once; and how a login's answer is read."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from clients.http.client import ErrorKind, ServiceError
from clients.scaleops.auth import token_in
from clients.scaleops.tokens import DENIED_FOR, CachedLogin, expires_at, expiry_of

NOW = datetime(2026, 11, 16, 6, tzinfo=timezone.utc)


class MovingClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def a_jwt(**claims: object) -> str:
    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}.signature"


class Logins:
    """Gives numbered tokens, or fails as planned."""

    def __init__(self) -> None:
        self.count = 0
        self.failure: ServiceError | None = None

    def __call__(self) -> str:
        self.count += 1
        if self.failure is not None:
            raise self.failure
        return f"token-{self.count}"


@pytest.mark.parametrize(
    ("location", "token"),
    [
        ("/?token=abc", "abc"),
        ("https://scaleops.example.com/?token=abc", "abc"),
        ("/overview?theme=dark&token=abc&next=%2F%3Ftoken%3Dno#token=no", "abc"),
        ("/?token=a%2Bb%2Fc%3D%3D", "a+b/c=="),
        ("/?token=a+b/c==", "a+b/c=="),
        ("/?token=a%252Bb", "a%2Bb"),
        ("/?token=a%zzb", "a%zzb"),
        ("/?token=a%0d%0aSet-Cookie", None),
        ("/?token=%C3%A9", None),
        ("/?token=", None),
        ("/?mytoken=abc", None),
        ("/login?error=bad", None),
        ("/#token=abc", None),
        ("http://[broken?token=abc", None),
        ("", None),
    ],
)
def test_the_token_is_read_from_the_redirect_and_decoded_exactly_once(location: str, token: str | None) -> None:
    assert (token_in(location) or None) == token


def test_a_jwt_is_good_until_shortly_before_it_expires() -> None:
    hours = int((NOW + timedelta(hours=8)).timestamp())
    assert expires_at(a_jwt(exp=hours), NOW) == NOW + timedelta(hours=8) - timedelta(seconds=60)


def test_a_short_jwt_keeps_nine_tenths_of_its_life() -> None:
    soon = int((NOW + timedelta(seconds=100)).timestamp())
    assert expires_at(a_jwt(exp=soon), NOW) == NOW + timedelta(seconds=90)


def test_a_jwt_that_seems_expired_is_used_for_a_moment_all_the_same() -> None:
    assert expires_at(a_jwt(exp=int(NOW.timestamp()) - 60), NOW) == NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    "token",
    ["opaque", "a.b.c", "a.b", a_jwt(sub="x"), a_jwt(exp="soon"), a_jwt(exp=True), a_jwt(exp=1e30), "é.é.é", a_jwt(exp=None)],
)
def test_any_other_token_is_good_for_an_hour(token: str) -> None:
    assert expiry_of(token) is None
    assert expires_at(token, NOW) == NOW + timedelta(hours=1)


def test_many_cold_callers_make_one_login() -> None:
    logins = Logins()
    tokens = CachedLogin(logins, clock=MovingClock())
    together = threading.Barrier(32)

    def ask(_: int) -> str | None:
        together.wait(timeout=20)
        return tokens.current()

    with ThreadPoolExecutor(32) as threads:
        assert set(threads.map(ask, range(32))) == {"token-1"}
    assert logins.count == 1


def test_an_expired_token_is_replaced() -> None:
    clock, logins = MovingClock(), Logins()
    tokens = CachedLogin(logins, clock=clock)
    assert tokens.current() == "token-1"
    clock.now += timedelta(minutes=59)
    assert tokens.current() == "token-1"
    clock.now += timedelta(minutes=1)
    assert tokens.current() == "token-2"


def test_a_refused_token_is_replaced_once_whoever_heard_the_refusal() -> None:
    logins = Logins()
    tokens = CachedLogin(logins, clock=MovingClock())
    refused = tokens.current()
    assert refused is not None
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(tokens.after_refusal, [refused] * 16)) == {"token-2"}
    assert logins.count == 2
    assert tokens.current() == "token-2"


def test_a_late_refusal_of_an_old_token_does_not_throw_the_new_one_away() -> None:
    logins = Logins()
    tokens = CachedLogin(logins, clock=MovingClock())
    old = tokens.current()
    assert old is not None
    tokens.after_refusal(old)
    assert tokens.after_refusal(old) == "token-2"
    assert logins.count == 2


def test_two_logins_that_give_the_same_text_give_two_tokens() -> None:
    count = 0

    def log_in() -> str:
        nonlocal count
        count += 1
        return "same"

    tokens = CachedLogin(log_in, clock=MovingClock())
    old = tokens.current()
    assert old is not None
    new = tokens.after_refusal(old)
    assert new is not old
    assert tokens.after_refusal(old) is new
    assert count == 2


def test_a_denied_login_is_not_repeated_at_once_so_that_no_account_is_locked() -> None:
    clock, logins = MovingClock(), Logins()
    logins.failure = ServiceError("wrong password", kind=ErrorKind.AUTH, permanent=True)
    tokens = CachedLogin(logins, clock=clock)
    for _ in range(5):
        with pytest.raises(ServiceError, match="wrong password") as denied:
            tokens.current()
        assert denied.value.service_down
    assert logins.count == 1
    clock.now += DENIED_FOR
    logins.failure = None
    assert tokens.current() == "token-2"


class WatchedTurn:
    """A lock that says when somebody is about to wait for it."""

    def __init__(self) -> None:
        self.arrivals = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.arrivals.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_whoever_waits_for_a_login_shares_its_failure() -> None:
    everybody_waits = threading.Event()
    count = 0

    def log_in() -> str:
        nonlocal count
        count += 1
        assert everybody_waits.wait(20)
        message = "ScaleOps did not answer"
        raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False)

    tokens = CachedLogin(log_in, clock=MovingClock())
    turn = WatchedTurn()
    tokens._turn = turn  # type: ignore[assignment] # a lock that can be watched
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(tokens.current) for _ in range(8)]
        for _ in range(8):
            assert turn.arrivals.acquire(timeout=20)
        everybody_waits.set()
        failures = [future.exception() for future in waiting]
    assert {str(failure) for failure in failures} == {"ScaleOps did not answer"}
    assert len({id(failure) for failure in failures}) == 8
    assert count == 1
