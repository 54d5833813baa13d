"""The public keys that Backstage signs its tokens with: fetched when a token needs them, kept for a while, by key id.

A key set is kept for ten minutes, and used an hour longer when Backstage cannot be asked. An unknown key id fetches again, at
most once in half a minute for a set and ten times a minute in all, so that made-up ids cannot make us a hammer. Source: what
`jose` does in Backstage's own backend. Whether a token is good is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, JsonValue, TypeAdapter

from clients.async_calls import AsyncLine
from clients.calls import CallFailed, Fault, Request
from domain.clock import Clock

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


class KeySets:
    """Key sets of one backend by path, for one event loop. `line` goes to the backend: no other address can be asked."""

    def __init__(self, line: AsyncLine, *, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._sets: dict[str, _KeySet] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._forced: deque[datetime] = deque()
        self._asked_at: dict[str, datetime] = {}

    async def key(self, path: str, kid: str) -> Jwk | None:
        """Answer the key of this id in the set at a path, or None when there is no such key (or no such set).

        Raises:
            CallFailed: the set cannot be had, and no older one is at hand.
        """
        held = self._sets.get(path)
        now = self._clock()
        is_old = held is None or now - held.fetched_at >= KEPT_FOR
        if is_old or (held is not None and kid not in held.keys and self._may_ask_again(path, now)):
            await self._refresh(path, now)
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

    async def _refresh(self, path: str, now: datetime) -> None:
        held = self._sets.get(path)
        if path not in self._fetching and held is None and path in self._asked_at and now - self._asked_at[path] < _RETRY_AFTER:
            message = "Backstage's keys could not be fetched just now"
            raise CallFailed(message, fault=Fault.UNREACHABLE, permanent=False, retry_after_s=_RETRY_AFTER.total_seconds())
        task = self._fetching.get(path)
        if task is None:
            self._asked_at[path] = now
            task = asyncio.create_task(self._fetch(path, now))
            self._fetching[path] = task
            task.add_done_callback(lambda done: self._forget(path, done))
        try:
            await asyncio.shield(task)
        except CallFailed:
            if held is None or now - held.fetched_at >= KEPT_FOR + STALE_FOR:
                raise

    def _forget(self, path: str, done: asyncio.Task[None]) -> None:
        self._fetching.pop(path, None)
        if not done.cancelled():
            done.exception()

    async def _fetch(self, path: str, now: datetime) -> None:
        request = Request(method="GET", target=path)
        answer = await self._line.exchange(request)
        if answer.status == HTTPStatus.NOT_FOUND:  # no such plugin
            self._sets[path] = _KeySet(keys={}, fetched_at=now)
            return
        found = self._line.parse(_KEY_SET, request, answer)
        # What is no key among them is nobody's; it must not take the others away.
        keys = {kid: key for key in found.keys if isinstance(key, dict) and isinstance(kid := key.get("kid"), str)}
        self._sets[path] = _KeySet(keys=keys, fetched_at=now)


_RETRY_AFTER: Final = timedelta(seconds=2)
