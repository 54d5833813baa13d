"""Serves the simulated services over real sockets: in the main thread of a process, or in a thread for tests."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Final, Self

import uvicorn

from simulator import credentials
from simulator.app import PREFIXES, build_app
from simulator.faults import Fault
from simulator.scenarios import find_scenario
from simulator.state import Modes, State
from simulator.world import Scenario, World

HOST: Final = "127.0.0.1"
_STOP_TIMEOUT_S: Final = 20.0


def addresses_at(port: int) -> dict[str, str]:
    """Return the base URL of every service on this port."""
    url = f"http://{HOST}:{port}"
    return {"url": url, **{service: f"{url}{prefix}" for service, prefix in PREFIXES.items()}}


def settings_for(addresses: dict[str, str], world: World) -> dict[str, str]:
    """Return the product's settings for these services. The credentials are made up; those of ScaleOps are in the world."""
    return {
        "SCALEOPS_BASE_URL": addresses["scaleops"],
        "SCALEOPS_USER": world.scaleops_user,
        "SCALEOPS_PASSWORD": world.scaleops_password,
        "BACKSTAGE_BASE_URL": addresses["backstage"],
        "BACKSTAGE_TOKEN": credentials.BACKSTAGE_TOKEN,
        "SLACK_BOT_TOKEN": credentials.SLACK_BOT_TOKEN,
        "SLACK_BASE_URL": addresses["slack"].rstrip("/"),
        "SLACK_DEFAULT_CHANNEL": credentials.SLACK_DEFAULT_CHANNEL,
        "WORKER_PLATFORM_CHANNEL": credentials.SLACK_PLATFORM_CHANNEL,
        "PAGERDUTY_ROUTING_KEY": credentials.PAGERDUTY_ROUTING_KEY,
        "PAGERDUTY_EVENTS_URL": addresses["pagerduty"],
    }


def bind(port: int) -> socket.socket:
    """Bind a port on loopback; 0: any free port."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


def build_server(state: State) -> uvicorn.Server:
    """Return a server without logs that stops without waiting for clients."""
    config = uvicorn.Config(
        build_app(state),
        log_level="critical",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        date_header=False,  # the simulated clock's
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


class Simulator:
    """All simulated services in a thread. Use as a context manager; `state` may be read and changed while it runs."""

    def __init__(self, scenario: Scenario | str) -> None:
        self.state = State(_scenario(scenario))
        self._socket = bind(0)
        self._server = build_server(self.state)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="simulator", daemon=True
        )
        addresses = addresses_at(self._socket.getsockname()[1])
        self.url = addresses["url"]
        self.scaleops_url = addresses["scaleops"]
        self.backstage_url = addresses["backstage"]
        self.slack_url = addresses["slack"]
        self.pagerduty_url = addresses["pagerduty"]
        self.azure_url = f"{self.url}/azure"

    def load(self, scenario: Scenario | str) -> None:
        """Load a scenario and reset everything else."""
        self.state.load(_scenario(scenario))

    def plan_fault(self, service: str, **fault: object) -> None:
        """Replace the planned faults by one, with the fields of `Fault`."""
        self.state.faults = [Fault.model_validate({"service": service, **fault})]

    def add_fault(self, service: str, **fault: object) -> None:
        """Plan one more fault."""
        self.state.faults = [*self.state.faults, Fault.model_validate({"service": service, **fault})]

    def set_modes(self, **modes: object) -> None:
        """Change some modes; the others are kept."""
        self.state.modes = Modes.model_validate(self.state.modes.model_dump() | modes)

    def __enter__(self) -> Self:
        # From here on the kernel accepts connections, and the thread serves them once it has started.
        self._socket.listen()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_TIMEOUT_S)
        self._socket.close()


def _scenario(scenario: Scenario | str) -> Scenario:
    return find_scenario(scenario) if isinstance(scenario, str) else scenario
