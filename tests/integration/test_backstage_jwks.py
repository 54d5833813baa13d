"""The JWKS cache while Backstage fails, hangs or recovers: stale keys are used, and requests are limited."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest

from clients.backstage.jwks import KEY_SET_TTL, RETRY_COOLDOWN, STALE_TTL, USER_KEYS, JwksCache
from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpOptions
from clients.http.errors import ServiceError
from simulator.backstage_auth import KeyPair, auth_of
from simulator.faults import Fault
from simulator.serving import Simulator
from tests.services.waiting import wait_until

KEYS = "GET /api/auth/.well-known/jwks.json"
START = datetime(2026, 11, 24, tzinfo=timezone.utc)
DOWN = Fault(service="backstage", status=503)
HUNG = Fault(service="backstage", delay_s=60)


@dataclass
class SetClock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class JwksScenario:
    simulator: Simulator
    keys: JwksCache
    clock: SetClock

    @property
    def kid(self) -> str:
        return auth_of(self.simulator.state).users.kid

    @property
    def fetches(self) -> int:
        return self.simulator.state.calls["backstage"][KEYS]

    async def has_key(self, kid: str) -> bool:
        # A call that waited for the hanging Backstage would exceed this.
        async with asyncio.timeout(20):
            return await self.keys.key(USER_KEYS, kid) is not None

    async def wait_for_fetches(self, times: int) -> None:
        await asyncio.to_thread(wait_until, f"{times} fetches", lambda: self.fetches >= times)
        assert self.fetches == times


def run(simulator: Simulator, story: Callable[[JwksScenario], Awaitable[None]]) -> None:
    async def play() -> None:
        http = AsyncHttpClient("Backstage", simulator.backstage_url, HttpOptions(timeout_s=60))
        clock = SetClock()
        scenario = JwksScenario(simulator=simulator, keys=JwksCache(http, clock=clock), clock=clock)
        try:
            assert await scenario.has_key(scenario.kid)
            await story(scenario)
        finally:
            await http.close()

    asyncio.run(play())


@pytest.mark.parametrize("fault", [DOWN, HUNG], ids=["down", "hung"])
def test_stale_keys_are_used_at_once_and_refreshed_once_per_cooldown(simulator: Simulator, fault: Fault) -> None:
    async def story(scenario: JwksScenario) -> None:
        simulator.state.faults = [fault]
        scenario.clock.now += KEY_SET_TTL
        for _ in range(50):
            assert await scenario.has_key(scenario.kid)
            await asyncio.sleep(0)
        await scenario.wait_for_fetches(2)
        assert await scenario.has_key(scenario.kid)
        assert scenario.fetches == 2

    run(simulator, story)


def test_a_failed_refresh_is_repeated_after_the_cooldown(simulator: Simulator) -> None:
    async def story(scenario: JwksScenario) -> None:
        simulator.state.faults = [DOWN]
        scenario.clock.now += KEY_SET_TTL
        for fetches in range(2, 5):
            async with asyncio.timeout(90):
                # A call joins the fetch before it, until that one has failed.
                while scenario.fetches < fetches:
                    assert await scenario.has_key(scenario.kid)
                    await asyncio.sleep(0)
            await scenario.wait_for_fetches(fetches)
            scenario.clock.now += RETRY_COOLDOWN

    run(simulator, story)


def test_keys_refreshed_in_the_background_are_used_afterwards(simulator: Simulator) -> None:
    async def story(scenario: JwksScenario) -> None:
        old = scenario.kid
        auth_of(simulator.state).users = KeyPair()
        scenario.clock.now += KEY_SET_TTL
        assert await scenario.has_key(old), "from the stale set"
        await scenario.wait_for_fetches(2)
        assert await scenario.has_key(scenario.kid)
        assert not await scenario.has_key(old)
        assert scenario.fetches == 2

    run(simulator, story)


def test_expired_keys_are_an_error_and_requests_stay_limited(simulator: Simulator) -> None:
    async def story(scenario: JwksScenario) -> None:
        simulator.state.faults = [DOWN]
        scenario.clock.now += KEY_SET_TTL + STALE_TTL
        for _ in range(10):
            with pytest.raises(ServiceError):
                await scenario.has_key(scenario.kid)
        assert scenario.fetches == 2
        simulator.state.faults = []
        scenario.clock.now += timedelta(seconds=2)
        assert await scenario.has_key(scenario.kid)

    run(simulator, story)


def test_unknown_key_ids_cause_one_request_while_backstage_fails(simulator: Simulator) -> None:
    async def story(scenario: JwksScenario) -> None:
        simulator.state.faults = [DOWN]
        scenario.clock.now += KEY_SET_TTL
        for number in range(50):
            assert not await scenario.has_key(f"made-up-{number}")
        assert scenario.fetches == 2

    run(simulator, story)
