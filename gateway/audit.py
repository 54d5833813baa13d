"""The audit log: one line per request with caller, route, status and duration. Lines are buffered briefly and written together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal

from domain.clock import Clock
from gateway.request import GatewayRequest

_FLUSH_AFTER_S: Final = 0.1
_MAX_BUFFERED_LINES: Final = 200
_MAX_TARGET_LENGTH: Final = 200

Write = Callable[[str], object]


class AuditLog:
    """Writes lines as JSON, or as text for a terminal. `write` gets whole lines."""

    def __init__(self, write: Write, *, clock: Clock, form: Literal["json", "console"] = "json") -> None:
        self._write = write
        self._clock = clock
        self._as_json = form == "json"
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def record(self, request: GatewayRequest | None, *, status: int, seconds: float) -> None:
        """Record one request. Headers, bodies and query values are left out."""
        self._lines.append(self._line(request, status, round(seconds * 1000, 2)))
        if len(self._lines) >= _MAX_BUFFERED_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_AFTER_S, self.flush)

    def flush(self) -> None:
        """Write the buffered lines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            self._write("\n".join(lines) + "\n")

    def _line(self, request: GatewayRequest | None, status: int, milliseconds: float) -> str:
        now = self._clock()
        caller, method, route, target = "-", "-", "-", b"-"
        if request is not None:
            method, route, target = request.method, request.route or "-", request.target[:_MAX_TARGET_LENGTH]
            caller = "-" if request.caller is None else request.caller.name
        if not self._as_json:
            return f"{now:%H:%M:%S} call {caller!r} {method} {route} {json.dumps(target.decode('latin-1'))} {status} {milliseconds} ms"
        fields = _json_fields(caller, method, route, target)
        return (
            f'{{"event": "call", "logger": "gateway.audit", "level": "info", "timestamp": "{now.isoformat()}", '
            f'{fields}, "status": {status}, "ms": {milliseconds}}}'
        )


@lru_cache(maxsize=1024)
def _json_fields(caller: str, method: str, route: str, target: bytes) -> str:
    """Return the part of a line that requests have in common. Cached, because it is rendered for every request."""
    fields = {"caller": caller, "method": method, "route": route, "path": target.decode("latin-1")}
    return json.dumps(fields)[1:-1]
