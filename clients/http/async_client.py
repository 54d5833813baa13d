"""The line over which the gateway's event loop calls a service: one attempt, bounded in time, size and number, no redirects.

The rules, the error and its words are those of `clients.calls`. What differs: nothing is tried again but a request on a kept
connection that the service had already closed, and who finds too many waiting is told at once.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, TypeVar

import aiohttp
from pydantic import TypeAdapter
from yarl import URL

from clients.http.client import (
    ErrorKind,
    HttpClient,
    HttpOptions,
    HttpRequest,
    HttpResponse,
    ServiceError,
    is_loopback,
    is_silence,
)
from clients.throttle.concurrency_limiter import ConcurrencyLimiter

T = TypeVar("T")

_CHUNK: Final = 64 * 1024
MOST_WAITING: Final = 512
"""So many may wait for their turn; a hung service must not gather callers without end."""


class AsyncHttpClient:
    """The way to one service, for one event loop. Make it, use it and close it there.

    With a pace, that says how many calls may be in flight; what they meet is told to it.
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        rules: HttpOptions,
        *,
        pace: ConcurrencyLimiter | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.service = service
        self._most_present = rules.max_in_flight + most_waiting
        self.rules = rules
        self._base_url = base_url.rstrip("/")
        self._pace = pace
        self._words = HttpClient(service, base_url, rules)
        self._session: aiohttp.ClientSession | None = None
        self._present = 0

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and answer what came back, whatever its status.

        Raises:
            ServiceError: no answer in time, no connection, too many waiting, an answer that is too large or breaks off.
        """
        if self._present >= self._most_present:
            raise self._too_many(request, f"{self._present} calls are waiting for it already")
        self._present += 1
        try:
            if self._pace is None:
                return await self._receive(request, again=True)
            return await self._receive_at(self._pace, request)
        finally:
            self._present -= 1

    def failure(self, request: HttpRequest, answer: HttpResponse) -> ServiceError:
        """Put an answer that is not the one hoped for into a sentence."""
        return self._words.failure(request, answer)

    def parse(self, adapter: TypeAdapter[T], request: HttpRequest, answer: HttpResponse) -> T:
        """Read the body of a 200 as JSON of a known shape. Raises ServiceError."""
        return self._words.parse(adapter, request, answer)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _receive_at(self, pace: ConcurrencyLimiter, request: HttpRequest) -> HttpResponse:
        try:
            await pace.gate.enter_async(self._patience_s)
        except TimeoutError:
            raise self._too_many(request, f"no call could be made within {self._patience_s:g} s") from None
        try:
            hold_s = pace.call_begins()
            if hold_s > self._patience_s:
                raise self._too_many(request, f"it asks to be left alone for {hold_s:.0f} s", retry_after_s=hold_s)
            if hold_s:
                await asyncio.sleep(hold_s)
            began = time.monotonic()
            answer = await self._receive(request, again=True)
        except ServiceError as failure:
            if is_silence(failure):
                pace.call_was_silent()
            raise
        finally:
            pace.gate.leave()
        pace.call_answered(request.route, status=answer.status, seconds=time.monotonic() - began, headers=answer.headers)
        return answer

    async def _receive(self, request: HttpRequest, *, again: bool) -> HttpResponse:
        try:
            async with self._opened().request(
                request.method,
                URL(self._base_url + request.target, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
            ) as incoming:
                body = await self._read_body(incoming, request)
                return HttpResponse(status=incoming.status, headers=incoming.headers, body=body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as trouble:
            if again and not isinstance(trouble, aiohttp.ClientConnectorError):
                return await self._receive(request, again=False)
            connecting = isinstance(trouble, aiohttp.ClientConnectorError)
            raise self._silence(request, "it cannot be reached or closed the connection", happened=not connecting) from None
        except TimeoutError:
            raise self._silence(request, f"no answer within {self.rules.timeout_s:g} s") from None
        except aiohttp.ClientPayloadError:
            message = f"{self.service} answered {request.route} with a body that breaks off or cannot be unpacked"
            raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True) from None
        except (aiohttp.ClientError, ValueError) as trouble:
            raise self._silence(request, f"the exchange broke ({type(trouble).__name__})") from None

    async def _read_body(self, incoming: aiohttp.ClientResponse, request: HttpRequest) -> bytes:
        most = self.rules.max_response_bytes
        length = incoming.content_length
        if length is not None and length <= most and "Content-Encoding" not in incoming.headers:
            return await incoming.read()
        chunks: list[bytes] = []
        size = 0
        async for chunk in incoming.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > most:
                incoming.close()
                message = f"{self.service} answered {request.route} with more than {most // 1024} KiB, which is too much to read"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=True, status=incoming.status)
            chunks.append(chunk)
        return b"".join(chunks)

    @property
    def _patience_s(self) -> float:
        return min(self.rules.connect_timeout_s, self.rules.timeout_s)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            rules = self.rules
            patience = self._patience_s
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=rules.max_in_flight, keepalive_timeout=15),
                # `connect` holds the wait for a free connection too.
                timeout=aiohttp.ClientTimeout(total=rules.timeout_s, connect=patience, sock_connect=patience),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "scaleops-worker", "Accept": "application/json"},
                # Proxies from the environment are for the network; loopback is this machine.
                trust_env=not is_loopback(self._base_url),
                loop=asyncio.get_running_loop(),
            )
        return self._session

    def _silence(self, request: HttpRequest, why: str, *, happened: bool = True) -> ServiceError:
        message = f"{self.service} did not answer {request.route}: {why}"
        return ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=happened)

    def _too_many(self, request: HttpRequest, why: str, *, retry_after_s: float = 5) -> ServiceError:
        message = f"{self.service} was not asked {request.route}: {why}"
        return ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=retry_after_s)
