"""The public keys that Backstage signs its tokens with: fetched when a token needs them, kept for a while, by key id.

A key set is good for ten minutes. After that it is fetched again beside the work: who asks meanwhile is answered from what is at
hand, for an hour at most, so that a Backstage that fails or hangs holds nobody up. An unknown key id fetches again and waits. No set
is fetched more than once in half a minute, and unknown ids fetch ten times a minute in all, so that neither made-up ids nor a
Backstage in trouble make us a hammer. Source: what `jose` does in Backstage's own backend. Whether a token is good is decided
elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, JsonValue, TypeAdapter

from clients.http.async_client import AsyncHttpClient
from clients.http.client import ErrorKind, HttpRequest, ServiceError
from domain.clock import Clock

log = logging.getLogger(__name__)

Jwk = Mapping[str, JsonValue]
"""A public key as JSON (RFC 7517)."""

USER_KEYS: Final = "/api/auth/.well-known/jwks.json"
"""Where the keys of user and limited user tokens are, below the backend's address."""

PLUGIN_ID: Final = re.compile(r"[a-z0-9_-]{1,100}", re.IGNORECASE)

KEPT_FOR: Final = timedelta(minutes=10)
STALE_FOR: Final = timedelta(hours=1)
COOL_DOWN: Final = timedelta(seconds=30)
MOST_FORCED: Final = 10
_FORCED_WITHIN: Final = timedelta(minutes=1)


def plugin_keys(plugin: str) -> str:
    """Answer where a plugin's keys are, below the backend's address; ValueError for what is no plugin id."""
    if not PLUGIN_ID.fullmatch(plugin):
        message = "a plugin id holds letters, digits, _ and - only"
        raise ValueError(message)
    return f"/api/{plugin}/.backstage/auth/v1/jwks.json"


class _KeySetAnswer(BaseModel):
    keys: list[JsonValue]


_KEY_SET: Final = TypeAdapter(_KeySetAnswer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeySet:
    keys: Mapping[str, Jwk]
    fetched_at: datetime


class JwksCache:
    """Key sets of one backend by path, for one event loop. `line` goes to the backend: no other address can be asked."""

    def __init__(self, line: AsyncHttpClient, *, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._sets: dict[str, _KeySet] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._forced: deque[datetime] = deque()
        self._asked_at: dict[str, datetime] = {}

    async def key(self, path: str, kid: str) -> Jwk | None:
        """Answer the key of this id in the set at a path, or None when there is no such key (or no such set).

        Raises:
            ServiceError: the set cannot be had, and no older one that may be used is at hand.
        """
        held = self._sets.get(path)
        now = self._clock()
        if held is None or now - held.fetched_at >= KEPT_FOR + STALE_FOR:
            await self._fetched(path, now)
        elif kid not in held.keys:
            if self._may_ask_again(path, now):
                await self._fetched_or_at_hand(path, now)
        elif now - held.fetched_at >= KEPT_FOR and now - self._asked_at[path] >= COOL_DOWN:
            self._fetch_once(path, now)
        held = self._sets.get(path)
        return held.keys.get(kid) if held is not None else None

    def _may_ask_again(self, path: str, now: datetime) -> bool:
        while self._forced and now - self._forced[0] >= _FORCED_WITHIN:
            self._forced.popleft()
        if path in self._fetching:
            return True
        if now - self._asked_at[path] < COOL_DOWN or len(self._forced) >= MOST_FORCED:
            return False
        self._forced.append(now)
        return True

    async def _fetched(self, path: str, now: datetime) -> None:
        """Wait for the set, for there is none that could be used. Raises ServiceError."""
        if path not in self._fetching and path in self._asked_at and now - self._asked_at[path] < _RETRY_AFTER:
            message = "Backstage's keys could not be fetched just now"
            raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, retry_after_s=_RETRY_AFTER.total_seconds())
        await asyncio.shield(self._fetch_once(path, now))

    async def _fetched_or_at_hand(self, path: str, now: datetime) -> None:
        """Wait for a newer set; the failure is told in the log, and what is at hand stays."""
        with suppress(ServiceError):
            await asyncio.shield(self._fetch_once(path, now))

    def _fetch_once(self, path: str, now: datetime) -> asyncio.Task[None]:
        """Answer the one fetch of a set that is under way."""
        task = self._fetching.get(path)
        if task is None:
            self._asked_at[path] = now
            task = asyncio.create_task(self._fetch(path, now))
            self._fetching[path] = task
            task.add_done_callback(lambda done: self._forget(path, done))
        return task

    def _forget(self, path: str, done: asyncio.Task[None]) -> None:
        self._fetching.pop(path, None)
        failure = None if done.cancelled() else done.exception()
        if failure is not None and path in self._sets:
            log.warning("the keys at %s are used on though they could not be fetched again: %s", path, failure)

    async def _fetch(self, path: str, now: datetime) -> None:
        request = HttpRequest(method="GET", target=path)
        answer = await self._line.exchange(request)
        if answer.status == HTTPStatus.NOT_FOUND:  # no such plugin
            self._sets[path] = _KeySet(keys={}, fetched_at=now)
            return
        found = self._line.parse(_KEY_SET, request, answer)
        # What is no key among them is nobody's; it must not take the others away.
        keys = {kid: key for key in found.keys if isinstance(key, dict) and isinstance(kid := key.get("kid"), str)}
        self._sets[path] = _KeySet(keys=keys, fetched_at=now)


_RETRY_AFTER: Final = timedelta(seconds=2)
