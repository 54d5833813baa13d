"""Traces by OpenTelemetry: Celery messages, HTTP requests, SQL statements, and the work of the stages.

    sweep      one trace, in every process that works on it: open, enqueue, inventory, measure, evaluate
    delivery   one trace per message of the outbox, all attempts in it; linked to the run that sends it
    Celery     a span per message and per task; the context of a trace is carried in the headers of messages

The id of a named trace is a hash of its name, so that all processes agree on it, even after a message was lost.
Requests and statements are recorded only inside a recorded span. A URL is never recorded: that of the heartbeat is a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, get_current_span, use_span

from clients.http.messages import HttpRequest
from clients.http.request_spans import RecordStatus, RequestTracer, trace_requests
from store.statement_spans import StatementTracer, trace_statements
from tasks.spans import WorkTracer

NAME: Final = "scaleops-worker"
MAX_QUERY_LENGTH: Final = 2000
_NOT_RECORDED: Final = frozenset({"PRAGMA", "BEGIN"})
"""What every transaction begins with on SQLite."""
_CLOSE_TIMEOUT_S: Final = 3.0
"""For what is not sent yet when a process stops, also while the collector is unavailable."""

_named_trace_id: ContextVar[int | None] = ContextVar("named_trace_id", default=None)


class NamedTraceIds(RandomIdGenerator):
    """Random ids, but for the root spans of named traces."""

    def generate_trace_id(self) -> int:
        """Return the id of the named trace whose root span begins, else a random one."""
        return _named_trace_id.get() or super().generate_trace_id()

    def is_trace_id_random(self) -> bool:
        """Return False: a hash is not random as W3C's trace context means it."""
        return False


class OtelTracer(WorkTracer, RequestTracer, StatementTracer):
    """Records spans with one provider. `instance` keeps the traces of several installations apart."""

    def __init__(self, provider: TracerProvider, *, instance: str) -> None:
        self._tracer = provider.get_tracer(NAME, version(NAME))
        self._instance = instance

    @contextmanager
    def span(self, name: str, *, trace: str, attributes: Mapping[str, str]) -> Iterator[None]:
        """Record the block as a span of a named trace."""
        trace_id = trace_id_of(f"{self._instance}:{trace}")
        current = get_current_span().get_span_context()
        if current.trace_id == trace_id:
            span = self._tracer.start_span(name, attributes=dict(attributes))
        else:
            token = _named_trace_id.set(trace_id)
            links = [Link(current)] if current.is_valid else []
            try:
                span = self._tracer.start_span(name, context=Context(), attributes=dict(attributes), links=links)
            finally:
                _named_trace_id.reset(token)
        with _ended(span):
            yield

    @contextmanager
    def request(self, service: str, base_url: str, request: HttpRequest) -> Iterator[RecordStatus]:
        """Record the block as one attempt of a request."""
        if not get_current_span().is_recording():
            yield lambda _: None
            return
        address = urlsplit(base_url)
        attributes: dict[str, str | int] = {
            "http.request.method": request.method,
            "server.address": address.hostname or "",
            "peer.service": service,
            "scaleops_worker.http.route": request.route,
        }
        if address.port is not None:
            attributes["server.port"] = address.port
        span = self._tracer.start_span(request.method, kind=SpanKind.CLIENT, attributes=attributes)

        def record_status(status: int) -> None:
            span.set_attribute("http.response.status_code", status)
            if status >= 400:  # noqa: PLR2004 - as the semantic conventions of HTTP clients say
                span.set_attribute("error.type", str(status))
                span.set_status(Status(StatusCode.ERROR))

        with _ended(span):
            yield record_status

    def statement(self, system: str, text: str) -> Callable[[BaseException | None], None]:
        """Record a statement that begins."""
        operation = text.lstrip("( \n").partition(" ")[0].partition("\n")[0].upper()
        if operation in _NOT_RECORDED or not get_current_span().is_recording():
            return lambda _: None
        attributes = {"db.system.name": system, "db.operation.name": operation, "db.query.text": text[:MAX_QUERY_LENGTH]}
        span = self._tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)

        def end(error: BaseException | None) -> None:
            if error is not None:
                _record_error(span, error)
            span.end()

        return end


class ProcessTracing:
    """The instrumentation of this process, until it is closed."""

    def __init__(self, processor: SpanProcessor, *, instance: str, resource: Resource | None = None) -> None:
        self._provider = TracerProvider(resource=resource, id_generator=NamedTraceIds(), shutdown_on_exit=False)
        self._celery = CeleryInstrumentor()  # type: ignore[no-untyped-call]  # its constructor has no annotations
        self._provider.add_span_processor(processor)
        self.tracer = OtelTracer(self._provider, instance=instance)
        self._stop_statements = trace_statements(self.tracer)
        trace_requests(self.tracer)
        self._celery.instrument(tracer_provider=self._provider)
        ThreadingInstrumentor().instrument()

    def close(self) -> None:
        """Record no more, and send what was recorded."""
        ThreadingInstrumentor().uninstrument()
        self._celery.uninstrument()
        trace_requests(None)
        self._stop_statements()
        sending = Thread(target=self._provider.shutdown, name="traces", daemon=True)
        sending.start()
        sending.join(_CLOSE_TIMEOUT_S)


def open_tracing(environment: Mapping[str, str], *, instance: str) -> ProcessTracing:
    """Instrument this process and send to the endpoint of the environment. Everything standard is read by the SDK itself."""
    own_certificates = None if environment.get("OTEL_EXPORTER_OTLP_CERTIFICATE") else environment.get("SSL_CERT_FILE")
    resource = Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME") or NAME, "service.version": version(NAME)})
    exporter = OTLPSpanExporter(certificate_file=own_certificates)
    return ProcessTracing(BatchSpanProcessor(exporter), instance=instance, resource=resource)


def trace_id_of(name: str) -> int:
    """Return the id of a named trace: 128 bits of a hash."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")


@contextmanager
def _ended(span: Span) -> Iterator[None]:
    """Make a span the current one, and end it with the block. Of an error only its class is recorded."""
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            _record_error(span, error)
            raise


def _record_error(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(Status(StatusCode.ERROR))
