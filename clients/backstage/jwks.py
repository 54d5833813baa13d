"""Caches the public keys with which Backstage signs its tokens. Token verification is in `gateway.auth`.

A key set is used for ten minutes, then refreshed in the background and still used for an hour, so that a failing Backstage blocks
no caller. An unknown key id refreshes it in the foreground. Cooldowns keep made-up key ids and a failing Backstage from causing
many requests. Source: `jose` in Backstage's own backend.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import structlog
from pydantic import BaseModel, JsonValue, TypeAdapter

from clients.http.async_client import AsyncHttpClient
from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest, parse_json
from clients.http.single_flight import AsyncSingleFlight
from domain.clock import Clock

log = structlog.get_logger(__name__)

Jwk = Mapping[str, JsonValue]
"""A public key as JSON (RFC 7517)."""

USER_KEYS: Final = "/api/auth/.well-known/jwks.json"
"""The path of the keys of user and limited user tokens."""

PLUGIN_ID: Final = re.compile(r"[a-z0-9_-]{1,100}", re.IGNORECASE)

KEY_SET_TTL: Final = timedelta(minutes=10)
STALE_TTL: Final = timedelta(hours=1)
RETRY_COOLDOWN: Final = timedelta(seconds=30)
"""Between two refreshes of one key set."""
MAX_FORCED_REFRESHES: Final = 10
"""For unknown key ids, over all key sets."""
_FORCED_REFRESH_WINDOW: Final = timedelta(minutes=1)
_FIRST_FETCH_COOLDOWN: Final = timedelta(seconds=2)


def plugin_keys_path(plugin: str) -> str:
    """Return the path of a plugin's keys; ValueError for an invalid plugin id."""
    if not PLUGIN_ID.fullmatch(plugin):
        message = "a plugin id contains letters, digits, _ and - only"
        raise ValueError(message)
    return f"/api/{plugin}/.backstage/auth/v1/jwks.json"


class _KeySetResponse(BaseModel):
    keys: list[JsonValue]


_KEY_SET: Final = TypeAdapter(_KeySetResponse)


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeySet:
    keys: Mapping[str, Jwk]
    fetched_at: datetime


class JwksCache:
    """Key sets of one backend by path, for one event loop. `http` connects to that backend and to no other."""

    def __init__(self, http: AsyncHttpClient, *, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._key_sets: dict[str, _KeySet] = {}
        self._fetches: AsyncSingleFlight[str, None] = AsyncSingleFlight()
        self._forced_refreshes: deque[datetime] = deque()
        self._requested_at: dict[str, datetime] = {}

    async def key(self, path: str, kid: str) -> Jwk | None:
        """Return the key with this id from the set at a path; None if there is no such key or set.

        Raises:
            ServiceError: the set cannot be fetched, and no cached one is young enough.
        """
        cached = self._key_sets.get(path)
        now = self._clock()
        if cached is None or now - cached.fetched_at >= KEY_SET_TTL + STALE_TTL:
            await self._first_fetch(path, now)
        elif kid not in cached.keys:
            if self._may_force_refresh(path, now):
                with suppress(ServiceError):  # logged; the cached set stays
                    await asyncio.shield(self._fetch_once(path, now))
        elif now - cached.fetched_at >= KEY_SET_TTL and now - self._requested_at[path] >= RETRY_COOLDOWN:
            self._fetch_once(path, now)
        cached = self._key_sets.get(path)
        return cached.keys.get(kid) if cached is not None else None

    def _may_force_refresh(self, path: str, now: datetime) -> bool:
        while self._forced_refreshes and now - self._forced_refreshes[0] >= _FORCED_REFRESH_WINDOW:
            self._forced_refreshes.popleft()
        if path in self._fetches:
            return True
        if now - self._requested_at[path] < RETRY_COOLDOWN or len(self._forced_refreshes) >= MAX_FORCED_REFRESHES:
            return False
        self._forced_refreshes.append(now)
        return True

    async def _first_fetch(self, path: str, now: datetime) -> None:
        requested_at = self._requested_at.get(path)
        if path not in self._fetches and requested_at is not None and now - requested_at < _FIRST_FETCH_COOLDOWN:
            message = f"the keys of Backstage at {path} could not be fetched a moment ago and are not requested again yet"
            retry_after_s = _FIRST_FETCH_COOLDOWN.total_seconds()
            raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, retry_after_s=retry_after_s)
        await asyncio.shield(self._fetch_once(path, now))

    def _fetch_once(self, path: str, now: datetime) -> asyncio.Task[None]:
        if path not in self._fetches:
            self._requested_at[path] = now
        return self._fetches.start(path, lambda: self._fetch(path, now))

    async def _fetch(self, path: str, now: datetime) -> None:
        request = HttpRequest(method="GET", target=path)
        try:
            response = await self._http.send(request)
            is_unknown_plugin = response.status == HTTPStatus.NOT_FOUND
            found = [] if is_unknown_plugin else parse_json(self._http.service, _KEY_SET, request, response).keys
        except ServiceError as error:
            if path in self._key_sets:
                log.warning("key set refresh failed", path=path, reason=str(error))
            raise
        # Invalid entries are dropped; they must not make the valid keys unusable.
        keys = {kid: key for key in found if isinstance(key, dict) and isinstance(kid := key.get("kid"), str)}
        self._key_sets[path] = _KeySet(keys=keys, fetched_at=now)
