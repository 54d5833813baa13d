"""What a command works with: the settings of this process, and the parts made from them when they are first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clients.limits import Kind
from tasks.parts import Parts
from wiring.building import Installation, build_parts, load_installation
from wiring.logs import configure_logs


def open_installation() -> Installation:
    """Read the settings and the configuration file where the command was started, and set the logs up as they say."""
    installation = load_installation(os.environ, Path(".env"))
    settings = installation.settings
    configure_logs(level=settings.log_level, form=settings.log_format)
    return installation


@contextmanager
def opened_parts(*, kind: Kind = Kind.SWEEP) -> Iterator[Parts]:
    """Build the parts, and close what was opened when the command is done. `kind` says for whom ScaleOps is asked."""
    with build_parts(open_installation(), kind=kind) as parts:
        yield parts
