"""HTTP client shared by all services: limits, retries, size and time bounds, one error type.

Every request sent with it reads only, so a retry is harmless. It follows no redirect and keeps no cookie.
"""

from __future__ import annotations

import random
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx
import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception

from clients.http.errors import ErrorKind, ServiceError
from clients.http.loopback import is_loopback_url
from clients.http.messages import HttpRequest, HttpResponse, no_response, status_error, too_large_error, truncated_error
from clients.throttle.concurrency_limiter import ConcurrencyLimiter
from clients.throttle.limit_algorithm import CallPriority
from clients.throttle.semaphore import ResizableSemaphore

log = structlog.get_logger(__name__)

INTERACTIVE_RETRY_BUDGET_S: Final = 8.0
_KEEPALIVE_S: Final = 15.0
_HEADERS: Final = {"User-Agent": "scaleops-worker", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_MAX_DOUBLINGS: Final = 16
_GATEWAY_ERRORS: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
"""Retried like 503. A plain 500 comes from the service itself and would be the same again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Limits of a client. Times in seconds."""

    timeout_s: float = 30.0
    """For one attempt: waiting for the response, and then for the whole of its body."""
    connect_timeout_s: float = 5.0
    max_in_flight: int = 16
    max_response_bytes: int = 64 * 1024 * 1024
    """Of the body, decompressed."""
    attempts: int = 3
    initial_wait_s: float = 0.5
    """Doubles with each attempt; the wait is a random part of it, so that callers do not retry in step."""
    max_wait_s: float = 20.0
    """A longer Retry-After is not waited for; the error carries it."""

    @property
    def connect_s(self) -> float:
        """The time to connect, within that of the attempt."""
        return min(self.connect_timeout_s, self.timeout_s)


class HttpClient:
    """The client of one service, for any number of threads. Make it after a fork, not before.

    A limiter decides how many calls may be in flight, in place of the options.

    Each call in flight has an `httpx.Client` of its own, with one connection: a pool shared by many threads walks all its
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
        self._idle: deque[httpx.Client] = deque()
        self._is_closed = False

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and return its response, if the status is below 500 and not 429.

        No response, 429, 502, 503 and 504 are retried, after Retry-After plus a growing random wait. With a limiter, 429 and
        503 count as an attempt only if no other call succeeds either.

        Raises:
            ServiceError: no response, an overloaded or broken service, a response that is too large or truncated.
        """
        return self._retrying(self._send_once, request)

    def close(self) -> None:
        """Close all idle connections; calls in flight close theirs."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    def _send_once(self, request: HttpRequest) -> HttpResponse:
        for name, value in request.headers.items():
            if not value.isprintable():
                message = f"{request.route} was not sent to {self.service}: the value of {name} holds a control character"
                raise ServiceError(message, kind=ErrorKind.REJECTED, permanent=True)
        with self._semaphore:
            response = self._exchange(request) if self._limiter is None else self._send_throttled(self._limiter, request)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise status_error(self.service, request, response)
        return response

    def _send_throttled(self, limiter: ConcurrencyLimiter, request: HttpRequest) -> HttpResponse:
        pause_s = limiter.before_call()
        if pause_s:
            self._sleep(pause_s)
        try:
            response = self._exchange(request)
        except ServiceError as error:
            if error.is_timeout:
                limiter.after_timeout()
            raise
        limiter.after_response(response.status, response.headers)
        return response

    def _exchange(self, request: HttpRequest) -> HttpResponse:
        deadline = time.monotonic() + self.options.timeout_s
        client = self._acquire()
        has_status = False
        try:
            url = self._base_url + request.target
            with client.stream(request.method, url, headers=dict(request.headers), content=request.body) as incoming:
                has_status = True
                body = self._read_body(incoming, request, deadline)
                return HttpResponse(status=incoming.status_code, headers=incoming.headers, body=body)
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            reason = f"no connection within {self.options.connect_s:g} s"
            raise no_response(self.service, request, reason, sent=False) from None
        except httpx.TimeoutException:
            raise no_response(self.service, request, f"no answer within {self.options.timeout_s:g} s") from None
        except (
            httpx.InvalidURL,
            httpx.ConnectError,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
            httpx.LocalProtocolError,
        ) as error:
            raise no_response(self.service, request, f"it cannot be reached ({error})", sent=False) from None
        except (httpx.DecodingError, httpx.RemoteProtocolError) as error:
            if has_status:
                raise truncated_error(self.service, request) from None
            raise no_response(self.service, request, f"the connection was closed ({error})") from None
        except httpx.HTTPError as error:
            raise no_response(self.service, request, f"the connection failed ({error})") from None
        finally:
            self._release(client)

    def _read_body(self, incoming: httpx.Response, request: HttpRequest, deadline: float) -> bytes:
        body = bytearray()
        for chunk in incoming.iter_bytes():
            body += chunk
            if len(body) > self.options.max_response_bytes:
                raise too_large_error(self.service, request, incoming.status_code, self.options.max_response_bytes)
            if time.monotonic() > deadline:
                reason = f"the response was not complete within {self.options.timeout_s:g} s"
                raise no_response(self.service, request, reason)
        return bytes(body)

    def _acquire(self) -> httpx.Client:
        try:
            return self._idle.pop()
        except IndexError:
            return httpx.Client(
                headers=_HEADERS,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                timeout=httpx.Timeout(self.options.timeout_s, connect=self.options.connect_s),
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEPALIVE_S),
                verify=self._tls_context,
                # Proxies and CA bundles of the environment are for the network, not for loopback.
                trust_env=not self._is_loopback,
            )

    def _release(self, client: httpx.Client) -> None:
        if self._is_closed:
            client.close()
        else:
            self._idle.append(client)

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        needs_roots = self._base_url.startswith("https:") or not self._is_loopback
        return httpx.create_ssl_context() if needs_roots else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def _is_retryable(self, error: BaseException) -> bool:
        if not isinstance(error, ServiceError) or (error.retry_after_s or 0) > self.options.max_wait_s:
            return False
        return error.kind in (ErrorKind.CONNECTION, ErrorKind.THROTTLED) or error.status in _GATEWAY_ERRORS

    def _should_stop(self, state: RetryCallState) -> bool:
        elapsed_s = state.seconds_since_start or 0
        if elapsed_s >= 2 * self.options.timeout_s:
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
