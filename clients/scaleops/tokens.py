"""The bearer token of ScaleOps: kept while it is good, fetched once whoever asks, replaced once when it is refused.

none ──current()──> log in ──> good until its expiry (a JWT's own, less a margin; else at most an hour)
good ──refused()──> log in again, unless somebody else already did
login denied ──> the same answer for DENIED_FOR, so that a wrong password does not lock the account
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, Protocol

from clients.http.client import ErrorKind, ServiceError
from domain.clock import Clock

LONGEST: Final = timedelta(hours=1)
"""For a token that does not say when it expires: what the predecessor takes for granted."""
MARGIN: Final = timedelta(seconds=60)
SHORTEST: Final = timedelta(seconds=30)
"""A token that seems expired on arrival (our clock is wrong) is used this long all the same."""
DENIED_FOR: Final = timedelta(seconds=30)


class Credentials(Protocol):
    """What a client asks for its Authorization header. Both raise ServiceError."""

    def current(self) -> str | None:
        """Answer the token to send; None: send none."""

    def after_refusal(self, refused: str) -> str | None:
        """Answer another token than the refused one, which is the very object that `current` gave; None: there is no other."""


@dataclass(frozen=True, slots=True)
class NoCredentials:
    """For an installation without authentication."""

    def current(self) -> str | None:
        """Send no token."""
        return None

    def after_refusal(self, refused: str) -> str | None:  # noqa: ARG002 - it has the shape of Credentials
        """Have no other."""
        return None


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token from the settings. There is no other when it is refused."""

    token: str = field(repr=False)

    def current(self) -> str | None:
        """Send the token of the settings."""
        return self.token

    def after_refusal(self, refused: str) -> str | None:  # noqa: ARG002 - it has the shape of Credentials
        """Have no other."""
        return None


class TokenCache(Protocol):
    """Where processes share a token, so that one login serves all. It may forget at any time, and never raises."""

    def get(self) -> str | None:
        """Answer the newest token of any process that was still good when it was put there."""

    def put(self, token: str, *, good_for: timedelta) -> None:
        """Share a token."""

    def turn(self) -> AbstractContextManager[None]:
        """Wait until nobody else logs in, a while at most."""


class NoTokenCache:
    """For a process of its own: nothing is shared."""

    def get(self) -> str | None:
        """Have none."""
        return None

    def put(self, token: str, *, good_for: timedelta) -> None:
        """Keep it to oneself."""

    def turn(self) -> AbstractContextManager[None]:
        """Wait for nobody."""
        return nullcontext()


class _Token(str):
    """A token of one login, told from that of another by being another object: two logins within a second may give one text."""

    __slots__ = ()


class CachedLogin:
    """Tokens that a login gives, shared by any number of threads and, by way of a cache, of processes."""

    def __init__(self, log_in: Callable[[], str], *, clock: Clock, shared: TokenCache | None = None) -> None:
        self._log_in = log_in
        self._clock = clock
        self._shared = shared or NoTokenCache()
        self._turn = threading.Lock()
        self._held: tuple[str, datetime] | None = None
        self._finished = 0
        self._failed: ServiceError | None = None
        self._denied_until: datetime | None = None

    def current(self) -> str | None:
        """Answer a token that is good now; one login serves all who wait for it, and so does its failure."""
        return self._good_token() or self._fetch(refused=None)

    def after_refusal(self, refused: str) -> str | None:
        """Log in again; a token that was already replaced since is answered instead."""
        return self._fetch(refused=refused)

    def _good_token(self) -> str | None:
        held = self._held
        return held[0] if held is not None and self._clock() < held[1] else None

    def _fetch(self, *, refused: str | None) -> str:
        seen = self._finished
        with self._turn:
            good = self._good_token()
            if good is not None and good is not refused:
                return good
            now = self._clock()
            just_failed = self._finished != seen
            still_denied = self._denied_until is not None and now < self._denied_until
            if self._failed is not None and (just_failed or still_denied):
                raise _of_the_whole(self._failed)
            self._held = self._failed = self._denied_until = None
            try:
                token = self._obtain(refused, now)
            except ServiceError as failure:
                self._failed = failure
                if failure.kind is ErrorKind.AUTH:
                    self._denied_until = now + DENIED_FOR
                raise _of_the_whole(failure) from None
            finally:
                self._finished += 1
            self._held = (token, expires_at(token, now))
            return token

    def _obtain(self, refused: str | None, now: datetime) -> str:
        """Take what another process has shared since, or log in and share it."""
        with self._shared.turn():
            found = self._shared.get()
            if found is not None and found != refused and now < expires_at(found, now):
                return _Token(found)
            token = _Token(self._log_in())
            self._shared.put(token, good_for=expires_at(token, now) - now)
            return token


def _of_the_whole(failure: ServiceError) -> ServiceError:
    """Answer the failure of a login as one of the whole service, a new object for each thread that hears of it."""
    return ServiceError(
        str(failure),
        kind=failure.kind,
        permanent=failure.permanent,
        retry_after_s=failure.retry_after_s,
        status=failure.status,
        service_down=True,
    )


def expires_at(token: str, now: datetime) -> datetime:
    """Answer until when a token may be used: a JWT until shortly before it expires, any other for at most an hour."""
    expires = expiry_of(token)
    if expires is None:
        return now + LONGEST
    life = expires - now
    return max(expires - min(MARGIN, life / 10), now + SHORTEST)


def expiry_of(token: str) -> datetime | None:
    """Read the `exp` of a JWT, without verifying it: it is our own token. None for anything else."""
    parts = token.split(".")
    if len(parts) != _PARTS_OF_A_JWT:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        expires = claims["exp"]
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            return None
        return datetime.fromtimestamp(expires, tz=timezone.utc)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


_PARTS_OF_A_JWT: Final = 3
