"""What a command works with: the settings of this process, and the parts made from them when they are first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clients.throttle.limit_algorithm import Priority
from tasks.context import StageContext
from wiring.contexts import LoadedConfig, build_stage_context, load_config
from wiring.logs import configure_logs


def open_installation() -> LoadedConfig:
    """Read the settings and the configuration file where the command was started, and set the logs up as they say."""
    installation = load_config(os.environ, Path(".env"))
    settings = installation.settings
    configure_logs(level=settings.log_level, form=settings.log_format)
    return installation


@contextmanager
def opened_parts(*, kind: Priority = Priority.BACKGROUND) -> Iterator[StageContext]:
    """Build the parts, and close what was opened when the command is done. `kind` says for whom ScaleOps is asked."""
    with build_stage_context(open_installation(), priority=kind) as context:
        yield context
