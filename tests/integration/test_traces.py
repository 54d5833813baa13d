"""Traces: one per sweep and one per delivery, carried through Celery, with HTTP and SQL below them, and without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from celery import Celery, signals
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from clients.heartbeat import HeartbeatClient
from clients.http.errors import ServiceError
from domain.messages import EventAction
from simulator.credentials import PAGERDUTY_ROUTING_KEY, SLACK_BOT_TOKEN
from simulator.serving import Simulator
from store import Store
from tasks.collect.stage import collect
from tasks.deliver.stage import deliver
from tasks.evaluate.stage import evaluate
from tasks.spans import sweep_span
from tests.factories import SLOT, make_event, make_message
from tests.integration.delivery_bench import MINUTE, DeliveryBench
from tests.stage_factories import open_collect_bench
from wiring.otel import OtelTracer, ProcessTracing, trace_id_of

INSTANCE = "traced"
SWEEP = f"sweep:{SLOT.isoformat()}"


@dataclass
class Recorded:
    """The tracer of this process, and what it recorded."""

    tracer: OtelTracer
    exporter: InMemorySpanExporter

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def of_trace(self, name: str) -> dict[str, ReadableSpan]:
        trace_id = trace_id_of(f"{INSTANCE}:{name}")
        return {span.name: span for span in self.spans() if span.context is not None and span.context.trace_id == trace_id}

    def below(self, parent: ReadableSpan) -> list[ReadableSpan]:
        assert parent.context is not None
        return [span for span in self.spans() if span.parent is not None and span.parent.span_id == parent.context.span_id]

    def text(self) -> str:
        return json.dumps([json.loads(span.to_json()) for span in self.spans()])


def attributes_of(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    exporter = InMemorySpanExporter()
    tracing = ProcessTracing(SimpleSpanProcessor(exporter), instance=INSTANCE)
    yield Recorded(tracing.tracer, exporter)
    tracing.close()


def test_a_sweep_is_one_trace_with_its_requests_and_statements(
    simulator: Simulator, sqlite_store: Store, recorded: Recorded
) -> None:
    with open_collect_bench(simulator, sqlite_store) as bench:
        context = replace(bench.context, tracer=recorded.tracer)
        collect(context)
        evaluate(context)

    spans = recorded.of_trace(SWEEP)
    assert {"sweep collect", "sweep inventory", "sweep evaluate", "GET", "POST", "SELECT", "INSERT"} <= set(spans)
    assert attributes_of(spans["sweep collect"])["scaleops_worker.sweep.id"] == SWEEP
    assert spans["sweep collect"].parent is None
    assert spans["sweep inventory"] in recorded.below(spans["sweep collect"])
    request = attributes_of(spans["POST"])
    assert (request["peer.service"], request["http.response.status_code"]) == ("ScaleOps", 200)
    assert str(request["scaleops_worker.http.route"]).startswith("POST /api/")
    assert "url.full" not in request
    statement = attributes_of(spans["INSERT"])
    assert (statement["db.system.name"], statement["db.operation.name"]) == ("sqlite", "INSERT")
    named = {span.context.trace_id for span in recorded.spans() if span.context is not None and span.name != "connect"}
    assert named == {trace_id_of(f"{INSTANCE}:{SWEEP}")}, "what the threads of a sweep do is in its trace"


def test_all_attempts_of_a_delivery_are_one_trace(simulator: Simulator, sqlite_store: Store, recorded: Recorded) -> None:
    bench = DeliveryBench(simulator, sqlite_store)
    context = replace(bench.context, tracer=recorded.tracer)
    alert = "under-provisioned:component:default/checkout"
    event = make_event(EventAction.TRIGGER, dedup_key=alert)
    bench.put(make_message("k1"), event)
    simulator.add_fault("slack", status=500, times=1)
    deliver(context)
    bench.clock.advance(MINUTE)
    deliver(context)

    slack = [span for span in recorded.spans() if span.name == "deliver slack"]
    assert [attributes_of(span)["scaleops_worker.delivery.attempt"] for span in slack] == ["1", "2"]
    assert {span.context.trace_id for span in slack if span.context} == {trace_id_of(f"{INSTANCE}:delivery:k1")}
    failed, sent = ([one for one in recorded.below(span) if one.name == "POST"] for span in slack)
    assert attributes_of(failed[0])["error.type"] == "500"
    assert attributes_of(sent[-1])["http.response.status_code"] == 200
    page = recorded.of_trace(f"delivery:{event.key}")["deliver pagerduty"]
    assert attributes_of(page)["scaleops_worker.delivery.key"] == event.key
    assert attributes_of(page)["scaleops_worker.alert.id"] == alert
    for secret in (SLACK_BOT_TOKEN, PAGERDUTY_ROUTING_KEY):
        assert secret not in recorded.text()


def test_the_url_of_the_heartbeat_is_not_recorded(simulator: Simulator, recorded: Recorded) -> None:
    heartbeat = HeartbeatClient(f"{simulator.pagerduty_url}/a-secret-uuid", timeout_s=5)
    with recorded.tracer.span("monitor", trace="monitor", attributes={}), suppress(ServiceError):
        heartbeat.start()
    heartbeat.close()

    assert [span.name for span in recorded.spans()][-1] == "monitor"
    assert "POST /start" in recorded.text()
    assert "a-secret-uuid" not in recorded.text()


def test_an_error_is_recorded_by_its_class_alone(sqlite_store: Store, recorded: Recorded) -> None:
    message = "with a secret"
    with pytest.raises(RuntimeError), recorded.tracer.span("a", trace="a", attributes={}):
        raise RuntimeError(message)
    with recorded.tracer.span("b", trace="b", attributes={}), sqlite_store.transaction() as transaction:
        connection = transaction.outbox._connection
        with suppress(Exception):
            connection.exec_driver_sql("SELECT * FROM no_such_table")

    (span,) = (span for span in recorded.spans() if span.name == "a")
    assert attributes_of(span)["error.type"] == "RuntimeError"
    assert not span.status.is_ok
    assert attributes_of(recorded.of_trace("b")["SELECT"])["error.type"] == "OperationalError"
    assert message not in recorded.text()


def test_nothing_is_recorded_outside_a_span(sqlite_store: Store, recorded: Recorded) -> None:
    with sqlite_store.reading() as transaction:
        transaction.outbox.backlog()
    assert recorded.spans() == ()


def test_a_message_carries_the_trace_to_another_worker(recorded: Recorded) -> None:
    app = Celery("traces", broker="memory://", set_as_current=True)

    @app.task(name="measure")  # type: ignore[untyped-decorator] # Celery has no types
    def task() -> None:
        """Is not run: the test does what a worker does around it."""

    with recorded.tracer.span("run/sweep.advance", trace="tick", attributes={}), sweep_span(recorded.tracer, "enqueue", SLOT):
        app.send_task("measure")
    with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        message = queue.get(block=False)
        message.ack()
    # What a worker does with the message: its headers are the request of the task.
    task.push_request(**message.headers)
    signals.task_prerun.send(sender=task, task_id=message.headers["id"], task=task)
    with sweep_span(recorded.tracer, "measure", SLOT):
        pass
    signals.task_postrun.send(sender=task, task_id=message.headers["id"], task=task, state="SUCCESS")
    task.pop_request()

    spans = recorded.of_trace(SWEEP)
    assert spans["apply_async/measure"] in recorded.below(spans["sweep enqueue"])
    assert spans["run/measure"] in recorded.below(spans["apply_async/measure"])
    assert spans["sweep measure"] in recorded.below(spans["run/measure"])
    assert [link.context.trace_id for link in spans["sweep enqueue"].links] == [trace_id_of(f"{INSTANCE}:tick")]
    app.close()
