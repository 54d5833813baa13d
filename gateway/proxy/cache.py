"""Responses of ScaleOps, shared for GATEWAY_CACHE_TTL_S by the upstream request, and the bodies that were filtered from them.

It holds whole responses: authorise a caller before the lookup, and filter after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from cachetools import TTLCache

from clients.http.single_flight import AsyncSingleFlight

MAX_BYTES: Final = 64 * 1024 * 1024
ENTRY_BYTES: Final = 512
"""Estimated size of an entry without its body and key."""
FILTERED_SHARE: Final = 0.25
"""The part of MAX_BYTES that filtered bodies may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedResponse:
    """A response of ScaleOps, already repaired."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = field(repr=False)
    identity: object = field(default_factory=object, repr=False, compare=False)
    """Part of the cache key of the bodies filtered from this response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLookup:
    """A response, and the Cache-Status that says where it came from (RFC 9211)."""

    response: CachedResponse
    status: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    response: CachedResponse
    size: int
    expires_at: float


_NAME: Final = b"scaleops-worker"
_MISS: Final = _NAME + b"; fwd=uri-miss"
_STORED: Final = _NAME + b"; fwd=uri-miss; stored"
_COLLAPSED: Final = _NAME + b"; fwd=uri-miss; collapsed"
_BYPASS: Final = _NAME + b"; fwd=bypass"
_HIT: Final = _NAME + b"; hit; ttl=%d"


class ResponseCache:
    """For one event loop. A TTL of 0 switches it off.

    `count` is called with the outcome of every lookup: hit, miss, collapsed (joined a running request) or bypass.
    """

    def __init__(
        self, *, ttl_s: float, timer: Callable[[], float], count: Callable[[str], None], max_bytes: int = MAX_BYTES
    ) -> None:
        self._ttl_s = ttl_s
        self._timer = timer
        self._count = count
        filtered_bytes = int(max_bytes * FILTERED_SHARE)
        self._entries: TTLCache[Hashable, _Entry, float] = TTLCache(
            max_bytes - filtered_bytes, ttl_s, timer, getsizeof=lambda entry: entry.size
        )
        self._filtered: TTLCache[Hashable, bytes, float] = TTLCache(
            filtered_bytes, ttl_s, timer, getsizeof=lambda body: ENTRY_BYTES + len(body)
        )
        self._fetches: AsyncSingleFlight[Hashable, CachedResponse] = AsyncSingleFlight()
        self._filters: AsyncSingleFlight[Hashable, bytes] = AsyncSingleFlight()

    @property
    def held_bytes(self) -> float:
        """Return the bytes held: responses, filtered bodies and their keys."""
        return self._entries.currsize + self._filtered.currsize

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[CachedResponse]]) -> CacheLookup:
        """Return the cached response of an upstream request, else that of the running or a new `fetch`. Only a 200 is stored.

        Raises:
            ServiceError: from `fetch`, in every caller that waits for it; it is not stored.
        """
        if self._ttl_s <= 0:
            self._count("bypass")
            return CacheLookup(response=await fetch(), status=_BYPASS)
        try:
            entry = self._entries[key]
        except KeyError:
            pass
        else:
            self._count("hit")
            return CacheLookup(response=entry.response, status=_HIT % int(entry.expires_at - self._timer()))
        is_running = key in self._fetches
        self._count("collapsed" if is_running else "miss")
        response = await self._fetches.run(key, partial(self._fetch, key, fetch))
        status = _COLLAPSED if is_running else _STORED if key in self._entries else _MISS
        return CacheLookup(response=response, status=status)

    async def filtered(
        self, response: CachedResponse, view: Hashable, filter_body: Callable[[], Coroutine[Any, Any, bytes]]
    ) -> bytes:
        """Return the body as `filter_body` makes it, once for all callers with the same view of this response."""
        key = (response.identity, view)
        body = self._filtered.get(key)
        return body if body is not None else await self._filters.run(key, partial(self._filter, key, filter_body))

    async def _fetch(self, key: Hashable, fetch: Callable[[], Awaitable[CachedResponse]]) -> CachedResponse:
        response = await fetch()
        parts = key if isinstance(key, tuple) else (key,)
        size = ENTRY_BYTES + len(response.body) + sum(len(part) for part in parts if isinstance(part, str | bytes))
        if response.status == HTTPStatus.OK and size <= self._entries.maxsize:
            self._entries[key] = _Entry(response=response, size=size, expires_at=self._timer() + self._ttl_s)
        return response

    async def _filter(self, key: Hashable, filter_body: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
        body = await filter_body()
        if ENTRY_BYTES + len(body) <= self._filtered.maxsize:
            self._filtered[key] = body
        return body
