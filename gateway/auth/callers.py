"""Who asks: a Backstage user or plugin by their token, the holder of a static token, or nobody where no door is closed.

A token that was found good is remembered by its hash, at most five minutes and never beyond its expiry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Literal, Protocol

from domain.clock import Clock
from gateway.auth.static_tokens import StaticTokens
from gateway.responses import Header, HttpError

CALLER_TTL: Final = timedelta(minutes=5)
MOST_REMEMBERED: Final = 4096
LONGEST_TOKEN: Final = 16 * 1024
_REALM: Final = b'Bearer realm="scaleops-worker"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, as the token proves."""

    kind: Literal["user", "service", "static", "link", "nobody"]
    subject: str
    """`user:default/jane`, `plugin:mcp-actions`, the name of a static token, the page of a signed link, or empty."""
    actor: str | None = None
    """The plugin that asks on behalf of a user, as `plugin:<id>`."""
    obo: str | None = field(default=None, repr=False)
    """The limited token of the user, with which the catalog is read as that user."""
    expires_at: datetime | None = None

    @property
    def name(self) -> str:
        """Name the caller in the audit and for its rate limit."""
        if self.kind in {"static", "link", "nobody"}:
            return f"{self.kind}:{self.subject}" if self.subject else self.kind
        return f"{self.subject} via {self.actor}" if self.actor else self.subject

    @property
    def sees_everything(self) -> bool:
        """Say whether no user is behind the call: only a user's sight is narrowed. A signed link leads to its one page only."""
        return self.kind != "user"


ANONYMOUS: Final = Caller(kind="nobody", subject="")


class Unauthenticated(Exception):
    """The token proves nobody; the message says why, to who sent it."""


class TokenVerifier(Protocol):
    """Checks the tokens of an issuer."""

    async def verify(self, token: str) -> Caller:
        """Answer who the token proves. Raises Unauthenticated, and ServiceError when that cannot be found out now."""


class Callers:
    """Tells who asks."""

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
        self._clock = clock
        self._resource_metadata_url = resource_metadata_url
        self._known: dict[bytes, tuple[Caller, datetime]] = {}

    def recall(self, authorization: str | None) -> Caller | None:
        """Answer who sent this Authorization header where nothing has to be verified: it was a moment ago, or is a static token."""
        if self._is_open:
            return ANONYMOUS
        if authorization is None:
            return None
        known = self._known.get(_digest(authorization))
        if known is not None and self._clock() < known[1]:
            return known[0]
        token = _bearer_token(authorization)
        holder = self._static.holder_of(token) if token is not None else None
        if holder is None:
            return None
        caller = Caller(kind="static", subject=holder)
        self._remember(authorization, caller)
        return caller

    async def identify(self, authorization: str | None) -> Caller:
        """Find out who sent a header that is not recalled, and remember it.

        Raises:
            Refused: 401 with a WWW-Authenticate that says what would be accepted.
            ServiceError: whether the token is good cannot be found out now.
        """
        if authorization is None:
            message = "Missing credentials"
            raise self._refuse(message)
        token = _bearer_token(authorization)
        if token is None:
            message = "Illegal credentials: one bearer token is wanted"
            raise self._refuse(message, error=b"invalid_request")
        if self._verifier is None:
            message = "Illegal token"
            raise self._refuse(message, error=b"invalid_token")
        try:
            caller = await self._verifier.verify(token)
        except Unauthenticated as why:
            raise self._refuse(str(why), error=b"invalid_token") from None
        self._remember(authorization, caller)
        return caller

    def _remember(self, authorization: str, caller: Caller) -> None:
        until = self._clock() + CALLER_TTL
        if caller.expires_at is not None:
            until = min(until, caller.expires_at)
        digest = _digest(authorization)
        self._known.pop(digest, None)
        while len(self._known) >= MOST_REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[digest] = caller, until

    def _refuse(self, message: str, *, error: bytes | None = None) -> HttpError:
        challenge = _REALM
        if error is not None:
            challenge += b', error="' + error + b'"'
        if self._resource_metadata_url is not None:
            challenge += b', resource_metadata="' + self._resource_metadata_url.encode() + b'"'
        headers: Sequence[Header] = ((b"www-authenticate", challenge),)
        return HttpError(HTTPStatus.UNAUTHORIZED, "AuthenticationError", message, headers=headers)


def _digest(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode("latin-1")).digest()


def _bearer_token(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token or token != token.strip() or len(token) > LONGEST_TOKEN:
        return None
    return token
