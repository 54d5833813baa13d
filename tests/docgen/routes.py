"""The page of the gateway's HTTP routes, from its OpenAPI description."""

from collections.abc import Iterator
from typing import Any, Final

from actions.catalogue import ACTIONS
from gateway.proxy.routes import PREFIX, ROUTES
from gateway.web.openapi import openapi_document
from tests.docgen.markdown import code, page, table

_SIGNED: Final = ("/reports/{team}", "/components/", "/status")
"""Beginnings of paths that a signed link opens, without a token."""


def routes() -> Iterator[tuple[str, str, str, str]]:
    """Yield method, path, callers and summary of each route; the routes of all actions are one."""
    document: dict[str, Any] = openapi_document(ROUTES, has_metadata=True)
    found = dict.fromkeys(
        (method.upper(), _general(path), _callers(path, operation), _summary(path, operation))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    yield from found


def _general(path: str) -> str:
    name = next((name for name in ACTIONS if f":{name}/" in path), None)
    return path if name is None else path.replace(f"scaleops:{name}", "{id}")


def _callers(path: str, operation: dict[str, Any]) -> str:
    match operation.get("security"):
        case []:
            return "everyone"
        case [{}, *_]:
            return "this host, or a static token"
        case _:
            return "a caller, or a signed link to it" if path.startswith(_SIGNED) else "a caller"


def _summary(path: str, operation: dict[str, Any]) -> str:
    return "Invokes an action; in v2 the body is `{input, secrets}`." if path.endswith("/invoke") else f"{operation['summary']}."


def render_routes() -> str:
    """Return the page."""
    rows = [[method, code(path), who, what] for method, path, who, what in routes() if not path.startswith(PREFIX.decode())]
    proxied = [[one.method, code(PREFIX.decode() + one.path), ", ".join(map(code, one.parameters)) or "none"] for one in ROUTES]
    return page(
        "HTTP routes",
        _INTRODUCTION,
        table(["method", "path", "for", "content"], rows),
        _PROXY,
        table(["method", "path", "query parameters"], proxied),
    )


_INTRODUCTION = """\
Served by `scaleops-worker serve` (GATEWAY_HOST:GATEWAY_PORT), with or without a trailing slash; described with all parameters and bodies at `/openapi.json`. *A caller* sends a bearer token: of a
Backstage user, of a plugin in GATEWAY_ALLOWED_CALLERS, or of GATEWAY_TOKENS. [The gateway](../explanation/gateway.md) explains who sees what."""
_PROXY = """\
## The proxy

For callers. The same paths at ScaleOps without the prefix; everything else is a 404. GATEWAY_EXTRA_ROUTES adds GET routes for callers that are not users."""
