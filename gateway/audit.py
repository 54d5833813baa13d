"""One line for every call: who, what, how it ended, how long it took. Lines are gathered for a moment and written together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

from domain.clock import Clock
from gateway.request import GatewayRequest

_GATHERED_S: Final = 0.1
_MOST_GATHERED: Final = 200
_LONGEST_TARGET: Final = 200
_MOST_KNOWN: Final = 1024
_ALWAYS: Final = '"logger": "gateway.audit", "level": "info", '

Write = Callable[[str], object]


class AuditLog:
    """Writes lines of JSON, or of words for a person at a terminal. `write` gets whole lines."""

    def __init__(self, write: Write, *, clock: Clock, form: Literal["json", "console"] = "json") -> None:
        self._write = write
        self._clock = clock
        self._as_json = form == "json"
        self._lines: list[str] = []
        self._known: dict[tuple[str, str, str, bytes], str] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, exchange: GatewayRequest | None, *, status: int, seconds: float) -> None:
        """Put down one call. Headers, bodies and query values stay out of it."""
        self._lines.append(self._line(exchange, status, round(seconds * 1000, 2), self._clock()))
        if len(self._lines) >= _MOST_GATHERED:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHERED_S, self.flush)

    def flush(self) -> None:
        """Write what is gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            self._write("\n".join(lines) + "\n")

    def _line(self, exchange: GatewayRequest | None, status: int, milliseconds: float, now: datetime) -> str:
        if exchange is None:
            what = self._what("-", "-", "-", b"-")
        else:
            caller = "-" if exchange.caller is None else exchange.caller.name
            what = self._what(caller, exchange.method, exchange.route or "-", exchange.target[:_LONGEST_TARGET])
        if not self._as_json:
            return f"{now:%H:%M:%S} call {what} {status} {milliseconds} ms"
        return f'{{"event": "call", {_ALWAYS}"timestamp": "{now.isoformat()}", {what}, "status": {status}, "ms": {milliseconds}}}'

    def _what(self, caller: str, method: str, route: str, target: bytes) -> str:
        """Answer the part of a line that calls have in common; put together by hand, for this is done for every call."""
        key = caller, method, route, target
        what = self._known.get(key)
        if what is None:
            path = json.dumps(target.decode("latin-1"))
            what = (
                f'"caller": {json.dumps(caller)}, "method": {json.dumps(method)}, "route": {json.dumps(route)}, "path": {path}'
                if self._as_json
                else f"{caller!r} {method} {route} {path}"
            )
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = what
        return what
