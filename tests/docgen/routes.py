"""The page of the gateway's HTTP routes, from its router and the list of the proxy."""

from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from starlette.routing import Route

from gateway.factory import GatewayDependencies, build_gateway
from gateway.proxy.routes import PREFIX, ROUTES
from gateway.request import BASE
from tests.docgen.markdown import code, page, table
from wiring.settings import Settings

_SIGNED = "a caller, or a signed link to this page"
ABOUT: Mapping[tuple[str, str], tuple[str, str]] = {
    ("GET", "/healthz"): ("everyone", "Liveness, with versions."),
    ("GET", "/readyz"): ("everyone", "Each dependency with its state; 503 if the database is unavailable."),
    ("GET", f"{BASE}/health"): ("everyone", "The predecessor's health route."),
    ("GET", f"{BASE}/.backstage/auth/v1/jwks.json"): ("everyone", "Public keys of the tokens that the gateway signs."),
    ("GET", "/.well-known/oauth-protected-resource"): (
        "everyone",
        "Where an MCP client gets a token; with GATEWAY_AUTH=backstage.",
    ),
    ("GET", "/.well-known/oauth-protected-resource/mcp"): ("everyone", "The same."),
    ("GET", "/metrics"): ("this host, or a static token", "[Metrics](metrics.md)."),
    ("POST", "/mcp"): ("a caller", "MCP, streamable HTTP without sessions."),
    ("GET", f"{BASE}/.backstage/actions/v1/actions"): ("a caller", "The actions, as Backstage lists them."),
    ("POST", f"{BASE}/.backstage/actions/v1/actions/{{id}}/invoke"): ("a caller", "Invokes an action; the body is its input."),
    ("POST", f"{BASE}/.backstage/actions/v2/actions/{{id}}/invoke"): ("a caller", "The same; the body is `{input, secrets}`."),
    ("GET", "/reports"): ("a caller", "Page: the reports of the last weeks."),
    ("GET", "/reports/{team}"): ("a caller", "Page: the newest report of a team."),
    ("GET", "/reports/{team}/{week}"): (_SIGNED, "Page: a report, of a week or (for `~platform`) of a month."),
    ("GET", "/components/{kind}/{namespace}/{name}"): (_SIGNED, "Page: a component and its alerts."),
    ("POST", "/components/{kind}/{namespace}/{name}"): (_SIGNED, "Acknowledges, snoozes or dismisses one alert."),
    ("GET", "/status"): ("a caller", "Page: the status of the installation; names no entity."),
}
"""Who may call each route, and what it does."""


@cache
def served_routes() -> frozenset[tuple[str, str]]:
    """Return (method, path) of every route; a trailing slash makes no difference."""
    anything: Any = SimpleNamespace(clock=None, catalog=None, namespaces_allowed=None)
    settings = Settings(scaleops_base_url="https://scaleops.example.com", backstage_base_url="https://backstage.example.com")
    dependencies = GatewayDependencies(settings=settings, store=anything, live=anything, history=anything, credentials=anything)
    routes = [route for route in build_gateway(dependencies).web.routes if isinstance(route, Route)]
    return frozenset(
        (method, route.path.rstrip("/")) for route in routes for method in (route.methods or {"GET"}) if method != "HEAD"
    )


def render_routes() -> str:
    """Return the page."""
    served = served_routes()
    rows = [[method, code(path), who, what] for (method, path), (who, what) in ABOUT.items() if (method, path) in served]
    proxied = [[one.method, code(PREFIX.decode() + one.path), ", ".join(map(code, one.parameters)) or "none"] for one in ROUTES]
    return page(
        "HTTP routes",
        _INTRODUCTION,
        table(["method", "path", "for", "content"], rows),
        _PROXY,
        table(["method", "path", "query parameters"], proxied),
    )


_INTRODUCTION = """\
Served by `scaleops-worker serve` (GATEWAY_HOST:GATEWAY_PORT), with or without a trailing slash. *A caller* sends a bearer token: of a Backstage user, of a plugin in
GATEWAY_ALLOWED_CALLERS, or of GATEWAY_TOKENS. [The gateway](../explanation/gateway.md) explains who sees what."""
_PROXY = """\
## The proxy

For callers. The same paths at ScaleOps without the prefix; everything else is a 404. GATEWAY_EXTRA_ROUTES adds GET routes for callers that are not users."""
