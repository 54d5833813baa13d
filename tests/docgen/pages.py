"""Every generated file by its path."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.docgen.actions import render_actions
from tests.docgen.commands import render_commands
from tests.docgen.configuration import render_configuration
from tests.docgen.env_example import render_env_example
from tests.docgen.log_events import render_log_events
from tests.docgen.metrics import render_metrics
from tests.docgen.routes import render_routes
from tests.docgen.rules import render_rules
from tests.docgen.settings import render_settings

ROOT: Final = Path(__file__).parents[2]
GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    ".env.example": render_env_example,
    "docs/reference/actions.md": render_actions,
    "docs/reference/commands.md": render_commands,
    "docs/reference/configuration.md": render_configuration,
    "docs/reference/log-events.md": render_log_events,
    "docs/reference/metrics.md": render_metrics,
    "docs/reference/routes.md": render_routes,
    "docs/reference/rules.md": render_rules,
    "docs/reference/settings.md": render_settings,
}
