"""Settings and configuration file together, read once. Imports nothing that is built from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wiring.config_file import ConfigFile, read_config_file
from wiring.environment import resolve_settings
from wiring.settings import ResolvedSettings, Settings


@dataclass(frozen=True, kw_only=True)
class LoadedConfig:
    """The settings with their origins, and the configuration file."""

    resolved: ResolvedSettings
    config: ConfigFile

    @property
    def settings(self) -> Settings:
        """The settings alone."""
        return self.resolved.settings


def load_config(environment: Mapping[str, str], dotenv: Path | None) -> LoadedConfig:
    """Read settings and configuration file.

    Raises:
        SettingsError: with every problem of the first of the two that has any.
    """
    resolved = resolve_settings(environment, dotenv)
    return LoadedConfig(resolved=resolved, config=read_config_file(resolved.settings.worker_config_file))
