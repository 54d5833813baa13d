"""What every outbound call shares: the one error that callers can act on, and the line over which httpx clients call.

A line goes to one service. It bounds the calls in flight, the time and the size of an answer, follows no redirect, keeps no
cookie, and tries again what may be tried again: all that is asked over a line only reads, so a repeat is harmless.
"""

from __future__ import annotations

import ipaddress
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception

from clients.http.retry_after import retry_after_s
from clients.http.stdlib_transport import StdlibTransport, proxy_of
from clients.throttle.concurrency_limiter import ConcurrencyLimiter
from clients.throttle.limit_algorithm import Priority
from clients.throttle.semaphore import ResizableSemaphore

T = TypeVar("T")


class ErrorKind(StrEnum):
    """What kind of failure it was, so that a caller can answer it."""

    CONNECTION = "connection"
    """No answer: refused, reset, timed out, no such host."""
    THROTTLED = "throttled"
    """429 or 503: the service asks for patience."""
    SERVER_ERROR = "server_error"
    """Another 5xx."""
    AUTH = "auth"
    """401 or 403: our credentials are wrong or too weak."""
    NOT_FOUND = "not_found"
    """404."""
    REJECTED = "rejected"
    """Another 4xx: the service does not accept what was sent."""
    INVALID_RESPONSE = "invalid_response"
    """An answer that cannot be read: HTML, truncated JSON, a wrong shape, too large, a redirect."""


