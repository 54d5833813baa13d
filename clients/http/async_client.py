"""HTTP client of the gateway's event loop: one attempt, bounded in time, size and number, no redirects.

Only a request on a kept connection that the service had already closed is sent again; a full queue is refused at once.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cached_property
from typing import Final

import aiohttp
from aiohttp import hdrs
from yarl import URL

from clients.http.byte_budget import ByteBudget
from clients.http.client import HttpOptions
from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest, HttpResponse, no_response, too_large_error, truncated_error
from clients.http.network import InvalidNetworkVariable, ProxyAddress, certificate_advice, proxy_for, tls_context
from clients.throttle.concurrency_limiter import ConcurrencyLimiter

_CHUNK_BYTES: Final = 64 * 1024
MAX_QUEUED: Final = 512
"""Calls that may wait: a service that hangs must not collect callers without limit."""


class AsyncHttpClient:
    """The client of one service, for one event loop. Make it, use it and close it there.

    A limiter decides how many calls may be in flight.
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        options: HttpOptions,
        *,
        limiter: ConcurrencyLimiter | None = None,
        max_queued: int = MAX_QUEUED,
        budget: ByteBudget | None = None,
    ) -> None:
        self.service = service
        self._budget = budget
        self.options = options
        self._max_in_progress = options.max_in_flight + max_queued
        self._base_url = base_url.rstrip("/")
        self._limiter = limiter
        self._session: aiohttp.ClientSession | None = None
        self._in_progress = 0

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and return its response, whatever its status.

        Raises:
            ServiceError: no response in time, no connection, a full queue, a response that is too large or truncated.
        """
        if self._in_progress >= self._max_in_progress:
            raise self._queue_full(request, f"{self._in_progress} calls are waiting for it already")
        self._in_progress += 1
        try:
            if self._limiter is None:
                return await self._exchange_in_time(request)
            return await self._send_throttled(self._limiter, request)
        finally:
            self._in_progress -= 1

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send_throttled(self, limiter: ConcurrencyLimiter, request: HttpRequest) -> HttpResponse:
        try:
            await limiter.semaphore.acquire_async(self.options.connect_s)
        except TimeoutError:
            raise self._queue_full(request, f"no call could be made within {self.options.connect_s:g} s") from None
        try:
            pause_s = limiter.before_call()
            if pause_s > self.options.connect_s:
                raise self._queue_full(request, f"its Retry-After lasts for another {pause_s:.0f} s", retry_after_s=pause_s)
            if pause_s:
                await asyncio.sleep(pause_s)
            response = await self._exchange_in_time(request)
        except ServiceError as error:
            if error.is_timeout:
                limiter.after_timeout()
            raise
        finally:
            limiter.semaphore.release()
        limiter.after_response(response.status, response.headers)
        return response

    async def _exchange_in_time(self, request: HttpRequest) -> HttpResponse:
        """One deadline over connecting, head and body, and over both attempts."""
        try:
            async with asyncio.timeout(self.options.timeout_s):
                return await self._exchange(request, may_repeat=True)
        except TimeoutError:
            raise no_response(self.service, request, f"no answer within {self.options.timeout_s:g} s") from None

    async def _exchange(self, request: HttpRequest, *, may_repeat: bool) -> HttpResponse:
        try:
            session, proxy = self._open_session(), self._proxy
            # Without `async with`, which costs as much as the read: a response gives its connection back once it is read or closed.
            incoming = await session.request(
                request.method,
                URL(self._base_url + request.target, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
            )
            body = await self._read_body(incoming, request)
            return HttpResponse(status=incoming.status, headers=incoming.headers, body=body)
        except InvalidNetworkVariable as error:
            raise no_response(self.service, request, str(error), sent=False) from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            reason = f"it cannot be reached{self._via}{certificate_advice(error)}"
            raise no_response(self.service, request, reason, sent=False) from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if may_repeat:
                return await self._exchange(request, may_repeat=False)
            raise no_response(self.service, request, "it closed the connection") from None
        except TimeoutError:
            reason = f"no connection within {self.options.connect_s:g} s{self._via}"
            raise no_response(self.service, request, reason, sent=False) from None
        except aiohttp.ClientPayloadError:
            raise truncated_error(self.service, request) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise no_response(self.service, request, f"the exchange failed ({type(error).__name__})") from None

    async def _read_body(self, incoming: aiohttp.ClientResponse, request: HttpRequest) -> bytes:
        """Return the body. Closes the connection if it is not read to its end, whatever the reason."""
        limit, budget = self.options.max_response_bytes, self._budget
        length = incoming.content_length
        if length is not None and length <= _CHUNK_BYTES and hdrs.CONTENT_ENCODING not in incoming.headers:
            return await incoming.read()
        body = bytearray()
        counted = 0
        try:
            async for chunk in incoming.content.iter_chunked(_CHUNK_BYTES):
                if budget is not None:
                    budget.take(len(chunk))
                    counted += len(chunk)
                body += chunk
                if len(body) > limit:
                    raise too_large_error(self.service, request, incoming.status, limit)
            return bytes(body)
        finally:
            incoming.close()  # without effect on the connection of a response that was read to its end
            if budget is not None:
                budget.give_back(counted)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connect_s = self.options.connect_s
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.options.max_in_flight, keepalive_timeout=15, ssl=self._tls_context()),
                # `connect` includes the wait for a free connection.
                timeout=aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "scaleops-worker", "Accept": "application/json"},
                loop=asyncio.get_running_loop(),
            )
        return self._session

    def _tls_context(self) -> ssl.SSLContext | bool:
        return tls_context() if self._base_url.startswith("https:") else True

    @cached_property
    def _proxy(self) -> ProxyAddress | None:
        return proxy_for(self._base_url)

    @property
    def _via(self) -> str:
        return f" through {self._proxy}" if self._proxy else ""

    def _queue_full(self, request: HttpRequest, reason: str, *, retry_after_s: float = 5) -> ServiceError:
        message = f"{request.route} was not sent to {self.service}: {reason}"
        return ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=retry_after_s)
