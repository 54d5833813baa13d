"""Liveness and readiness. Responses name each dependency's state, never an address or a reason.

Only the database makes the gateway unready: taken out of service when ScaleOps is down, its callers would get no response at all
in place of an error that says what is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from actions.ports import Catalog
from clients.http.messages import HttpRequest, HttpResponse
from clients.http.single_flight import AsyncSingleFlight
from domain.clock import Clock
from domain.zones import TZDATA_VERSION
from gateway.responses import GatewayResponse, json_response
from store import Store

Probe = Callable[[], Awaitable[None]]
"""Sends a dependency a small request; raises when it fails."""

TTL: Final = timedelta(seconds=10)
PROBE_TIMEOUT_S: Final = 5.0
DATABASE: Final = "database"

ALIVE: Final = json_response({"status": "ok"})
ALIVE_WITH_VERSIONS: Final = json_response({"status": "ok", "tzdata": TZDATA_VERSION})


def database_probe(store: Store) -> Probe:
    """Return a probe of the database."""

    def read() -> None:
        with store.reading() as rows:
            rows.heartbeats.last("gateway")

    async def probe() -> None:
        await asyncio.to_thread(read)

    return probe


def catalog_file_probe(catalog: Catalog) -> Probe:
    """Return a probe of a catalog file: it is there, and holds entities."""

    async def probe() -> None:
        await asyncio.to_thread(catalog.listing)

    return probe


def http_probe(send: Callable[[HttpRequest], Awaitable[HttpResponse]], target: str) -> Probe:
    """Return a probe of a service by a GET request."""

    async def probe() -> None:
        response = await send(HttpRequest(method="GET", target=target))
        if response.status != HTTPStatus.OK:
            raise DependencyDown

    return probe


class DependencyDown(Exception):
    """A dependency answered with another status than 200."""


class Readiness:
    """Probes all dependencies concurrently, at most once per TTL."""

    def __init__(self, probes: Mapping[str, Probe], *, clock: Clock) -> None:
        self._probes = dict(probes)
        self._clock = clock
        self._states: Mapping[str, str] = {}
        self._expires_at: datetime | None = None
        self._probing: AsyncSingleFlight[None, Mapping[str, str]] = AsyncSingleFlight()

    async def response(self) -> GatewayResponse:
        """Return each dependency's state: 200 ready or degraded, 503 without a database."""
        states = await self._current_states()
        if states.get(DATABASE, "ok") != "ok":
            return json_response({"status": "unready", "dependencies": states}, status=HTTPStatus.SERVICE_UNAVAILABLE)
        status = "ready" if all(state == "ok" for state in states.values()) else "degraded"
        return json_response({"status": status, "dependencies": states})

    async def _current_states(self) -> Mapping[str, str]:
        if self._expires_at is not None and self._clock() < self._expires_at:
            return self._states
        return await self._probing.run(None, self._probe_all)

    async def _probe_all(self) -> Mapping[str, str]:
        found = await asyncio.gather(*(_state_of(probe) for probe in self._probes.values()))
        self._states = dict(zip(self._probes, found, strict=True))
        self._expires_at = self._clock() + TTL
        return self._states


async def _state_of(probe: Probe) -> str:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await probe()
    except TimeoutError:
        return "slow"
    except Exception:  # noqa: BLE001 - whatever the error, the dependency is down
        return "down"
    return "ok"
