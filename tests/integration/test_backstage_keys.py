"""The keys of a Backstage that fails, hangs or comes back: who asks is answered from what is at hand, and it is not hammered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest

from clients.backstage.jwks import COOL_DOWN, KEPT_FOR, STALE_FOR, USER_KEYS, JwksCache
from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpOptions, ServiceError
from simulator.backstage_auth import KeyPair, auth_of
from simulator.faults import Fault
from simulator.serving import Simulator
from tests.services.waiting import wait_until

KEYS = "GET /api/auth/.well-known/jwks.json"
START = datetime(2026, 11, 24, tzinfo=timezone.utc)
DOWN = Fault(service="backstage", status=503)
HUNG = Fault(service="backstage", delay_s=60)


@dataclass
class Watch:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Backstage:
    simulator: Simulator
    keys: JwksCache
    watch: Watch

    @property
    def kid(self) -> str:
        return auth_of(self.simulator.state).users.kid

    @property
    def fetches(self) -> int:
        return self.simulator.state.calls["backstage"][KEYS]

    async def has_key(self, kid: str) -> bool:
        # Whoever waited for a Backstage that hangs would not be back by then.
        async with asyncio.timeout(20):
            return await self.keys.key(USER_KEYS, kid) is not None

    async def fetched(self, times: int) -> None:
        await asyncio.to_thread(wait_until, f"{times} fetches", lambda: self.fetches >= times)
        assert self.fetches == times


def run(simulator: Simulator, story: Callable[[Backstage], Awaitable[None]]) -> None:
    async def play() -> None:
        line = AsyncHttpClient("Backstage", simulator.backstage_url, HttpOptions(timeout_s=60))
        watch = Watch()
        backstage = Backstage(simulator=simulator, keys=JwksCache(line, clock=watch), watch=watch)
        try:
            assert await backstage.has_key(backstage.kid)
            await story(backstage)
        finally:
            await line.close()

    asyncio.run(play())


@pytest.mark.parametrize("trouble", [DOWN, HUNG], ids=["down", "hung"])
def test_old_keys_are_answered_at_once_and_fetched_again_no_more_than_the_cool_down_allows(
    simulator: Simulator, trouble: Fault
) -> None:
    async def story(backstage: Backstage) -> None:
        simulator.state.faults = [trouble]
        backstage.watch.now += KEPT_FOR
        for _ in range(50):
            assert await backstage.has_key(backstage.kid)
            await asyncio.sleep(0)
        await backstage.fetched(2)
        assert await backstage.has_key(backstage.kid)
        assert backstage.fetches == 2

    run(simulator, story)


def test_a_backstage_that_fails_is_asked_again_after_the_cool_down(simulator: Simulator) -> None:
    async def story(backstage: Backstage) -> None:
        simulator.state.faults = [DOWN]
        backstage.watch.now += KEPT_FOR
        for fetches in range(2, 5):
            assert await backstage.has_key(backstage.kid)
            await backstage.fetched(fetches)
            backstage.watch.now += COOL_DOWN

    run(simulator, story)


def test_what_was_fetched_beside_the_work_is_used_from_then_on(simulator: Simulator) -> None:
    async def story(backstage: Backstage) -> None:
        old = backstage.kid
        auth_of(simulator.state).users = KeyPair()
        backstage.watch.now += KEPT_FOR
        assert await backstage.has_key(old), "from what is at hand"
        await backstage.fetched(2)
        assert await backstage.has_key(backstage.kid)
        assert not await backstage.has_key(old)
        assert backstage.fetches == 2

    run(simulator, story)


def test_keys_end_with_their_allowed_age_and_then_too_backstage_is_not_hammered(simulator: Simulator) -> None:
    async def story(backstage: Backstage) -> None:
        simulator.state.faults = [DOWN]
        backstage.watch.now += KEPT_FOR + STALE_FOR
        for _ in range(10):
            with pytest.raises(ServiceError):
                await backstage.has_key(backstage.kid)
        assert backstage.fetches == 2
        simulator.state.faults = []
        backstage.watch.now += timedelta(seconds=2)
        assert await backstage.has_key(backstage.kid)

    run(simulator, story)


def test_unknown_keys_do_not_hammer_a_backstage_that_fails(simulator: Simulator) -> None:
    async def story(backstage: Backstage) -> None:
        simulator.state.faults = [DOWN]
        backstage.watch.now += KEPT_FOR
        for number in range(50):
            assert not await backstage.has_key(f"made-up-{number}")
        assert backstage.fetches == 2

    run(simulator, story)
