"""Authentication of callers: Backstage users and plugins by their tokens, holders of static tokens, anyone with GATEWAY_AUTH=none.

A verified token is cached by its hash, for CALLER_TTL at most and never beyond its expiry.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Final, Literal, Protocol

from cachetools import TLRUCache

from domain.clock import Clock
from gateway.auth.static_tokens import StaticTokens
from gateway.responses import HttpError

CALLER_TTL: Final = timedelta(minutes=5)
MAX_CACHED_CALLERS: Final = 4096
MAX_TOKEN_LENGTH: Final = 16 * 1024
_REALM: Final = b'Bearer realm="scaleops-worker"'


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An authenticated caller."""

    kind: Literal["user", "service", "static", "link", "anonymous"]
    subject: str
    """`user:default/jane`, `plugin:mcp-actions`, the name of a static token, the page of a signed link, or empty."""
    actor: str | None = None
    """The plugin that calls on behalf of a user, as `plugin:<id>`."""
    obo: str | None = field(default=None, repr=False)
    """The limited token of the user, with which the catalog is read as that user."""
    expires_at: datetime | None = None
    origin: str = ""
    """Where a signed link was put: `Slack C0123`, `PagerDuty`, `the report of payments`."""

    @cached_property
    def name(self) -> str:
        """The name of the caller in the audit log and for its rate limit."""
        if self.kind in {"static", "link", "anonymous"}:
            return f"{self.kind}:{self.subject}" if self.subject else self.kind
        return f"{self.subject} via {self.actor}" if self.actor else self.subject

    @property
    def sees_everything(self) -> bool:
        """True if there is no user behind the call: only users have a restricted view. A signed link grants its one page only."""
        return self.kind != "user"


ANONYMOUS: Final = Caller(kind="anonymous", subject="")


class Unauthenticated(Exception):
    """The token is not accepted; the message gives the caller the reason."""


class TokenVerifier(Protocol):
    """Verifies the tokens of an issuer."""

    async def verify(self, token: str) -> Caller:
        """Return the caller. Raises Unauthenticated; ServiceError if the token cannot be verified now."""

    def is_plausible(self, token: str) -> bool:
        """Return True if only the signature can tell whether the token is accepted."""


class Callers:
    """Authenticates callers by their Authorization header."""

    def __init__(
        self,
        *,
        static: StaticTokens,
        verifier: TokenVerifier | None,
        is_open: bool,
        clock: Clock,
        resource_metadata_url: str | None = None,
    ) -> None:
        self._static = static
        self._verifier = verifier
        self._is_open = is_open
        self._resource_metadata_url = resource_metadata_url
        self._cache: TLRUCache[bytes, Caller] = TLRUCache(MAX_CACHED_CALLERS, ttu=_expires_at, timer=lambda: clock().timestamp())

    def cached_caller(self, authorization: str | None) -> Caller | None:
        """Return the caller if nothing has to be verified: the header is cached, or holds a static token."""
        if self._is_open:
            return ANONYMOUS
        if authorization is None:
            return None
        digest = _digest(authorization)
        try:
            return self._cache[digest]
        except KeyError:
            pass
        token = _bearer_token(authorization)
        holder = self._static.holder_of(token) if token is not None else None
        if holder is None:
            return None
        caller = Caller(kind="static", subject=holder)
        self._cache[digest] = caller
        return caller

    async def authenticate(self, authorization: str | None) -> Caller:
        """Verify a header that is not cached, and cache its caller.

        Raises:
            HttpError: 401 with a WWW-Authenticate header.
            ServiceError: the token cannot be verified now.
        """
        if authorization is None:
            message = "Missing credentials"
            raise self._unauthorized(message)
        token = _bearer_token(authorization)
        if token is None:
            message = "Illegal credentials: exactly one bearer token is required"
            raise self._unauthorized(message, error=b"invalid_request")
        if self._verifier is None:
            message = "Illegal token"
            raise self._unauthorized(message, error=b"invalid_token")
        try:
            caller = await self._verifier.verify(token)
        except Unauthenticated as error:
            raise self._unauthorized(str(error), error=b"invalid_token") from None
        self._cache[_digest(authorization)] = caller
        return caller

    def plausible_token(self, authorization: str | None) -> str | None:
        """Return a digest of a token that is worth verifying; None for anything else."""
        token = None if authorization is None else _bearer_token(authorization)
        if token is None or self._verifier is None or not self._verifier.is_plausible(token):
            return None
        return hashlib.sha256(token.encode("latin-1")).hexdigest()

    def _unauthorized(self, message: str, *, error: bytes | None = None) -> HttpError:
        challenge = _REALM
        if error is not None:
            challenge += b', error="' + error + b'"'
        if self._resource_metadata_url is not None:
            challenge += b', resource_metadata="' + self._resource_metadata_url.encode() + b'"'
        headers = ((b"www-authenticate", challenge),)
        return HttpError(HTTPStatus.UNAUTHORIZED, "AuthenticationError", message, headers=headers)


def _expires_at(_: bytes, caller: Caller, now: float) -> float:
    latest = now + CALLER_TTL.total_seconds()
    return latest if caller.expires_at is None else min(latest, caller.expires_at.timestamp())


def _digest(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode("latin-1")).digest()


def _bearer_token(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token or token != token.strip() or len(token) > MAX_TOKEN_LENGTH:
        return None
    return token
