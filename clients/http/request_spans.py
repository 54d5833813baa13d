"""The span of each HTTP request, when traces are on. `wiring.tracing` sets the tracer once per process; without one nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from clients.http.messages import HttpRequest

RecordStatus = Callable[[int], None]


class RequestTracer(Protocol):
    """Records HTTP requests."""

    def request(self, service: str, base_url: str, request: HttpRequest) -> AbstractContextManager[RecordStatus]:
        """Record the block as one attempt of a request; the block gets a function for the status of its response."""


_NO_SPAN: Final = nullcontext[RecordStatus](lambda _: None)
_tracer: RequestTracer | None = None


def trace_requests(tracer: RequestTracer | None) -> None:
    """Record the requests of this process from now on; None: no more."""
    global _tracer  # noqa: PLW0603 - there is one tracer per process, and clients are built in many places
    _tracer = tracer


def request_span(service: str, base_url: str, request: HttpRequest) -> AbstractContextManager[RecordStatus]:
    """Record the block as one attempt of a request, if requests are recorded."""
    return _NO_SPAN if _tracer is None else _tracer.request(service, base_url, request)
