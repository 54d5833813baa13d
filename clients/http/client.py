"""HTTP client shared by all services: limits, retries, size and time bounds, one error type.

`send` retries, which must be harmless: its requests read only, or carry a key that makes a repeat harmless. `exchange` makes one
attempt. Both follow no redirect and keep no cookie.
"""

from __future__ import annotations

import random
import re
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from io import BytesIO
from typing import Final

import httpcore
import httpx
import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception

from clients.http.errors import ErrorKind, OutOfTime, ServiceError
from clients.http.loopback import is_loopback_url
from clients.http.messages import HttpRequest, HttpResponse, no_response, status_error, too_large_error, truncated_error
from clients.http.network import InvalidNetworkVariable, ProxyAddress, certificate_advice, proxy_for, tls_context
from clients.http.request_spans import request_span
from clients.http.transport import DeadlineTransport
from clients.throttle.concurrency_limiter import ConcurrencyLimiter
from clients.throttle.limit_algorithm import CallPriority
from clients.throttle.semaphore import ResizableSemaphore

log = structlog.get_logger(__name__)

INTERACTIVE_RETRY_BUDGET_S: Final = 8.0
_HEADERS: Final[Mapping[str, str]] = {
    "User-Agent": "scaleops-worker",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}
_ENCODED: Final = re.compile(r"(?=/)(?:/(?![./])|[A-Za-z0-9_.~&=+?,:-]|%[0-9A-F]{2})+")
"""A target that httpx sends as it is."""
_MAX_DOUBLINGS: Final = 16
_RETRIED: Final = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
"""A plain 500 comes from the service itself and would be the same again."""

TimeLeft = Callable[[], float]
"""Called right before each attempt: the seconds that it may take. Zero or less: it is not made. May raise an error of its own."""


