"""The spans of the stages: one trace per sweep and one per delivery, over all processes. Without a tracer nothing is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Final, Protocol

from domain.sweeps import Sweep, WatchSweep
from reports.notices import alert_in_key
from store.queries.outbox_rows import LeasedMessage

PREFIX: Final = "scaleops_worker"


class WorkTracer(Protocol):
    """Records work as spans of named traces."""

    def span(self, name: str, *, trace: str, attributes: Mapping[str, str]) -> AbstractContextManager[None]:
        """Record the block as a span of the trace with that name: below the current span if it is in this trace, else linked to it."""


class NullTracer(WorkTracer):
    """Records nothing."""

    def span(self, name: str, *, trace: str, attributes: Mapping[str, str]) -> AbstractContextManager[None]:  # noqa: ARG002 - as the protocol
        """Run the block."""
        return nullcontext()


NULL_TRACER: Final = NullTracer()


def sweep_span(tracer: WorkTracer, step: str, as_of: datetime) -> AbstractContextManager[None]:
    """Record a step of a full sweep: `open`, `enqueue`, `inventory`, `measure`, `evaluate`; `collect` is all of it in one process."""
    return _of_sweep(tracer, "sweep", step, as_of)


def watch_span(tracer: WorkTracer, step: str, as_of: datetime) -> AbstractContextManager[None]:
    """Record a step of a watch sweep: `measure`, `evaluate`."""
    return _of_sweep(tracer, "watch", step, as_of)


def evaluation_span(tracer: WorkTracer, sweep: Sweep | WatchSweep) -> AbstractContextManager[None]:
    """Record the evaluation of a sweep of either kind."""
    return (watch_span if isinstance(sweep, WatchSweep) else sweep_span)(tracer, "evaluate", sweep.as_of)


def _of_sweep(tracer: WorkTracer, kind: str, step: str, as_of: datetime) -> AbstractContextManager[None]:
    key = f"{kind}:{as_of.isoformat()}"
    return tracer.span(f"{kind} {step}", trace=key, attributes={f"{PREFIX}.sweep.id": key})


def delivery_span(tracer: WorkTracer, claim: LeasedMessage) -> AbstractContextManager[None]:
    """Record one attempt to deliver a message; all its attempts are one trace."""
    message = claim.message
    attributes = {
        f"{PREFIX}.delivery.key": message.key,
        f"{PREFIX}.delivery.channel": message.channel.value,
        f"{PREFIX}.delivery.attempt": str(claim.attempt),
        f"{PREFIX}.delivery.about": message.about,
    }
    if alert := alert_in_key(message.key):
        attributes[f"{PREFIX}.alert.id"] = alert
    return tracer.span(f"deliver {message.channel.value}", trace=f"delivery:{message.key}", attributes=attributes)
