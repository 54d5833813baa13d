"""The bearer token of ScaleOps: one login serves all threads, and through a token cache all processes.

no token ──token()──> log in ──> valid until shortly before a JWT expires, any other token for an hour
valid ──refresh(rejected)──> log in again, unless another thread or process already has
login rejected ──> the same error for AUTH_FAILURE_COOLDOWN, so that a wrong password does not lock the account
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, Protocol

import jwt

from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest
from clients.http.single_flight import SingleFlight
from domain.clock import Clock

DEFAULT_TTL: Final = timedelta(hours=1)
"""For a token that does not say when it expires."""
EXPIRY_MARGIN: Final = timedelta(seconds=60)
MIN_TTL: Final = timedelta(seconds=30)
"""A token that has expired on arrival (a wrong clock) is used this long."""
AUTH_FAILURE_COOLDOWN: Final = timedelta(seconds=30)


class Credentials(Protocol):
    """Where a client gets its bearer token. Both methods raise ServiceError."""

    def token(self) -> str | None:
        """Return the token to send; None: send none."""

    def refresh(self, rejected: str) -> str | None:
        """Return another token than the rejected one, which is the object that `token` returned; None: there is no other."""


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token from the settings; None for an installation without authentication."""

    value: str | None = field(repr=False)

    def token(self) -> str | None:
        """Return the token of the settings."""
        return self.value

    def refresh(self, rejected: str) -> str | None:  # noqa: ARG002 - part of Credentials
        """Return None."""
        return None


class TokenCache(Protocol):
    """A token shared between processes. Entries may vanish at any time; no method raises."""

    def get(self) -> str | None:
        """Return the newest token of any process, if it has not expired."""

    def put(self, token: str, *, ttl: timedelta) -> None:
        """Share a token."""

    def lock(self) -> AbstractContextManager[None]:
        """Wait, within a time limit, until no other process logs in."""


class _Token(str):
    """Distinguishes by identity the tokens of two logins: within one second both may have the same text."""

    __slots__ = ()


class CachedLogin:
    """The token of a login, shared by threads and through `cache` by processes."""

    def __init__(self, log_in: Callable[[], str], *, clock: Clock, cache: TokenCache | None = None) -> None:
        self._log_in = log_in
        self._clock = clock
        self._cache = cache
        self._login: SingleFlight[str] = SingleFlight()
        self._current: tuple[str, datetime] | None = None
        self._failed_at: datetime | None = None

    def token(self) -> str | None:
        """Return a valid token, after a login if there is none."""
        return self._valid_token() or self._fetch(rejected=None)

    def refresh(self, rejected: str) -> str | None:
        """Return a newer token than the rejected one."""
        return self._fetch(rejected=rejected)

    def _valid_token(self) -> str | None:
        current = self._current
        return current[0] if current is not None and self._clock() < current[1] else None

    def _fetch(self, *, rejected: str | None) -> str:
        def cached() -> str | None:
            valid = self._valid_token()
            return None if valid is rejected else valid

        return self._login.run(cached, lambda: self._replace(rejected), is_error_cached=self._is_cooling_down)

    def _is_cooling_down(self, error: ServiceError) -> bool:
        failed_at = self._failed_at
        return error.kind is ErrorKind.AUTH and failed_at is not None and self._clock() < failed_at + AUTH_FAILURE_COOLDOWN

    def _replace(self, rejected: str | None) -> str:
        now = self._clock()
        self._current = None
        try:
            token = self._shared_token(rejected, now)
        except ServiceError as error:
            self._failed_at = now
            raise error.copy(service_down=True) from None
        self._current = (token, expires_at(token, now))
        return token

    def _shared_token(self, rejected: str | None, now: datetime) -> str:
        """Return the newer token of another process, or log in and share the token."""
        if self._cache is None:
            return _Token(self._log_in())
        with self._cache.lock():
            shared = self._cache.get()
            if shared is not None and shared != rejected and now < expires_at(shared, now):
                return _Token(shared)
            token = _Token(self._log_in())
            self._cache.put(token, ttl=expires_at(token, now) - now)
            return token


def with_bearer(request: HttpRequest, token: str | None) -> HttpRequest:
    """Return the request with its Authorization header; the same request without a token."""
    if token is None:
        return request
    # Written out: `dataclasses.replace` takes twice as long, for every request of the proxy.
    return HttpRequest(
        method=request.method,
        target=request.target,
        headers={**request.headers, "Authorization": f"Bearer {token}"},
        body=request.body,
        max_response_bytes=request.max_response_bytes,
    )


def expires_at(token: str, now: datetime) -> datetime:
    """Return until when a token is used: a JWT until shortly before it expires, any other for DEFAULT_TTL."""
    expiry = jwt_expiry(token)
    if expiry is None:
        return now + DEFAULT_TTL
    return max(expiry - min(EXPIRY_MARGIN, (expiry - now) / 10), now + MIN_TTL)


def jwt_expiry(token: str) -> datetime | None:
    """Return the `exp` of a JWT, unverified, for it is our own token. None for any other token."""
    try:
        expiry = jwt.decode(token, options={"verify_signature": False}).get("exp")
        if isinstance(expiry, bool) or not isinstance(expiry, int | float):
            return None
        return datetime.fromtimestamp(expiry, tz=timezone.utc)
    except (jwt.InvalidTokenError, ValueError, OverflowError, OSError):
        return None
