"""The settings of this process, and its logs. Imports little: an agent waits for the start of `mcp`."""

from __future__ import annotations

import os
from pathlib import Path

from wiring.loaded_config import LoadedConfig, load_config
from wiring.logs import configure_logs


def open_installation() -> LoadedConfig:
    """Read the settings and the configuration file of the working directory, and configure the logs."""
    installation = load_config(os.environ, Path(".env"))
    settings = installation.settings
    configure_logs(level=settings.log_level, form=settings.log_format)
    return installation
