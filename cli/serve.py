"""`mcp` and `serve`: the doors for agents, for Backstage and for its ScaleOps frontend."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import click

from actions.action_pools import ActionPools
from actions.catalogue import RequestContext
from actions.context import LiveContext
from actions.fanout import ThreadFanOut
from actions.history.context import HistoryContext
from cli.output import say
from cli.session import open_installation, opened_parts
from clients.throttle.limit_algorithm import Priority
from store import Store
from tasks.context import Policy
from wiring.clock import utc_now
from wiring.contexts import LoadedConfig, live_context
from wiring.policy import build_policy
from wiring.services import LiveServices

_STORED = 4
"""Threads for questions that the store answers, of one agent."""


@click.command()
def mcp() -> None:
    r"""Offer every question to an AI agent, as an MCP server on standard input and output.

    The agent starts this command itself; docs/agents.md shows the entry for its settings. It sees what the credentials in the
    settings see. Logs go to standard error.

    \b
    Example, in the settings of an agent:
      {"command": "scaleops-worker", "args": ["mcp"]}
    """
    from mcp_server import build_mcp_server  # noqa: PLC0415 - the SDK takes a second to import, and a --help needs none of it

    with opened_parts(kind=Priority.INTERACTIVE) as parts, ThreadFanOut(parts.policy.max_in_flight) as threads:
        policy = parts.policy
        asker = RequestContext(desk=replace(live_context(parts), fan_out=threads), archive=_archive(parts.store, policy))
        lanes = ActionPools(live=policy.max_in_flight, stored=_STORED)
        build_mcp_server(asker_of=lambda _: asker, lanes=lanes).run("stdio")


@click.command()
def serve() -> None:
    r"""Serve the gateway: MCP over HTTP, Backstage's Actions Registry, the ScaleOps proxy, report pages, health and metrics.

    GATEWAY_HOST, GATEWAY_PORT and GATEWAY_AUTH say where and for whom (docs/settings.md). It does not start when it would be open.

    \b
    Example, for this machine only:
      GATEWAY_AUTH=none scaleops-worker serve
    """
    run_gateway(open_installation())


def run_gateway(installation: LoadedConfig) -> None:
    """Serve until told to stop. Raises SettingsError when it would be open, or the address cannot be had."""
    from gateway.factory import GatewayDependencies, build_gateway, require_auth_configured  # noqa: PLC0415 - as in `mcp`
    from gateway.server import serve as serve_until_stopped  # noqa: PLC0415 - as above

    settings, policy = installation.settings, build_policy(installation.settings, installation.config)
    require_auth_configured(settings)
    services = LiveServices(settings, config=installation.config, clock=utc_now, priority=Priority.INTERACTIVE)
    with (
        closing(Store.open(settings.database_url.get_secret_value())) as store,
        closing(services),
        ThreadFanOut(policy.max_in_flight) as threads,
    ):
        desk = LiveContext(
            scaleops=services.scaleops,
            catalog=services.catalog,
            clock=utc_now,
            currency=policy.currency,
            link=policy.dashboard_link,
            namespaces_allowed=policy.namespaces_allowed,
            fan_out=threads,
        )
        materials = GatewayDependencies(
            settings=settings,
            store=store,
            desk=desk,
            credentials=services.credentials,
            pace=services.limiter,
            catalog_with=services.catalog_with if settings.backstage_base_url is not None else None,
        )
        gateway = build_gateway(materials)

        def announce(port: int) -> None:
            say(f"serving on http://{settings.gateway_host}:{port} (GATEWAY_AUTH={settings.gateway_auth})")

        serve_until_stopped(gateway, settings, announce=announce)


def _archive(store: Store, policy: Policy) -> HistoryContext:
    return HistoryContext(
        store=store,
        clock=utc_now,
        currency=policy.currency,
        schedules=policy.schedules,
        routes=policy.routes,
    )
