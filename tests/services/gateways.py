"""The gateway, served in a thread between a client and the simulator; its clock is the simulator's."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from starlette.routing import BaseRoute

from actions.context import LiveContext
from clients.backstage.client import BackstageCatalog
from clients.http.client import HttpClient, HttpOptions
from clients.scaleops.auth import PasswordLogin
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import CachedLogin
from clients.throttle.concurrency_limiter import ConcurrencyLimiter
from clients.throttle.limit_algorithm import CallPriority
from gateway.factory import GatewayDependencies, build_gateway
from gateway.server import bind, build_server
from gateway.timeout_protocol import TimeoutHttpProtocol
from simulator.backstage_auth import Auth, auth_of
from simulator.credentials import BACKSTAGE_TOKEN
from simulator.serving import Simulator
from store import Store
from tests.services.databases import make_sqlite
from tests.services.loopback import NO_AUTHORITIES
from wiring.config_file import read_config_file
from wiring.contexts import history_context
from wiring.policy import build_policy
from wiring.settings import Settings

STATIC_TOKEN: Final = "static-token-of-ci-0001"
TIMEOUT_S: Final = 20
"""Longer than a request takes whose upstream calls are retried."""


class ServedGateway:
    """A gateway in a thread. `client` sends no credentials; `as_user`, `as_plugin` and `as_ci` return headers with them."""

    def __init__(
        self,
        simulator: Simulator,
        folder: Path,
        *,
        extra_routes: Sequence[BaseRoute] = (),
        protocol: type[TimeoutHttpProtocol] = TimeoutHttpProtocol,
        timer: Callable[[], float] = time.monotonic,
        database_url: str | None = None,
        **changed: Any,
    ) -> None:
        self.simulator = simulator
        self._audit: list[str] = []
        self._opened = ExitStack()
        self.settings = Settings.model_validate(_settings(simulator) | changed)
        self.dependencies = self._dependencies(database_url or make_sqlite(folder / "gateway.db"))
        self.app = build_gateway(self.dependencies, write_audit=self._audit.append, timer=timer)
        self.app.web.routes.extend(extra_routes)
        self._socket = bind(self.settings)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.auth.peers["scaleops"] = f"{self.url}/api/scaleops"
        self._server = build_server(self.app, protocol=protocol)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="gateway", daemon=True)
        # The kernel accepts connections from here on; they are served as soon as the thread has started.
        self._socket.listen(512)
        self._thread.start()
        self.client = self._opened.enter_context(
            httpx.Client(base_url=self.url, timeout=TIMEOUT_S, trust_env=False, verify=NO_AUTHORITIES)
        )

    @property
    def auth(self) -> Auth:
        return auth_of(self.simulator.state)

    @property
    def now(self) -> int:
        return int(self.simulator.state.clock.now().timestamp())

    def pass_time(self, **passed: float) -> None:
        clock = self.simulator.state.clock
        clock.set(clock.now() + timedelta(**passed))

    @property
    def audit(self) -> list[str]:
        return "".join(self._audit).splitlines()

    def as_user(self, user: str, *groups: str) -> dict[str, str]:
        self.auth.groups[user] = set(groups)
        return bearer(self.auth.user_token(user, now=self.now))

    def as_plugin(self, plugin: str = "mcp-actions", *, obo: str | None = None) -> dict[str, str]:
        return bearer(self.auth.plugin_token(plugin, now=self.now, obo=obo))

    def as_ci(self) -> dict[str, str]:
        return bearer(STATIC_TOKEN)

    def calls(self, service: str) -> dict[str, int]:
        return dict(self.simulator.state.calls[service])

    def close(self) -> None:
        self._opened.close()
        self._server.should_exit = True
        self._thread.join(TIMEOUT_S)
        self._socket.close()
        self.dependencies.store.close()

    def _dependencies(self, database_url: str) -> GatewayDependencies:
        settings = self.settings
        world = self.simulator.state.world()
        pace = ConcurrencyLimiter("ScaleOps", settings.scaleops_max_concurrency, priority=CallPriority.INTERACTIVE)
        line = HttpClient("ScaleOps", settings.scaleops_base_url or "", HttpOptions(timeout_s=10), limiter=pace)
        login = PasswordLogin(http=line, user=world.scaleops_user, password=world.scaleops_password)
        backstage = HttpClient("Backstage", settings.backstage_base_url or "", HttpOptions(timeout_s=10))
        self._opened.callback(line.close)
        self._opened.callback(pace.close)
        self._opened.callback(backstage.close)
        clock = self.simulator.state.clock.now
        credentials = CachedLogin(login, clock=clock)
        store = Store.open(database_url)
        policy = build_policy(settings, read_config_file(settings.worker_config_file))
        return GatewayDependencies(
            settings=settings,
            store=store,
            history=history_context(store, policy, clock=clock),
            policy=policy,
            live=LiveContext(
                scaleops=ScaleOpsClient(line, credentials),
                catalog=BackstageCatalog(backstage, BACKSTAGE_TOKEN),
                clock=clock,
                currency="USD",
            ),
            credentials=credentials,
            limiter=pace,
            catalog_with=lambda token: BackstageCatalog(backstage, token),
        )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _settings(simulator: Simulator) -> dict[str, Any]:
    return {
        "scaleops_base_url": simulator.scaleops_url,
        "backstage_base_url": simulator.backstage_url,
        "backstage_token": BACKSTAGE_TOKEN,
        "gateway_port": 0,
        "gateway_tokens": f"ci={STATIC_TOKEN}",
        "gateway_rate_limit": "100000/s",
        "gateway_allowed_origins": ("http://localhost:3000",),
        "gateway_cache_ttl_s": 0,
    }


ServeGateway = Callable[..., ServedGateway]


@pytest.fixture
def serve_gateway(simulator: Simulator, tmp_path: Path) -> Iterator[ServeGateway]:
    """Serve gateways with changed settings (names in lower case); all are stopped at the end."""
    with ExitStack() as served:

        def serve(**changed: Any) -> ServedGateway:
            gateway = ServedGateway(simulator, tmp_path, **changed)
            served.callback(gateway.close)
            return gateway

        yield serve


@pytest.fixture
def gateway(serve_gateway: ServeGateway) -> ServedGateway:
    """A gateway in backstage mode with one static token, without a cache."""
    return serve_gateway()
