"""Every generated page by its file name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.docgen.actions import render_actions
from tests.docgen.commands import render_commands
from tests.docgen.configuration import render_configuration
from tests.docgen.log_events import render_log_events
from tests.docgen.metrics import render_metrics
from tests.docgen.routes import render_routes
from tests.docgen.rules import render_rules
from tests.docgen.settings import render_settings

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference"
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "actions.md": render_actions,
    "commands.md": render_commands,
    "configuration.md": render_configuration,
    "log-events.md": render_log_events,
    "metrics.md": render_metrics,
    "routes.md": render_routes,
    "rules.md": render_rules,
    "settings.md": render_settings,
}
