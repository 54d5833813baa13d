"""What a command runs with: the settings of this process, and the context built from them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actions.history.view import HistoryView, read_history
from clients.throttle.limit_algorithm import CallPriority
from tasks.context import StageContext
from wiring.contexts import LoadedConfig, build_stage_context, history_context, load_config
from wiring.logs import configure_logs


def open_installation() -> LoadedConfig:
    """Read the settings and the configuration file of the working directory, and configure the logs."""
    installation = load_config(os.environ, Path(".env"))
    settings = installation.settings
    configure_logs(level=settings.log_level, form=settings.log_format)
    return installation


@contextmanager
def open_context(*, kind: CallPriority = CallPriority.BACKGROUND) -> Iterator[StageContext]:
    """Build the context, and close it after the command. `kind` is the priority of its ScaleOps calls."""
    with build_stage_context(open_installation(), priority=kind) as context:
        yield context


@contextmanager
def open_history(context: StageContext) -> Iterator[HistoryView]:
    """Open one state of the store as an administrator sees it."""
    with read_history(history_context(context.store, context.policy, clock=context.clock)) as view:
        yield view
