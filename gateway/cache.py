"""Answers shared for a few seconds, by the upstream question: one call for all who ask it at the same time, and for who asks soon after.

Whoever gets one was authorised first. What is kept is upstream's whole answer; what each caller may see of it is cut out for them
(and remembered beside it, for callers who may see the same).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

MOST_BYTES: Final = 64 * 1024 * 1024
_MOST_CUTS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An upstream answer, already repaired. `cuts` are parts of it, by what was allowed to be seen."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = field(repr=False)
    cuts: dict[Hashable, bytes] = field(default_factory=dict, repr=False, compare=False)

    def cut(self, by: Hashable, make: Callable[[bytes], bytes]) -> bytes:
        """Answer a part of the body; made once for all who may see the same."""
        part = self.cuts.get(by)
        if part is None:
            part = make(self.body)
            if len(self.cuts) >= _MOST_CUTS:
                self.cuts.clear()
            self.cuts[by] = part
        return part


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """What the cache answers: the answer, and how it came by it, in the words of RFC 9211."""

    kept: Kept
    status: bytes


_NAME: Final = b"scaleops-worker"
_MISS: Final = _NAME + b"; fwd=uri-miss"
_STORED: Final = _NAME + b"; fwd=uri-miss; stored"
_SHARED: Final = _NAME + b"; fwd=uri-miss; collapsed"
_OFF: Final = _NAME + b"; fwd=bypass"
_HIT: Final = _NAME + b"; hit; ttl=%d"


class AnswerCache:
    """Lives on one event loop. With a lifetime of 0 nothing is kept and nothing shared.

    `count` is told of every answer: hit, miss, collapsed (shared while it was asked for) or bypass.
    """

    def __init__(
        self, *, ttl_s: float, timer: Callable[[], float], count: Callable[[str], None], most_bytes: int = MOST_BYTES
    ) -> None:
        self._ttl_s = ttl_s
        self._timer = timer
        self._most_bytes = most_bytes
        self._entries: OrderedDict[Hashable, tuple[Kept, float]] = OrderedDict()
        self._bytes = 0
        self._flights: dict[Hashable, asyncio.Task[Kept]] = {}
        self._count = count

    async def get(self, question: Hashable, ask: Callable[[], Awaitable[Kept]]) -> Had:
        """Answer what is kept, or join the call that is under way, or make it.

        Raises:
            CallFailed: as `ask` does, to all who wait for it; a failure is never kept.
        """
        if self._ttl_s <= 0:
            self._count("bypass")
            return Had(kept=await ask(), status=_OFF)
        now = self._timer()
        entry = self._entries.get(question)
        if entry is not None:
            if now < entry[1]:
                self._count("hit")
                return Had(kept=entry[0], status=_HIT % int(entry[1] - now))
            self._drop(question)
        flight = self._flights.get(question)
        if flight is not None:
            self._count("collapsed")
            return Had(kept=await asyncio.shield(flight), status=_SHARED)
        self._count("miss")
        flight = asyncio.ensure_future(self._fly(question, ask))
        self._flights[question] = flight
        flight.add_done_callback(lambda done: self._land(question, done))
        # The call is everybody's: one caller who leaves does not end it.
        kept = await asyncio.shield(flight)
        return Had(kept=kept, status=_STORED if kept.status == HTTPStatus.OK else _MISS)

    async def _fly(self, question: Hashable, ask: Callable[[], Awaitable[Kept]]) -> Kept:
        kept = await ask()
        if kept.status == HTTPStatus.OK and len(kept.body) <= self._most_bytes:
            self._drop(question)
            self._entries[question] = kept, self._timer() + self._ttl_s
            self._bytes += len(kept.body)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._entries)))
        return kept

    def _land(self, question: Hashable, done: asyncio.Task[Kept]) -> None:
        self._flights.pop(question, None)
        if not done.cancelled():
            done.exception()

    def _drop(self, question: Hashable) -> None:
        entry = self._entries.pop(question, None)
        if entry is not None:
            self._bytes -= len(entry[0].body)
