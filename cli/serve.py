"""`serve`: the gateway for AI agents, Backstage and its ScaleOps frontend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from actions.fanout import ThreadFanOut
from cli.installation import open_installation
from cli.output import say
from clients.http.loopback import bracket_ipv6
from clients.throttle.limit_algorithm import CallPriority
from domain.clock import Clock
from wiring.clock import utc_now
from wiring.contexts import history_context, live_context, open_store
from wiring.loaded_config import LoadedConfig
from wiring.policy import build_policy
from wiring.services import LiveServices

if TYPE_CHECKING:
    from gateway.app import Gateway


@click.command()
def serve() -> None:
    r"""Serve the gateway: MCP over HTTP, Backstage's Actions Registry, the ScaleOps proxy, report pages, health and metrics.

    GATEWAY_HOST, GATEWAY_PORT and GATEWAY_AUTH set the address and who may call (docs/reference/settings.md). It does not start if anyone
    could call it.

    \b
    Example, for this machine only:
      GATEWAY_AUTH=none scaleops-worker serve
    """
    run_gateway(open_installation())


def run_gateway(installation: LoadedConfig) -> None:
    """Serve until stopped. Raises SettingsError if it would be open to anyone, or the address cannot be bound."""
    from gateway.server import serve as serve_until_stopped  # noqa: PLC0415 - the server takes a second to import, which --help does not need

    settings = installation.settings
    with open_gateway(installation) as gateway:

        def announce(port: int) -> None:
            say(f"serving on http://{bracket_ipv6(settings.gateway_host)}:{port} (GATEWAY_AUTH={settings.gateway_auth})")

        serve_until_stopped(gateway, settings, announce=announce)


@contextmanager
def open_gateway(
    installation: LoadedConfig, *, clock: Clock = utc_now, write_audit: Callable[[str], object] | None = None
) -> Iterator[Gateway]:
    """Build the gateway, and close what it uses afterwards. Raises SettingsError if it would be open to anyone."""
    from gateway.factory import GatewayDependencies, build_gateway, require_auth_configured  # noqa: PLC0415 - as above

    settings, policy = installation.settings, build_policy(installation.settings, installation.config)
    require_auth_configured(settings)
    services = LiveServices(settings, config=installation.config, clock=clock, priority=CallPriority.INTERACTIVE)
    with closing(open_store(settings)) as store, closing(services), ThreadFanOut(policy.max_in_flight) as threads:
        dependencies = GatewayDependencies(
            settings=settings,
            store=store,
            live=live_context(services, policy, clock=clock, fan_out=threads),
            history=history_context(store, policy, clock=clock),
            policy=policy,
            credentials=services.credentials,
            limiter=services.limiter,
            catalog_with=services.catalog_with if settings.backstage_base_url is not None else None,
        )
        yield build_gateway(dependencies, write_audit=write_audit)
