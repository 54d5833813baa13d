"""ScaleOps tokens: cached while valid, fetched once, replaced once; and the parsing of a login's redirect."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import jwt
import pytest

from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest
from clients.scaleops.auth import token_from_redirect
from clients.scaleops.tokens import AUTH_FAILURE_COOLDOWN, CachedLogin, expires_at, jwt_expiry, with_bearer
from tests.factories import NOW
from tests.services.waiting import run_together
from tests.stage_factories import ManualClock


def a_jwt(**claims: object) -> str:
    return jwt.encode(claims, "", algorithm="none")


class PlannedLogin:
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
def test_the_token_of_a_redirect_is_decoded_once(location: str, token: str | None) -> None:
    assert (token_from_redirect(location) or None) == token


@pytest.mark.parametrize(
    ("lifetime_s", "used_s"), [(8 * 3600, 8 * 3600 - 60), (100, 90), (-60, 30)], ids=["long", "short", "expired on arrival"]
)
def test_a_jwt_is_used_until_shortly_before_it_expires(lifetime_s: int, used_s: int) -> None:
    assert expires_at(a_jwt(exp=int(NOW.timestamp()) + lifetime_s), NOW) == NOW + timedelta(seconds=used_s)


@pytest.mark.parametrize(
    "token",
    ["opaque", "a.b.c", "a.b", a_jwt(sub="x"), a_jwt(exp="soon"), a_jwt(exp=True), a_jwt(exp=1e30), "é.é.é", a_jwt(exp=None)],
)
def test_any_other_token_is_used_for_an_hour(token: str) -> None:
    assert jwt_expiry(token) is None
    assert expires_at(token, NOW) == NOW + timedelta(hours=1)


def test_many_concurrent_callers_make_one_login() -> None:
    log_in = PlannedLogin()
    login = CachedLogin(log_in, clock=ManualClock())
    assert set(run_together(*[login.token] * 32)) == {"token-1"}
    assert log_in.count == 1


def test_an_expired_token_is_replaced() -> None:
    clock, log_in = ManualClock(), PlannedLogin()
    login = CachedLogin(log_in, clock=clock)
    assert login.token() == "token-1"
    clock.now += timedelta(minutes=59)
    assert login.token() == "token-1"
    clock.now += timedelta(minutes=1)
    assert login.token() == "token-2"


def test_a_rejected_token_is_replaced_once_for_all_threads() -> None:
    log_in = PlannedLogin()
    login = CachedLogin(log_in, clock=ManualClock())
    rejected = login.token()
    assert rejected is not None
    assert set(run_together(*[partial(login.refresh, rejected)] * 16)) == {"token-2"}
    assert log_in.count == 2
    assert login.token() == "token-2"


def test_a_late_rejection_of_an_old_token_keeps_the_new_one() -> None:
    log_in = PlannedLogin()
    login = CachedLogin(log_in, clock=ManualClock())
    old = login.token()
    assert old is not None
    login.refresh(old)
    assert login.refresh(old) == "token-2"
    assert log_in.count == 2


def test_two_logins_with_the_same_text_return_two_tokens() -> None:
    count = 0

    def log_in() -> str:
        nonlocal count
        count += 1
        return "same"

    login = CachedLogin(log_in, clock=ManualClock())
    old = login.token()
    assert old is not None
    new = login.refresh(old)
    assert new is not old
    assert login.refresh(old) is new
    assert count == 2


def test_a_rejected_login_is_not_repeated_during_the_cooldown() -> None:
    clock, log_in = ManualClock(), PlannedLogin()
    log_in.failure = ServiceError("wrong password", kind=ErrorKind.AUTH, permanent=True)
    login = CachedLogin(log_in, clock=clock)
    for _ in range(5):
        with pytest.raises(ServiceError, match="wrong password") as error:
            login.token()
        assert error.value.service_down
    assert log_in.count == 1
    clock.now += AUTH_FAILURE_COOLDOWN
    log_in.failure = None
    assert login.token() == "token-2"


class ObservedLock:
    def __init__(self) -> None:
        self.arrivals = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.arrivals.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_all_waiting_threads_get_the_error_of_a_login() -> None:
    all_wait = threading.Event()
    count = 0

    def log_in() -> str:
        nonlocal count
        count += 1
        assert all_wait.wait(20)
        message = "ScaleOps did not answer"
        raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False)

    login = CachedLogin(log_in, clock=ManualClock())
    lock = ObservedLock()
    login._login._lock = lock  # type: ignore[assignment] # an observable lock
    with ThreadPoolExecutor(8) as threads:
        pending = [threads.submit(login.token) for _ in range(8)]
        for _ in range(8):
            assert lock.arrivals.acquire(timeout=20)
        all_wait.set()
        errors = [future.exception() for future in pending]
    assert {str(error) for error in errors} == {"ScaleOps did not answer"}
    assert len({id(error) for error in errors}) == 8
    assert count == 1


def test_a_request_with_a_token_keeps_every_field() -> None:
    request = HttpRequest(
        method="POST", target="/a?b", headers={"Content-Type": "application/json"}, body=b"{}", max_response_bytes=9
    )
    headers = {"Content-Type": "application/json", "Authorization": "Bearer t"}
    assert with_bearer(request, "t") == replace(request, headers=headers)
    assert with_bearer(request, None) is request
