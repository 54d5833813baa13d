"""What a command runs with: the context built from the settings of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actions.history.view import HistoryView, read_history
from cli.installation import open_installation
from clients.throttle.limit_algorithm import CallPriority
from tasks.context import StageContext
from wiring.contexts import build_stage_context, history_context
from wiring.tracing import start_tracing, stop_tracing


@contextmanager
def open_context(*, kind: CallPriority = CallPriority.BACKGROUND) -> Iterator[StageContext]:
    """Build the context, and close it after the command. `kind` is the priority of its ScaleOps calls."""
    with build_stage_context(open_installation(), priority=kind) as context:
        yield context


@contextmanager
def open_traced_context() -> Iterator[StageContext]:
    """Build the context of stages in the foreground, whose sweeps and deliveries are recorded as traces if an endpoint is set."""
    installation = open_installation()
    start_tracing(installation.settings.instance)
    try:
        with build_stage_context(installation) as context:
            yield context
    finally:
        stop_tracing()


@contextmanager
def open_history(context: StageContext) -> Iterator[HistoryView]:
    """Open one state of the store as an administrator sees it."""
    with read_history(history_context(context.store, context.policy, clock=context.clock)) as view:
        yield view
