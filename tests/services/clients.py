"""Clients of the simulated services, closed at the end of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import cast

from actions.context import HistoryContext, LiveContext, RequestContext
from actions.fanout import ThreadFanOut
from actions.ports import Catalog, DashboardLink, no_link
from clients.backstage.client import BackstageCatalog
from clients.http.client import HttpClient, HttpOptions
from clients.scaleops.auth import PasswordLogin
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import CachedLogin, Credentials
from domain.clock import Clock
from simulator import credentials
from simulator.serving import Simulator

NOW = datetime(2026, 11, 16, 6, tzinfo=timezone.utc)


class Sleeps(list[float]):
    """A `time.sleep` that records its arguments and returns at once."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def password_login(simulator: Simulator, http: HttpClient, *, clock: Clock, password: str | None = None) -> CachedLogin:
    world = simulator.state.world()
    login = PasswordLogin(http=http, user=world.scaleops_user, password=password or world.scaleops_password)
    return CachedLogin(login, clock=clock)


@contextmanager
def scaleops_of(
    simulator: Simulator,
    *,
    options: HttpOptions | None = None,
    clock: Clock = lambda: NOW,
    credentials: Credentials | None = None,
) -> Iterator[ScaleOpsClient]:
    """Return a ScaleOps client that logs in with the simulator's password and retries without waiting."""
    http = HttpClient("ScaleOps", simulator.scaleops_url, options or HttpOptions(), sleep=Sleeps())
    client = ScaleOpsClient(http, credentials or password_login(simulator, http, clock=clock))
    simulator.state.clock.set(clock())
    try:
        yield client
    finally:
        client.close()


@contextmanager
def backstage_of(
    simulator: Simulator,
    *,
    token: str | None = credentials.BACKSTAGE_TOKEN,
    page_size: int = 500,
    options: HttpOptions | None = None,
) -> Iterator[BackstageCatalog]:
    """Return a Backstage client that retries without waiting."""
    http = HttpClient("Backstage", simulator.backstage_url, options or HttpOptions(), sleep=Sleeps())
    catalog = BackstageCatalog(http, token, page_size=page_size)
    try:
        yield catalog
    finally:
        catalog.close()


@contextmanager
def live_caller(
    simulator: Simulator, *, catalog: Catalog | None = None, link: DashboardLink = no_link
) -> Iterator[RequestContext]:
    """Return the context of live actions over a simulator, with parallel calls and without history."""
    with scaleops_of(simulator) as scaleops, backstage_of(simulator) as backstage, ThreadFanOut(8) as threads:
        live = LiveContext(
            scaleops=scaleops, catalog=catalog or backstage, clock=lambda: NOW, currency="EUR", link=link, fan_out=threads
        )
        yield RequestContext(live=live, history=cast(HistoryContext, None))