class ServiceError(Exception):
    """A call to a service did not give what was asked.

    The message is a sentence for the person on call: what was tried, with whom, what came back. It never holds a
    token, a password or a web address with one in it.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        permanent: bool,
        retry_after_s: float | None = None,
        outcome_unknown: bool = False,
        status: int | None = None,
        service_down: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.permanent = permanent
        """Asking again cannot help."""
        self.retry_after_s = retry_after_s
        """When the service said to come back, seconds."""
        self.outcome_unknown = outcome_unknown
        """The request may have taken effect although no good answer came (a time-out after sending)."""
        self.status = status
        """The HTTP status that came back, if one did."""
        self.service_down = service_down
        """Nothing can be had of the service now: no connection to it, or its login failed. Other questions would fail alike."""

    def copy(self, *, service_down: bool | None = None) -> ServiceError:
        """Return the same error as a new object, which collects no other thread's traceback."""
        return ServiceError(
            str(self),
            kind=self.kind,
            permanent=self.permanent,
            retry_after_s=self.retry_after_s,
            outcome_unknown=self.outcome_unknown,
            status=self.status,
            service_down=self.service_down if service_down is None else service_down,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How a line behaves. Times in seconds."""

    timeout_s: float = 30.0
    """For one attempt: waiting for the answer, and then for the whole of its body."""
    connect_timeout_s: float = 5.0
    max_in_flight: int = 16
    max_response_bytes: int = 64 * 1024 * 1024
    """Of the body, unpacked."""
    attempts: int = 3
    initial_wait_s: float = 0.5
    """Doubles with each attempt; the wait itself is a random part of it, so that callers do not return in step."""
    max_wait_s: float = 20.0
    """A service that asks for more patience than this is not waited for; the error says when to come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One question. `target` is the path with its query, percent-encoded, below the line's base URL."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)

    @property
    def route(self) -> str:
        """What a person is told was asked: method and path, without the query."""
        return f"{self.method} {self.target.partition('?')[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class HttpClient:
    """The way to one service, for any number of threads.

    With a pace, that says how many calls may be in flight, in place of the rules; what they meet is told to it.

    Each call in flight borrows an httpx transport of its own, with one connection: a pool shared by many threads walks all its
    connections on every request. They share one TLS context, which is expensive. Make the line after a fork, not before.
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        rules: HttpOptions,
        *,
        pace: ConcurrencyLimiter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self.rules = rules
        self._base_url = base_url.rstrip("/")
        self._is_local = is_loopback(base_url)
        self._timeout = httpx.Timeout(rules.timeout_s, connect=min(rules.connect_timeout_s, rules.timeout_s)).as_dict()
        self._retrying = Retrying(
            stop=self._has_tried_enough,
            wait=self._wait_before_the_next,
            retry=retry_if_exception(self._may_succeed_next_time),
            sleep=sleep,
            reraise=True,
        )
        self._pace = pace
        self._gate = ResizableSemaphore(rules.max_in_flight) if pace is None else pace.gate
        self._sleep = sleep
        self._idle: deque[httpx.BaseTransport] = deque()
        self._tls: ssl.SSLContext | None = None
        self._making_tls = threading.Lock()
        self._closed = False

    def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and answer what came back, if it is below 500 and not 429.

        No answer, 429, 502, 503 and 504 are tried again, after what Retry-After asks for or a growing random wait. With a
        pace, 429 and 503 count as a try only when no other call gets through either.

        Raises:
            ServiceError: no answer, an overloaded or broken service, an answer that is too large or breaks off.
        """
        return self._retrying(self._exchange_once, request)

    def failure(self, request: HttpRequest, answer: HttpResponse) -> ServiceError:
        """Put an answer that is not the one hoped for into a sentence."""
        status = answer.status
        fault, came_back, permanent = _meaning_of(status)
        return ServiceError(
            f"{self.service} answered {request.route} with {came_back}",
            kind=fault,
            permanent=permanent,
            retry_after_s=retry_after_s(answer.headers),
            status=status,
            service_down=status == HTTPStatus.UNAUTHORIZED,
        )

    def parse(self, adapter: TypeAdapter[T], request: HttpRequest, answer: HttpResponse) -> T:
        """Read the body of a 200 as JSON of a known shape.

        Raises:
            ServiceError: another status, no body, no JSON, or JSON of another shape. The message never quotes the body.
        """
        if answer.status != HTTPStatus.OK:
            raise self.failure(request, answer)
        try:
            return adapter.validate_json(answer.body)
        except ValidationError as invalid:
            trouble = _describe(invalid, answer)
        message = f"{self.service} answered {request.route} with {trouble}"
        raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, status=answer.status)

    def close(self) -> None:
        """Close all idle connections; calls still in flight close theirs."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _exchange_once(self, request: HttpRequest) -> HttpResponse:
        headers = self._encoded(request)
        self._gate.enter()
        try:
            pace = self._pace
            answer = self._send(request, headers) if pace is None else self._send_at(pace, request, headers)
        finally:
            self._gate.leave()
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise self.failure(request, answer)
        return answer

    def _send_at(self, pace: ConcurrencyLimiter, request: HttpRequest, headers: list[tuple[bytes, bytes]]) -> HttpResponse:
        hold_s = pace.call_begins()
        if hold_s:
            self._sleep(hold_s)
        began = time.monotonic()
        try:
            answer = self._send(request, headers)
        except ServiceError as failure:
            if is_silence(failure):
                pace.call_was_silent()
            raise
        pace.call_answered(request.route, status=answer.status, seconds=time.monotonic() - began, headers=answer.headers)
        return answer

    def _send(self, request: HttpRequest, headers: list[tuple[bytes, bytes]]) -> HttpResponse:
        try:
            transport = self._borrow()
        except httpx.InvalidURL as bad:
            raise self._silence(request, f"it cannot be reached ({bad})", happened=False) from None
        try:
            return self._receive(transport, request, headers)
        finally:
            self._give_back(transport)

    def _receive(self, transport: httpx.BaseTransport, request: HttpRequest, headers: list[tuple[bytes, bytes]]) -> HttpResponse:
        deadline = time.monotonic() + self.rules.timeout_s
        answered = False
        try:
            # No client: it would keep cookies, follow redirects and fill in headers, none of which is wanted.
            outgoing = self._outgoing(request, headers, is_direct=isinstance(transport, StdlibTransport))
            incoming = transport.handle_request(outgoing)
            answered = True
            try:
                return HttpResponse(
                    status=incoming.status_code, headers=incoming.headers, body=self._read_body(incoming, request, deadline)
                )
            finally:
                incoming.close()
        except httpx.TimeoutException as trouble:
            connecting = isinstance(trouble, httpx.ConnectTimeout | httpx.PoolTimeout)
            raise self._silence(request, f"no answer within {self.rules.timeout_s:g} s", happened=not connecting) from None
        except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as trouble:
            raise self._silence(request, f"it cannot be reached ({trouble})", happened=False) from None
        except (httpx.DecodingError, httpx.RemoteProtocolError) as trouble:
            if answered:
                message = f"{self.service} answered {request.route} with a body that breaks off or cannot be unpacked"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True) from None
            raise self._silence(request, f"the connection was closed ({trouble})", happened=True) from None
        except httpx.HTTPError as trouble:
            raise self._silence(request, f"the connection broke ({trouble})", happened=True) from None

    def _outgoing(self, request: HttpRequest, headers: list[tuple[bytes, bytes]], *, is_direct: bool) -> httpx.Request:
        extensions: dict[str, object] = {"timeout": self._timeout}
        if not is_direct:  # a proxy is told the whole address
            url = httpx.URL(self._base_url + request.target)
            return httpx.Request(request.method, url, headers=headers, content=request.body, extensions=extensions)
        # The base is read once, and what is asked for below it goes along as it is.
        extensions["target"] = self._url.raw_path.rstrip(b"/") + request.target.encode("ascii")
        return httpx.Request(request.method, self._url, headers=headers, content=request.body, extensions=extensions)

    def _read_body(self, incoming: httpx.Response, request: HttpRequest, deadline: float) -> bytes:
        most = self.rules.max_response_bytes
        chunks: list[bytes] = []
        size = 0
        for chunk in incoming.iter_bytes():
            size += len(chunk)
            if size > most:
                message = f"{self.service} answered {request.route} with more than {most // 1024} KiB, which is too much to read"
                raise ServiceError(
                    message, kind=ErrorKind.INVALID_RESPONSE, permanent=True, outcome_unknown=True, status=incoming.status_code
                )
            if time.monotonic() > deadline:
                raise self._silence(request, f"the answer was not complete within {self.rules.timeout_s:g} s", happened=True)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _silence(self, request: HttpRequest, why: str, *, happened: bool) -> ServiceError:
        message = f"{self.service} did not answer {request.route}: {why}"
        return ServiceError(
            message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=happened, service_down=not happened
        )

    def _encoded(self, request: HttpRequest) -> list[tuple[bytes, bytes]]:
        for name, value in request.headers.items():
            if not value.isprintable():
                message = f"{self.service} was not asked {request.route}: the value of {name} holds a control character"
                raise ServiceError(message, kind=ErrorKind.REJECTED, permanent=True)
        return [*_ALWAYS_SENT, *((name.encode("ascii"), value.encode()) for name, value in request.headers.items())]

    def _borrow(self) -> httpx.BaseTransport:
        try:
            return self._idle.pop()
        except IndexError:
            return self._make_transport()

    def _give_back(self, transport: httpx.BaseTransport) -> None:
        if self._closed:
            transport.close()
        else:
            self._idle.append(transport)

    def _make_transport(self) -> httpx.BaseTransport:
        tls = self._tls_context()
        # Proxies and a CA bundle from the environment are for the network; loopback is this machine.
        proxy = None if self._is_local else proxy_of(self._url)
        if proxy is None:
            return StdlibTransport(tls, keepalive_s=_KEEPALIVE_S)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEPALIVE_S)
        return httpx.HTTPTransport(verify=tls, trust_env=False, proxy=proxy, limits=limits)

    @cached_property
    def _url(self) -> httpx.URL:
        return httpx.URL(self._base_url)

    def _tls_context(self) -> ssl.SSLContext:
        with self._making_tls:
            if self._tls is None:
                needed = self._base_url.startswith("https:") or not self._is_local
                self._tls = httpx.create_ssl_context() if needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            return self._tls

    def _may_succeed_next_time(self, trouble: BaseException) -> bool:
        if not isinstance(trouble, ServiceError) or (trouble.retry_after_s or 0) > self.rules.max_wait_s:
            return False
        return trouble.kind in (ErrorKind.CONNECTION, ErrorKind.THROTTLED) or trouble.status in _GATEWAY_TROUBLE

    def _has_tried_enough(self, state: RetryCallState) -> bool:
        trouble = state.outcome.exception() if state.outcome else None
        tried_for_s = state.seconds_since_start or 0
        if tried_for_s >= 2 * self.rules.timeout_s:
            return True
        is_one_too_many = isinstance(trouble, ServiceError) and trouble.kind is ErrorKind.THROTTLED
        if is_one_too_many and self._pace is not None and self._pace.gets_through():
            # A sweep can wait; whoever asks in person is told soon, and not after one more wait.
            return self._pace.kind is Priority.LIVE and tried_for_s + state.upcoming_sleep >= _LIVE_PATIENCE_S
        return state.attempt_number >= self.rules.attempts

    def _wait_before_the_next(self, state: RetryCallState) -> float:
        """Wait for a random part of the doubling time, and never less than the service asked for."""
        longest = min(self.rules.max_wait_s, self.rules.initial_wait_s * 2.0 ** min(_MOST_DOUBLINGS, state.attempt_number - 1))
        spread = random.uniform(0, longest)  # noqa: S311 - it spreads load
        trouble = state.outcome.exception() if state.outcome else None
        asked = trouble.retry_after_s if isinstance(trouble, ServiceError) else None
        return spread if asked is None else asked + spread


_KEEPALIVE_S: Final = 15.0
_LIVE_PATIENCE_S: Final = 8.0
_ALWAYS_SENT: Final = (
    (b"User-Agent", b"scaleops-worker"),
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"gzip, deflate"),
)
_MOST_DOUBLINGS: Final = 16
_GATEWAY_TROUBLE: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
"""Passing troubles between us and the service. A plain 500 is the service's own answer and would be the same again."""