def unlimited() -> float:
    """Leave each attempt the time of the client's options."""
    return float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Limits of a client. Times in seconds."""

    timeout_s: float = 30.0
    """For one attempt, from connecting to the last byte of the body."""
    connect_timeout_s: float = 5.0
    """For one address of the host, within `timeout_s`."""
    max_in_flight: int = 16
    max_response_bytes: int = 64 * 1024 * 1024
    """Of the body, decompressed."""
    attempts: int = 3
    initial_wait_s: float = 0.5
    """Doubles with each attempt; the wait is a random part of it, so that callers do not retry in step."""
    max_wait_s: float = 20.0
    """A longer Retry-After is not waited for; the error carries it."""
    retried_statuses: frozenset[int] = _RETRIED
    keeps_connections: bool = True
    """False: each request has a new connection, so that none is lost on one that the service was just closing."""

    @property
    def connect_s(self) -> float:
        """The time to connect, within that of the attempt."""
        return min(self.connect_timeout_s, self.timeout_s)


@dataclass(slots=True)
class _Call:
    """One call of `send`: what it may still do, and how its last attempt failed."""

    request: HttpRequest
    time_left: TimeLeft
    error: ServiceError | None = None
    is_over: bool = False


class HttpClient:
    """The client of one service, for any number of threads. Make it after a fork, not before.

    A limiter decides how many calls may be in flight, in place of the options.

    Each call in flight has a transport of its own, with one connection and its deadline: a pool shared by many threads walks all its
    connections on every request. They share one TLS context, which is expensive.
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        options: HttpOptions,
        *,
        limiter: ConcurrencyLimiter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self.options = options
        self._base_url = base_url.rstrip("/")
        self._is_loopback = is_loopback_url(base_url)
        self._retrying = Retrying(
            stop=self._should_stop,
            wait=self._backoff_s,
            retry=retry_if_exception(self._is_retryable),
            before_sleep=self._log_retry,
            sleep=sleep,
            reraise=True,
        )
        self._limiter = limiter
        self._semaphore = ResizableSemaphore(options.max_in_flight) if limiter is None else limiter.semaphore
        self._sleep = sleep
        self._idle: deque[DeadlineTransport] = deque()
        self._is_closed = False

    def send(self, request: HttpRequest, *, time_left: TimeLeft = unlimited) -> HttpResponse:
        """Send a request and return its response, if the status is below 500 and not 429.

        No response, and the statuses of the options, are retried, after Retry-After plus a growing random wait. With a limiter,
        429 and 503 count as an attempt only if no other call succeeds either.

        Raises:
            ServiceError: no response, an overloaded or broken service, a response that is too large or truncated.
        """
        return self._retrying(self._attempt, _Call(request, time_left))

    def exchange(self, request: HttpRequest, *, time_left: TimeLeft = unlimited) -> HttpResponse:
        """Send a request once and return its response, whatever its status.

        Raises:
            ServiceError: no response, or one that is too large or truncated.
        """
        for name, value in request.headers.items():
            if not value.isprintable():
                message = f"{request.route} was not sent to {self.service}: the value of {name} holds a control character"
                raise ServiceError(message, kind=ErrorKind.REJECTED, permanent=True)
        with self._semaphore, request_span(self.service, self._base_url, request) as record_status:
            if self._limiter is not None:
                response = self._send_throttled(self._limiter, request, time_left)
            else:
                response = self._exchange(request, time_left)
            record_status(response.status)
            return response

    def close(self) -> None:
        """Close all idle connections; calls in flight close theirs."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    def _attempt(self, call: _Call) -> HttpResponse:
        try:
            response = self.exchange(call.request, time_left=call.time_left)
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise status_error(self.service, call.request, response)
        except OutOfTime as error:
            call.is_over = True
            raise call.error or error from None
        except ServiceError as error:
            call.error = error
            raise
        return response

    def _send_throttled(self, limiter: ConcurrencyLimiter, request: HttpRequest, time_left: TimeLeft) -> HttpResponse:
        pause_s = limiter.before_call()
        if pause_s:
            self._sleep(pause_s)
        try:
            response = self._exchange(request, time_left)
        except ServiceError as error:
            if error.is_timeout:
                limiter.after_timeout()
            raise
        limiter.after_response(response.status, response.headers)
        return response

    def _exchange(self, request: HttpRequest, time_left: TimeLeft) -> HttpResponse:
        left_s = min(self.options.timeout_s, time_left())
        if left_s <= 0:
            raise OutOfTime(self.service, request.route)
        deadline = time.monotonic() + left_s
        try:
            transport = self._acquire()
        except InvalidNetworkVariable as error:
            raise no_response(self.service, request, str(error), sent=False) from None
        transport.set_deadline(deadline)
        has_status = is_complete = False
        try:
            with closing(transport.handle_request(self._to_httpx(request))) as incoming:
                has_status = True
                body = self._read_body(incoming, request)
                is_complete = True
            return HttpResponse(status=incoming.status_code, headers=incoming.headers, body=body)
        except (httpcore.ConnectTimeout, httpcore.PoolTimeout):
            reason = f"no connection within {min(self.options.connect_s, left_s):g} s{self._via}"
            raise no_response(self.service, request, reason, sent=False) from None
        except httpcore.TimeoutException:
            what = "the response was not complete" if has_status else "no answer"
            raise no_response(self.service, request, f"{what} within {left_s:g} s") from None
        except (
            httpx.InvalidURL,
            httpx.UnsupportedProtocol,
            httpcore.ConnectError,
            httpcore.ProxyError,
            httpcore.UnsupportedProtocol,
            httpcore.LocalProtocolError,
        ) as error:
            reason = f"it cannot be reached{self._via} ({error}){certificate_advice(error)}"
            raise no_response(self.service, request, reason, sent=False) from None
        except (httpx.DecodingError, httpcore.RemoteProtocolError) as error:
            if has_status:
                raise truncated_error(self.service, request) from None
            raise no_response(self.service, request, f"the connection was closed ({error})") from None
        except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise no_response(self.service, request, f"the connection failed ({error})") from None
        finally:
            self._release(transport, is_reusable=is_complete)

    def _to_httpx(self, request: HttpRequest) -> httpx.Request:
        """Return the request for the transport. An encoded target is an extension: httpx would parse it in the URL."""
        extensions: dict[str, object] = {"timeout": {"pool": self.options.timeout_s}}  # the transport has the deadline
        url: httpx.URL | str = self._base_url + request.target
        if _ENCODED.fullmatch(request.target) is not None:
            url = self._parsed_base_url
            extensions["target"] = url.raw_path.rstrip(b"/") + request.target.encode("ascii")
        # As bytes, because httpx encodes text in ASCII only.
        headers = {name.encode(): value.encode() for name, value in {**_HEADERS, **request.headers}.items()}
        return httpx.Request(request.method, url, headers=headers, content=request.body, extensions=extensions)

    def _read_body(self, incoming: httpx.Response, request: HttpRequest) -> bytes:
        body = BytesIO()  # returns its content without a second copy of it, which doubles the memory of a large response
        limit = request.max_response_bytes or self.options.max_response_bytes
        for chunk in incoming.iter_bytes():
            if body.tell() + len(chunk) > limit:
                raise too_large_error(self.service, request, incoming.status_code, limit)
            body.write(chunk)
        return body.getvalue()

    def _acquire(self) -> DeadlineTransport:
        try:
            return self._idle.pop()
        except IndexError:
            return DeadlineTransport(
                tls=self._tls_context,
                connect_s=self.options.connect_s,
                proxy=self._proxy.url if self._proxy else None,
                keeps_connection=self.options.keeps_connections,
            )

    def _release(self, transport: DeadlineTransport, *, is_reusable: bool) -> None:
        # httpcore counts a tunnel whose TLS handshake failed as in use, so its pool would have no connection left.
        if is_reusable and not self._is_closed:
            self._idle.append(transport)
        else:
            transport.close()

    @cached_property
    def _parsed_base_url(self) -> httpx.URL:
        return httpx.URL(self._base_url)

    @cached_property
    def _proxy(self) -> ProxyAddress | None:
        return proxy_for(self._base_url)

    @property
    def _via(self) -> str:
        return f" through {self._proxy}" if self._proxy else ""

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        needs_roots = self._base_url.startswith("https:") or not self._is_loopback
        return tls_context() if needs_roots else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def _is_retryable(self, error: BaseException) -> bool:
        if not isinstance(error, ServiceError) or (error.retry_after_s or 0) > self.options.max_wait_s:
            return False
        return error.kind is ErrorKind.CONNECTION or error.status in self.options.retried_statuses

    def _should_stop(self, state: RetryCallState) -> bool:
        call: _Call = state.args[0]
        elapsed_s = state.seconds_since_start or 0
        if call.is_over or elapsed_s >= 2 * self.options.timeout_s:
            return True
        is_throttled = (error := _error_of(state)) is not None and error.kind is ErrorKind.THROTTLED
        if is_throttled and self._limiter is not None and self._limiter.has_recent_success():
            # Background calls may keep retrying; interactive calls fail once the retry budget is spent.
            is_interactive = self._limiter.priority is CallPriority.INTERACTIVE
            return is_interactive and elapsed_s + state.upcoming_sleep >= INTERACTIVE_RETRY_BUDGET_S
        return state.attempt_number >= self.options.attempts

    def _backoff_s(self, state: RetryCallState) -> float:
        """Return Retry-After plus a random part of the doubled wait."""
        doubled_s = self.options.initial_wait_s * 2.0 ** min(_MAX_DOUBLINGS, state.attempt_number - 1)
        jitter_s = random.uniform(0, min(self.options.max_wait_s, doubled_s))  # noqa: S311 - it spreads load
        error = _error_of(state)
        return jitter_s + ((error.retry_after_s or 0) if error is not None else 0)

    def _log_retry(self, state: RetryCallState) -> None:
        error = _error_of(state)
        log.debug(
            "retrying request",
            service=self.service,
            attempt=state.attempt_number,
            status=error.status if error is not None else None,
            wait_s=round(state.upcoming_sleep, 3),
        )


def _error_of(state: RetryCallState) -> ServiceError | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, ServiceError) else None
