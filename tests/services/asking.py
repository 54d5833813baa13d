"""The real clients and a desk over the simulator, closed again when a test is done."""

from __future__ import annotations

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
    """Stands for `time.sleep` and remembers how long it should have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def password_tokens(simulator: Simulator, line: HttpClient, *, clock: Clock, password: str | None = None) -> CachedLogin:
    world = simulator.state.world()
    return CachedLogin(
        PasswordLogin(http=line, user=world.scaleops_user, password=password or world.scaleops_password), clock=clock
    )


@contextmanager
def scaleops_of(
    simulator: Simulator,
    *,
    rules: HttpOptions | None = None,
    clock: Clock = lambda: NOW,
    sleep: Sleeps | None = None,
    credentials: Credentials | None = None,
) -> Iterator[ScaleOpsClient]:
    """The ScaleOps client of a simulator, logging in with the password of its world; waits are not waited."""
    line = HttpClient("ScaleOps", simulator.scaleops_url, rules or HttpOptions(), sleep=sleep if sleep is not None else Sleeps())
    client = ScaleOpsClient(line, credentials or password_tokens(simulator, line, clock=clock))
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
    rules: HttpOptions | None = None,
) -> Iterator[BackstageCatalog]:
    """The Backstage client of a simulator; waits are not waited."""
    catalog = BackstageCatalog(
        HttpClient("Backstage", simulator.backstage_url, rules or HttpOptions(), sleep=Sleeps()), token, page_size=page_size
    )
    try:
        yield catalog
    finally:
        catalog.close()


@contextmanager
def live_caller(
    simulator: Simulator, *, catalog: Catalog | None = None, link: DashboardLink = no_link
) -> Iterator[RequestContext]:
    """The context of a caller of the live actions over a simulator, its calls in parallel; there is no history."""
    with scaleops_of(simulator) as scaleops, backstage_of(simulator) as backstage, ThreadFanOut(8) as threads:
        live = LiveContext(
            scaleops=scaleops,
            catalog=catalog or backstage,
            clock=lambda: NOW,
            currency="EUR",
            link=link,
            fan_out=threads,
        )
        yield RequestContext(live=live, history=cast(HistoryContext, None))
