"""`mcp`: the actions for an AI agent, on standard input and output.

The agent waits for the start of the command, so what an action needs is imported and built when the first action needs it.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from threading import Lock
from typing import TYPE_CHECKING, Final

import click

from actions.action_pools import ActionPools
from actions.context import Viewer, allow_all
from actions.errors import ServiceUnavailableError
from actions.fanout import ThreadFanOut
from cli.installation import open_installation
from wiring.loaded_config import LoadedConfig
from wiring.settings import SettingsError

if TYPE_CHECKING:
    from actions.context import HistoryContext, LiveContext

_STORED_THREADS: Final = 4
"""Threads for actions over stored history, of one agent."""


@click.command()
def mcp() -> None:
    r"""Serve every action to an AI agent, as an MCP server on standard input and output.

    The agent starts this command itself; docs/how-to/agents.md shows the entry for its settings. It sees what the credentials in the
    settings see. Logs go to standard error.

    \b
    Example, in the settings of an agent:
      {"command": "scaleops-worker", "args": ["mcp"]}
    """
    from mcp_server import build_mcp_server  # noqa: PLC0415 - the SDK takes a second to import, which --help does not need

    installation = open_installation()
    settings = installation.settings
    _require_sources(installation)
    with ExitStack() as opened:
        context = _LazyContext(installation, opened)
        pools = ActionPools(live=settings.scaleops_max_concurrency, stored=_STORED_THREADS)
        build_mcp_server(request_context_of=lambda _: context, pools=pools).run("stdio")


def _require_sources(installation: LoadedConfig) -> None:
    """Raise SettingsError if an address is missing that the live actions need."""
    settings = installation.settings
    if settings.scaleops_base_url is None:
        message = "SCALEOPS_BASE_URL is not set; a request to ScaleOps requires it"
        raise SettingsError(message)
    if settings.backstage_base_url is None and settings.backstage_catalog_file is None:
        message = "BACKSTAGE_BASE_URL (or BACKSTAGE_CATALOG_FILE) is not set; reading the catalog requires it"
        raise SettingsError(message)


class _LazyContext:
    """An ActionContext for a caller who may see everything. Each part is built once, by the first action that needs it."""

    def __init__(self, installation: LoadedConfig, opened: ExitStack) -> None:
        self._installation = installation
        self._opened = opened
        self._lock = Lock()
        self._live: LiveContext | None = None
        self._history: HistoryContext | None = None

    @property
    def viewer(self) -> Viewer:
        """Everything."""
        return allow_all

    @property
    def live(self) -> LiveContext:
        """For live actions. Raises SettingsError."""
        with self._lock:
            if self._live is None:
                from clients.throttle.limit_algorithm import CallPriority  # noqa: PLC0415 - see above
                from wiring.clock import utc_now  # noqa: PLC0415 - see above
                from wiring.contexts import live_context  # noqa: PLC0415 - see above
                from wiring.policy import build_policy  # noqa: PLC0415 - see above
                from wiring.services import LiveServices  # noqa: PLC0415 - see above

                settings, config = self._installation.settings, self._installation.config
                services = LiveServices(settings, config=config, clock=utc_now, priority=CallPriority.INTERACTIVE)
                self._opened.enter_context(closing(services))
                threads = self._opened.enter_context(ThreadFanOut(settings.scaleops_max_concurrency))
                self._live = live_context(services, build_policy(settings, config), clock=utc_now, fan_out=threads)
            return self._live

    @property
    def history(self) -> HistoryContext:
        """For actions over stored history. Raises ServiceUnavailableError."""
        with self._lock:
            if self._history is None:
                from store import SchemaMismatch, Store, StoreUnavailable  # noqa: PLC0415 - see above
                from wiring.clock import DatabaseClock  # noqa: PLC0415 - see above
                from wiring.contexts import history_context  # noqa: PLC0415 - see above
                from wiring.policy import build_policy  # noqa: PLC0415 - see above

                settings = self._installation.settings
                try:
                    store = self._opened.enter_context(closing(Store.open(settings.database_url.get_secret_value())))
                except (SchemaMismatch, StoreUnavailable) as error:
                    raise ServiceUnavailableError(str(error)) from error
                policy = build_policy(settings, self._installation.config)
                self._history = history_context(store, policy, clock=DatabaseClock(store.now))
            return self._history
