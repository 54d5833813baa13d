"""Whether the gateway lives, and how its dependencies are: words only, no addresses, no reasons that name anything.

A dependency that is down does not make the gateway unready but for the database: were it taken out of service with ScaleOps, its callers
would get nothing at all in place of an error that says what is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from domain.clock import Clock
from gateway.responses import GatewayResponse, json_response

Probe = Callable[[], Awaitable[None]]
"""Asks a dependency for something small; raises when it does not answer."""

HOLDS_FOR: Final = timedelta(seconds=10)
PATIENCE_S: Final = 5.0
DATABASE: Final = "database"

ALIVE: Final = json_response({"status": "ok"})


class Readiness:
    """Probes dependencies, at most every HOLDS_FOR, all at once."""

    def __init__(self, probes: Mapping[str, Probe], *, clock: Clock) -> None:
        self._probes = dict(probes)
        self._clock = clock
        self._states: Mapping[str, str] = {}
        self._known_until: datetime | None = None
        self._probing: asyncio.Task[Mapping[str, str]] | None = None

    async def answer(self) -> GatewayResponse:
        """Answer each dependency's state: 200 ready or degraded, 503 without a database."""
        states = await self._current()
        if states.get(DATABASE, "ok") != "ok":
            return json_response({"status": "unready", "dependencies": states}, status=HTTPStatus.SERVICE_UNAVAILABLE)
        status = "ready" if all(state == "ok" for state in states.values()) else "degraded"
        return json_response({"status": status, "dependencies": states})

    async def _current(self) -> Mapping[str, str]:
        if self._known_until is not None and self._clock() < self._known_until:
            return self._states
        if self._probing is None:
            self._probing = asyncio.create_task(self._probe_all())
            self._probing.add_done_callback(self._forget)
        return await asyncio.shield(self._probing)

    def _forget(self, _: asyncio.Task[Mapping[str, str]]) -> None:
        self._probing = None

    async def _probe_all(self) -> Mapping[str, str]:
        found = await asyncio.gather(*(_state_of(probe) for probe in self._probes.values()))
        self._states = dict(zip(self._probes, found, strict=True))
        self._known_until = self._clock() + HOLDS_FOR
        return self._states


async def _state_of(probe: Probe) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await probe()
    except TimeoutError:
        return "slow"
    except Exception:  # noqa: BLE001 - whatever it is, the dependency does not work; the word is all that is told here
        return "down"
    return "ok"
