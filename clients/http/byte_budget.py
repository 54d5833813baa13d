"""A limit on the bytes of responses that one process has in memory: being received, parsed, or sent to a slow reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clients.http.errors import ErrorKind, ServiceError


class ByteBudget:
    """For one event loop. What does not fit is refused at once: to wait would hold what the caller has already."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self._holders: dict[int, int] = {}
        """How many hold a body, by its id, which is its own as long as it is held."""

    def take(self, size: int) -> None:
        """Count bytes. Raises ServiceError: they do not fit."""
        if self.held_bytes + size > self.max_bytes:
            message = f"responses of more than {self.max_bytes // 2**20} MiB are being received, parsed or sent; try again in a few seconds"
            raise ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=5)
        self.held_bytes += size

    def give_back(self, size: int) -> None:
        """End what `take` counted."""
        self.held_bytes -= size

    def hold(self, body: bytes) -> None:
        """Count a body until `release`, once however many hold it. Raises ServiceError: it does not fit."""
        key = id(body)
        if key not in self._holders:
            self.take(len(body))
        self._holders[key] = self._holders.get(key, 0) + 1

    def release(self, body: bytes) -> None:
        """End one `hold`."""
        key = id(body)
        self._holders[key] -= 1
        if not self._holders[key]:
            del self._holders[key]
            self.give_back(len(body))

    @contextmanager
    def holding(self, body: bytes) -> Iterator[None]:
        """Hold a body inside a `with`. Raises ServiceError: it does not fit."""
        self.hold(body)
        try:
            yield
        finally:
            self.release(body)
