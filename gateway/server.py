"""The gateway as a process: uvicorn with uvloop and httptools, watched connections, and nothing believed that a caller forwards."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import Final

import uvicorn

from gateway.app import Gateway
from gateway.timeout_protocol import TimeoutHttpProtocol
from wiring.settings import Settings, SettingsError

KEEP_ALIVE_S: Final = 75
"""Longer than load balancers keep a connection, so that they never send on one that we are closing."""
STOPS_WITHIN_S: Final = 10
BACKLOG: Final = 2048


def build_server(gateway: Gateway, *, connections: type[TimeoutHttpProtocol] = TimeoutHttpProtocol) -> uvicorn.Server:
    """Answer a server for the application; run it with the socket of `bind`."""
    config = uvicorn.Config(
        gateway,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=connections,
        ws="none",
        lifespan="on",
        # Who asked and by which scheme is what the connection says, never what a header says.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOPS_WITHIN_S,
    )
    return uvicorn.Server(config)


def bind(settings: Settings) -> socket.socket:
    """Take GATEWAY_HOST and GATEWAY_PORT; port 0 takes any free one.

    Raises:
        SettingsError: the address cannot be had.
    """
    host, port = settings.gateway_host.strip("[]"), settings.gateway_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        message = f"GATEWAY_HOST and GATEWAY_PORT: cannot listen on {host} port {port} ({error.strerror or error})"
        raise SettingsError(message) from None
    return taken


def serve(gateway: Gateway, settings: Settings, *, announce: Callable[[int], None] = lambda _: None) -> None:
    """Serve until told to stop; `announce` hears the port once calls are accepted. Raises SettingsError when it cannot be had."""
    taken = bind(settings)
    try:
        # Connections are accepted by the kernel from here on, and answered as soon as the server has come up.
        taken.listen(BACKLOG)
        announce(taken.getsockname()[1])
        build_server(gateway).run(sockets=[taken])
    finally:
        taken.close()
