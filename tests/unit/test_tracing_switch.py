"""When traces are on, and that OpenTelemetry's SDK is not imported while they are off."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from reports.notices import alert_in_key
from tasks.spans import NULL_TRACER
from wiring import tracing
from wiring.tracing import is_enabled, start_tracing, work_tracer

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def _tracing_is_stopped() -> Iterator[None]:
    yield
    tracing.stop_tracing()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, True),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_an_endpoint_switches_traces_on(environment: dict[str, str], *, expected: bool) -> None:
    assert is_enabled(environment) is expected


def test_without_an_endpoint_nothing_is_recorded() -> None:
    start_tracing("test", {})
    assert work_tracer() is NULL_TRACER


def test_another_protocol_than_http_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    start_tracing("test", {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert work_tracer() is NULL_TRACER
    assert "grpc" in caplog.records[-1].__dict__["reason"]


def test_a_missing_package_is_a_warning_that_names_the_extra(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.delitem(sys.modules, "wiring.otel", raising=False)
    start_tracing("test", ENDPOINT)
    assert work_tracer() is NULL_TRACER
    assert "scaleops-worker[otel]" in caplog.records[-1].__dict__["reason"]


def test_tracing_starts_once_and_stops() -> None:
    start_tracing("test", ENDPOINT)
    tracer = work_tracer()
    assert tracer is not NULL_TRACER
    start_tracing("test", ENDPOINT)
    assert work_tracer() is tracer
    tracing.stop_tracing()
    assert work_tracer() is NULL_TRACER


@pytest.mark.parametrize(
    ("key", "alert"),
    [
        ("alert:under-provisioned:component:default/checkout:12:pagerduty", "under-provisioned:component:default/checkout"),
        ("alert:budget:group:default/payments:3:slack:reply", "budget:group:default/payments"),
        ("summary:2026-11-23T00:00:group:default/payments:slack", None),
        ("report:weekly:group:default/payments:2026-W47:slack:1", None),
    ],
)
def test_the_alert_of_a_message_is_read_from_its_key(key: str, alert: str | None) -> None:
    assert alert_in_key(key) == alert