def is_loopback(url: str) -> bool:
    """Say whether an address can only be this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_silence(failure: ServiceError) -> bool:
    """Say whether a call was sent, and no answer came in time."""
    return failure.kind is ErrorKind.CONNECTION and failure.outcome_unknown


def _meaning_of(status: int) -> tuple[ErrorKind, str, bool]:
    """Answer the fault, the words for what came back, and whether asking again is useless."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return ErrorKind.AUTH, "401: it does not accept our credentials", True
        case HTTPStatus.FORBIDDEN:
            return ErrorKind.AUTH, "403: our credentials are not allowed to ask this", True
        case HTTPStatus.NOT_FOUND:
            return ErrorKind.NOT_FOUND, "404: it does not know this", True
        case HTTPStatus.TOO_MANY_REQUESTS:
            return ErrorKind.THROTTLED, "429: too many requests", False
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return ErrorKind.THROTTLED, "503: not available", False
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ErrorKind.SERVER_ERROR, f"{status}: an error of its own", False
    if status >= HTTPStatus.BAD_REQUEST:
        return ErrorKind.REJECTED, f"{status}: it refuses the request", True
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return ErrorKind.INVALID_RESPONSE, f"a redirect ({status}), probably to a login page, which is not followed", False
    return ErrorKind.INVALID_RESPONSE, f"status {status} instead of 200 with an answer", False


def _describe(invalid: ValidationError, answer: HttpResponse) -> str:
    """Say what is wrong with a body without quoting it."""
    if not answer.body.strip():
        return "an empty body"
    error = invalid.errors(include_url=False, include_context=False, include_input=False)[0]
    if error["type"] == "json_invalid":
        kind = answer.headers.get("content-type", "").partition(";")[0].strip() or "of no stated type"
        return f"something that is no JSON ({kind})" if "json" not in kind else "JSON that breaks off or is malformed"
    place = ".".join(str(step) for step in error["loc"]) or "the whole"
    return f"JSON of another shape than expected ({place}: {error['msg']})"
