"""`mcp` and `serve`: the actions for AI agents, and the gateway for Backstage and its ScaleOps frontend."""

from __future__ import annotations

from contextlib import closing

import click

from actions.action_pools import ActionPools
from actions.context import LiveContext
from actions.fanout import ThreadFanOut
from cli.output import say
from cli.session import open_context, open_installation
from clients.http.loopback import bracket_ipv6
from clients.throttle.limit_algorithm import CallPriority
from store import Store
from wiring.clock import utc_now
from wiring.contexts import LoadedConfig, history_context, request_context
from wiring.policy import build_policy
from wiring.services import LiveServices

_STORED_THREADS = 4
"""Threads for actions over stored history, of one agent."""


@click.command()
def mcp() -> None:
    r"""Serve every action to an AI agent, as an MCP server on standard input and output.

    The agent starts this command itself; docs/agents.md shows the entry for its settings. It sees what the credentials in the
    settings see. Logs go to standard error.

    \b
    Example, in the settings of an agent:
      {"command": "scaleops-worker", "args": ["mcp"]}
    """
    from mcp_server import build_mcp_server  # noqa: PLC0415 - the SDK takes a second to import, which --help does not need

    with open_context(kind=CallPriority.INTERACTIVE) as context, ThreadFanOut(context.policy.max_in_flight) as threads:
        caller = request_context(context, fan_out=threads)
        pools = ActionPools(live=context.policy.max_in_flight, stored=_STORED_THREADS)
        build_mcp_server(request_context_of=lambda _: caller, pools=pools).run("stdio")


@click.command()
def serve() -> None:
    r"""Serve the gateway: MCP over HTTP, Backstage's Actions Registry, the ScaleOps proxy, report pages, health and metrics.

    GATEWAY_HOST, GATEWAY_PORT and GATEWAY_AUTH set the address and who may call (docs/settings.md). It does not start if anyone
    could call it.

    \b
    Example, for this machine only:
      GATEWAY_AUTH=none scaleops-worker serve
    """
    run_gateway(open_installation())


def run_gateway(installation: LoadedConfig) -> None:
    """Serve until stopped. Raises SettingsError if it would be open to anyone, or the address cannot be bound."""
    from gateway.factory import GatewayDependencies, build_gateway, require_auth_configured  # noqa: PLC0415 - as in `mcp`
    from gateway.server import serve as serve_until_stopped  # noqa: PLC0415 - as above

    settings, policy = installation.settings, build_policy(installation.settings, installation.config)
    require_auth_configured(settings)
    services = LiveServices(settings, config=installation.config, clock=utc_now, priority=CallPriority.INTERACTIVE)
    with (
        closing(Store.open(settings.database_url.get_secret_value())) as store,
        closing(services),
        ThreadFanOut(policy.max_in_flight) as threads,
    ):
        live = LiveContext(
            scaleops=services.scaleops,
            catalog=services.catalog,
            clock=utc_now,
            currency=policy.currency,
            link=policy.dashboard_link,
            namespaces_allowed=policy.namespaces_allowed,
            fan_out=threads,
        )
        dependencies = GatewayDependencies(
            settings=settings,
            store=store,
            live=live,
            history=history_context(store, policy, clock=utc_now),
            credentials=services.credentials,
            limiter=services.limiter,
            catalog_with=services.catalog_with if settings.backstage_base_url is not None else None,
        )
        gateway = build_gateway(dependencies)

        def announce(port: int) -> None:
            say(f"serving on http://{bracket_ipv6(settings.gateway_host)}:{port} (GATEWAY_AUTH={settings.gateway_auth})")

        serve_until_stopped(gateway, settings, announce=announce)
