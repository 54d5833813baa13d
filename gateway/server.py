"""The gateway as a process: uvicorn with uvloop and httptools, with timeouts, and without trust in forwarded headers."""

from __future__ import annotations

import gc
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from gateway.app import Gateway
from gateway.connection_limit import ConnectionLimit, limit_by_descriptors
from gateway.timeout_protocol import TimeoutHttpProtocol
from wiring.settings import Settings, SettingsError

KEEP_ALIVE_TIMEOUT_S: Final = 75
"""Longer than load balancers keep a connection, so that they never send on one that is being closed."""
SHUTDOWN_TIMEOUT_S: Final = 10
BACKLOG: Final = 2048
GC_THRESHOLD: Final = 10_000


def build_server(
    gateway: ASGIApp,
    *,
    protocol: type[TimeoutHttpProtocol] = TimeoutHttpProtocol,
    connection_limit: ConnectionLimit | None = None,
) -> uvicorn.Server:
    """Return a server for the application, to be run with the socket of `bind`."""
    config = uvicorn.Config(
        gateway,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=partial(protocol, connection_limit=connection_limit),  # type: ignore[arg-type] # uvicorn only calls it
        ws="none",
        lifespan="on",
        # Client address and scheme are those of the connection, never those of a header.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_TIMEOUT_S,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    return uvicorn.Server(config)


def bind(settings: Settings) -> socket.socket:
    """Bind GATEWAY_HOST and GATEWAY_PORT; port 0 binds any free one.

    Raises:
        SettingsError: the address cannot be bound.
    """
    host, port = settings.gateway_host.strip("[]"), settings.gateway_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # `::` accepts IPv4 too
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        message = f"GATEWAY_HOST and GATEWAY_PORT: cannot listen on {host} port {port} ({error.strerror or error})"
        raise SettingsError(message) from None
    return bound


def serve(gateway: Gateway, settings: Settings, *, announce: Callable[[int], None] = lambda _: None) -> None:
    """Serve until a signal stops it. `announce` is called with the port once connections are accepted. Raises SettingsError."""
    bound = bind(settings)
    try:
        # The kernel accepts connections from here on; they are served as soon as the server has started.
        bound.listen(BACKLOG)
        announce(bound.getsockname()[1])
        limit = limit_by_descriptors(settings.scaleops_max_concurrency)
        # What the process has loaded stays: walking it for garbage took 11 to 13 % of a request's CPU time (docs/decisions/0006).
        gc.freeze()
        # 32 requests in progress hold thousands of objects, and a response of a thousand rows more: with the threshold of 700 each of them
        # starts collections that find nothing.
        gc.set_threshold(GC_THRESHOLD)
        build_server(gateway, connection_limit=limit).run(sockets=[bound])
    finally:
        bound.close()
