"""ScaleOps for the proxy: forwards requests and responses unchanged, with the token of the synchronous client.

A login blocks, so it runs in a thread; one task on the event loop serves every request that waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from clients.http.async_client import AsyncHttpClient
from clients.http.messages import HttpRequest, HttpResponse
from clients.http.single_flight import AsyncSingleFlight
from clients.scaleops.tokens import Credentials, expires_at, with_bearer
from domain.clock import Clock

_UNAUTHORIZED: Final = HTTPStatus.UNAUTHORIZED
"""Of every request: Python 3.11 looks up a member of an enum in Python code."""

SendRequest = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]
"""The type of `AsyncScaleOpsClient.send`."""


def _ignore() -> None:
    """Count no token."""


class AsyncScaleOpsClient:
    """For one event loop. After a 401 it sends the request once more, with a new token."""

    def __init__(
        self, http: AsyncHttpClient, credentials: Credentials, *, clock: Clock, on_new_token: Callable[[], None] = _ignore
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._clock = clock
        self._on_new_token = on_new_token
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="scaleops-login")
        self._current: tuple[str | None, datetime] | None = None
        self._fetches: AsyncSingleFlight[str | None, str | None] = AsyncSingleFlight()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Return the response of ScaleOps, whatever its status.

        Raises:
            ServiceError: the login failed, or there is no response that can be read.
        """
        current = self._current
        token = current[0] if current is not None and self._clock() < current[1] else await self._fetch(None)
        response = await self._http.send(with_bearer(request, token))
        if response.status == _UNAUTHORIZED and token is not None:
            token = await self._refresh(token)
            if token is not None:
                response = await self._http.send(with_bearer(request, token))
        return response

    async def close(self) -> None:
        """Close all connections; a running login ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._http.close()

    async def _refresh(self, rejected: str) -> str | None:
        current = self._current
        if current is not None and current[0] != rejected:  # replaced while this response was on its way
            return current[0]
        return await self._fetch(rejected)

    async def _fetch(self, rejected: str | None) -> str | None:
        return await self._fetches.run(rejected, lambda: self._fetch_in_thread(rejected))

    async def _fetch_in_thread(self, rejected: str | None) -> str | None:
        fetch = self._credentials.token if rejected is None else partial(self._credentials.refresh, rejected)
        token = await asyncio.get_running_loop().run_in_executor(self._threads, fetch)
        if token is not None and (self._current is None or self._current[0] != token):
            self._on_new_token()
        if token is not None or rejected is None:
            self._current = (token, expires_at(token or "", self._clock()))
        return token
