"""Whether this process records traces. OpenTelemetry is imported only when it does, by `wiring.otel`.

Traces are on when OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set in the environment, unless OTEL_SDK_DISABLED
or OTEL_TRACES_EXPORTER=none switches them off (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import structlog

from tasks.spans import NULL_TRACER, WorkTracer

if TYPE_CHECKING:  # imports the SDK
    from wiring.otel import ProcessTracing

log = structlog.get_logger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP: Final = "http/protobuf"

_active: ProcessTracing | None = None


def start_tracing(instance: str, environment: Mapping[str, str] = os.environ) -> None:
    """Record traces in this process, if the environment says so. To be called after a fork. What prevents it is logged, and raises nothing.

    `instance` is the name of this installation, which keeps its traces apart from those of others.
    """
    global _active  # noqa: PLW0603 - there is one tracer per process, as in OpenTelemetry
    if _active is not None or not is_enabled(environment):
        return
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), _HTTP)
    if protocol != _HTTP:
        log.warning("traces are off", reason=f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}; only {_HTTP} is supported")
        return
    try:
        from wiring.otel import open_tracing  # noqa: PLC0415 - only when traces are on
    except ModuleNotFoundError as error:
        log.warning("traces are off", reason=f"{error.name} is not installed; install scaleops-worker[otel]")
        return
    _active = open_tracing(environment, instance=instance)


def stop_tracing() -> None:
    """Send what was recorded, for at most a few seconds, and record no more."""
    global _active
    active, _active = _active, None
    if active is not None:
        active.close()


def work_tracer() -> WorkTracer:
    """Return the tracer of this process."""
    return NULL_TRACER if _active is None else _active.tracer


def is_enabled(environment: Mapping[str, str]) -> bool:
    """Return True if the environment asks for traces."""
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER", "") == "none"
    return not is_off and any(environment.get(name) for name in ENDPOINTS)
