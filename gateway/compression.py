"""gzip for the responses of the proxy: small bodies at once, large ones in a thread, and a copy kept of what is cached.

The web application uses Starlette's middleware, which would compress a body of the proxy again for every caller, on the event loop.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from cachetools import TTLCache

from gateway.proxy.body_worker import BodyWorker
from gateway.responses import GatewayResponse

MIN_BYTES: Final = 1024
LEVEL: Final = 5
MAX_COPIES_BYTES: Final = 16 * 1024 * 1024
_REFUSED: Final = re.compile(rb"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")
_ENCODED: Final = ((b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"))


class Compression:
    """For one event loop. A TTL of 0 keeps no copies, like the response cache."""

    def __init__(self, worker: BodyWorker, *, ttl_s: float, timer: Callable[[], float]) -> None:
        self._worker = worker
        self._copies: TTLCache[int, tuple[bytes, bytes], float] = TTLCache(
            MAX_COPIES_BYTES if ttl_s > 0 else 0, ttl_s, timer, getsizeof=lambda pair: sum(map(len, pair))
        )

    async def apply(self, response: GatewayResponse, headers: Iterable[tuple[bytes, bytes]]) -> GatewayResponse:
        """Return the response compressed, if it is JSON or text of some size and the request accepts gzip.

        Raises:
            HttpError, ServiceError: it is large, and the threads have too much to do.
        """
        if len(response.body) < MIN_BYTES or not _accepts_gzip(headers) or not _is_text(response.headers):
            return response
        return replace(response, headers=(*response.headers, *_ENCODED), body=await self._compressed(response.body))

    async def _compressed(self, body: bytes) -> bytes:
        pair = self._copies.get(id(body))
        if pair is not None and pair[0] is body:
            return pair[1]
        compressed = await self._worker.run(body, _compress)
        if len(body) + len(compressed) <= self._copies.maxsize:
            self._copies[id(body)] = body, compressed
        return compressed


def _compress(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)


def _accepts_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value and not _REFUSED.search(value) for name, value in headers)


def _is_text(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value.lower().startswith((b"application/json", b"text/")) for name, value in headers)
