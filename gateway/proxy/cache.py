"""Answers shared for a few seconds, by the upstream question: one call for all who ask it at the same time, and for who asks soon after.

Whoever gets one was authorised first. What is kept is upstream's whole answer; what each caller may see of it is cut out for them
(and remembered beside it, for callers who may see the same). Both count against the same bytes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

MOST_BYTES: Final = 64 * 1024 * 1024
ENTRY_BYTES: Final = 512
"""What an entry takes up beside its body and its question, roughly; a part costs as much."""
_MOST_PARTS: Final = 16


class ByteBudget:
    """The bytes that one cache may hold."""

    __slots__ = ("held", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    def take(self, count: int) -> bool:
        """Take so many bytes; say whether there was room for them."""
        if self.held + count > self.most:
            return False
        self.held += count
        return True

    def give_back(self, count: int) -> None:
        """Give back what was taken."""
        self.held -= count


class DerivedBodies:
    """What was cut out of one answer, by what was allowed to be seen. Kept as long as the answer, and only where there is room for it."""

    __slots__ = ("_made", "_making", "_room")

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, tuple[bytes, int]] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[bytes]] = {}
        self._room: ByteBudget | None = None

    async def get(self, by: Hashable, make: Callable[[], Awaitable[bytes]], *, whole: bytes) -> bytes:
        """Answer a part; made once for all who may see the same. Raises what `make` raises, to all who wait for it."""
        made = self._made.get(by)
        if made is not None:
            return made[0]
        task = self._making.get(by)
        if task is None:
            task = asyncio.ensure_future(self._make(by, make, whole))
            self._making[by] = task
            task.add_done_callback(lambda done: self._land(by, done))
        return await asyncio.shield(task)

    def open(self, room: ByteBudget) -> None:
        """Keep parts from now on."""
        self._room = room

    def close(self) -> None:
        """Give back all, and keep nothing more: the answer has left the cache."""
        if self._room is not None:
            self._room.give_back(sum(size for _, size in self._made.values()))
        self._made.clear()
        self._room = None

    async def _make(self, by: Hashable, make: Callable[[], Awaitable[bytes]], whole: bytes) -> bytes:
        part = await make()
        size = ENTRY_BYTES + (0 if part is whole else len(part))
        room = self._room
        if room is not None:
            if len(self._made) >= _MOST_PARTS:
                room.give_back(self._made.popitem(last=False)[1][1])
            if room.take(size):
                self._made[by] = part, size
        return part

    def _land(self, by: Hashable, done: asyncio.Task[bytes]) -> None:
        self._making.pop(by, None)
        if not done.cancelled():
            done.exception()


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedResponse:
    """An upstream answer, already repaired."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = field(repr=False)
    parts: DerivedBodies = field(default_factory=DerivedBodies, repr=False, compare=False)

    async def part(self, by: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Answer a part of the body, made of it by `make` unless it was made before."""
        return await self.parts.get(by, make, whole=self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLookup:
    """What the cache answers: the answer, and how it came by it, in the words of RFC 9211."""

    kept: CachedResponse
    status: bytes


_NAME: Final = b"scaleops-worker"
_MISS: Final = _NAME + b"; fwd=uri-miss"
_STORED: Final = _NAME + b"; fwd=uri-miss; stored"
_SHARED: Final = _NAME + b"; fwd=uri-miss; collapsed"
_OFF: Final = _NAME + b"; fwd=bypass"
_HIT: Final = _NAME + b"; hit; ttl=%d"


class ResponseCache:
    """Lives on one event loop. With a lifetime of 0 nothing is kept and nothing shared.

    `count` is told of every answer: hit, miss, collapsed (shared while it was asked for) or bypass.
    """

    def __init__(
        self, *, ttl_s: float, timer: Callable[[], float], count: Callable[[str], None], most_bytes: int = MOST_BYTES
    ) -> None:
        self._ttl_s = ttl_s
        self._timer = timer
        self._room = ByteBudget(most_bytes)
        # The oldest first: they all live equally long, so the first is the first to go.
        self._entries: OrderedDict[Hashable, tuple[CachedResponse, float]] = OrderedDict()
        self._flights: dict[Hashable, asyncio.Task[CachedResponse]] = {}
        self._count = count

    @property
    def held_bytes(self) -> int:
        """Answer how many bytes are held: answers, parts and what they are kept by."""
        return self._room.held

    async def get(self, question: Hashable, ask: Callable[[], Awaitable[CachedResponse]]) -> CacheLookup:
        """Answer what is kept, or join the call that is under way, or make it.

        Raises:
            ServiceError: as `ask` does, to all who wait for it; a failure is never kept.
        """
        if self._ttl_s <= 0:
            self._count("bypass")
            return CacheLookup(kept=await ask(), status=_OFF)
        now = self._timer()
        entry = self._entries.get(question)
        if entry is not None:
            if now < entry[1]:
                self._count("hit")
                return CacheLookup(kept=entry[0], status=_HIT % int(entry[1] - now))
            self._drop(question)
        flight = self._flights.get(question)
        if flight is not None:
            self._count("collapsed")
            return CacheLookup(kept=await asyncio.shield(flight), status=_SHARED)
        self._count("miss")
        flight = asyncio.ensure_future(self._fly(question, ask))
        self._flights[question] = flight
        flight.add_done_callback(lambda done: self._land(question, done))
        # The call is everybody's: one caller who leaves does not end it.
        kept = await asyncio.shield(flight)
        return CacheLookup(kept=kept, status=_STORED if question in self._entries else _MISS)

    async def _fly(self, question: Hashable, ask: Callable[[], Awaitable[CachedResponse]]) -> CachedResponse:
        kept = await ask()
        now = self._timer()
        while self._entries and next(iter(self._entries.values()))[1] <= now:
            self._drop(next(iter(self._entries)))
        size = _size_of(question, kept)
        if kept.status == HTTPStatus.OK and size <= self._room.most:
            self._drop(question)
            while not self._room.take(size):
                self._drop(next(iter(self._entries)))
            self._entries[question] = kept, now + self._ttl_s
            kept.parts.open(self._room)
        return kept

    def _land(self, question: Hashable, done: asyncio.Task[CachedResponse]) -> None:
        self._flights.pop(question, None)
        if not done.cancelled():
            done.exception()

    def _drop(self, question: Hashable) -> None:
        entry = self._entries.pop(question, None)
        if entry is not None:
            entry[0].parts.close()
            self._room.give_back(_size_of(question, entry[0]))


def _size_of(question: Hashable, kept: CachedResponse) -> int:
    asked = question if isinstance(question, tuple) else (question,)
    return ENTRY_BYTES + len(kept.body) + sum(len(part) for part in asked if isinstance(part, str | bytes))
