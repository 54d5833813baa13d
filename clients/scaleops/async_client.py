"""ScaleOps for the proxy: questions go out as they are and answers come back whole, on the token that the sync client uses.

The token is asked for in threads of its own, for a login blocks. On the event loop one task serves all who wait for it, and
`clients.scaleops.tokens` sees to it that loop and threads together log in once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from typing import Any

from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpRequest, HttpResponse
from clients.scaleops.tokens import Credentials, expires_at
from domain.clock import Clock


def _tell_nobody() -> None:
    """For who does not count tokens."""


class AsyncScaleOpsClient:
    """Asks ScaleOps on the event loop. A refused token is replaced once, then the question is asked once more."""

    def __init__(
        self, line: AsyncHttpClient, credentials: Credentials, *, clock: Clock, on_new_token: Callable[[], None] = _tell_nobody
    ) -> None:
        self._line = line
        self._credentials = credentials
        self._clock = clock
        self._on_new_token = on_new_token
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="scaleops-login")
        self._held: tuple[str | None, datetime] | None = None
        self._fetching: dict[str | None, asyncio.Task[str | None]] = {}

    async def ask(self, request: HttpRequest) -> HttpResponse:
        """Answer what ScaleOps answers, whatever the status.

        Raises:
            ServiceError: the login failed, or there is no answer that can be read.
        """
        held = self._held
        token = held[0] if held is not None and self._clock() < held[1] else await self._fetch(refused=None)
        answer = await self._line.exchange(_bearing(request, token))
        if answer.status == HTTPStatus.UNAUTHORIZED and token is not None:
            replaced = await self._replace(token)
            if replaced is not None:
                answer = await self._line.exchange(_bearing(request, replaced))
        return answer

    async def close(self) -> None:
        """Close all connections; a login that is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._line.close()

    async def _replace(self, refused: str) -> str | None:
        held = self._held
        if held is not None and held[0] != refused:  # replaced while this answer was on its way
            return held[0]
        return await self._fetch(refused=refused)

    async def _fetch(self, *, refused: str | None) -> str | None:
        task = self._fetching.get(refused)
        if task is None:
            task = asyncio.create_task(self._fetch_in_a_thread(refused))
            self._fetching[refused] = task
            task.add_done_callback(lambda done: self._forget(refused, done))
        # A caller that goes away must not take the login of the others with it.
        return await asyncio.shield(task)

    def _forget(self, refused: str | None, done: asyncio.Task[str | None]) -> None:
        self._fetching.pop(refused, None)
        if not done.cancelled():
            done.exception()  # it was raised to all who waited; nobody waiting is no news

    async def _fetch_in_a_thread(self, refused: str | None) -> str | None:
        loop = asyncio.get_running_loop()
        if refused is None:
            token = await loop.run_in_executor(self._threads, self._credentials.current)
        else:
            token = await loop.run_in_executor(self._threads, self._credentials.after_refusal, refused)
        if token is not None and (self._held is None or self._held[0] != token):
            self._on_new_token()
        if token is not None or refused is None:
            self._held = (token, expires_at(token or "", self._clock()))
        return token


def _bearing(request: HttpRequest, token: str | None) -> HttpRequest:
    if token is None:
        return request
    return HttpRequest(
        method=request.method,
        target=request.target,
        headers={**request.headers, "Authorization": f"Bearer {token}"},
        body=request.body,
    )


Asking = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]
"""The shape of `Passthrough.ask`."""
