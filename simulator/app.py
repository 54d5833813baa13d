"""One application for all simulated services, each under its own prefix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from simulator import backstage_auth, control, pagerduty, scaleops, slack
from simulator.faults import FaultMiddleware
from simulator.scaleops import plain_text_errors
from simulator.scaleops_login import azure_routes
from simulator.state import State

PREFIXES: Final = {"scaleops": "/scaleops", "backstage": "/backstage", "slack": "/slack/api/", "pagerduty": "/pagerduty"}
"""The path of each service in its base URL."""


def build_app(state: State) -> ASGIApp:
    """Return the application. Slack's routes are mounted at `/slack/api`, the others at their names."""
    services: dict[str, Sequence[BaseRoute]] = {
        "scaleops": scaleops.routes(state),
        "azure": plain_text_errors(azure_routes(state)),
        "backstage": backstage_auth.routes(state),
        "slack": [Mount("/api", routes=slack.routes(state))],
        "pagerduty": pagerduty.routes(state),
    }
    mounts = [Mount(f"/{name}", routes=routes) for name, routes in services.items()]
    app = Starlette(routes=[*mounts, Mount("/control", routes=control.routes(state))])
    return FaultMiddleware(app, state=state, services=services)
