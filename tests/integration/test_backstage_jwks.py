"""The JWKS cache while Backstage fails, hangs or recovers: stale keys are used, and requests are limited."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest

from clients.backstage.jwks import KEY_SET_TTL, RETRY_COOLDOWN, STALE_TTL, USER_KEYS, JwksCache
from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpOptions
from clients.http.errors import ServiceError
from simulator.backstage_auth import KeyPair, auth_of
from simulator.serving import Simulator
from tests.services.waiting import wait_until
from tests.stage_factories import ManualClock

pytestmark = pytest.mark.anyio
KEYS = "GET /api/auth/.well-known/jwks.json"
START = datetime(2026, 11, 24, tzinfo=timezone.utc)
DOWN: dict[str, object] = {"status": 503}
HUNG: dict[str, object] = {"delay_s": 60}


@dataclass
class JwksScenario:
    simulator: Simulator
    keys: JwksCache
    clock: ManualClock

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


@pytest.fixture
async def scenario(simulator: Simulator) -> AsyncIterator[JwksScenario]:
    http = AsyncHttpClient("Backstage", simulator.backstage_url, HttpOptions(timeout_s=60))
    clock = ManualClock(START)
    scenario = JwksScenario(simulator=simulator, keys=JwksCache(http, clock=clock), clock=clock)
    assert await scenario.has_key(scenario.kid)
    yield scenario
    await http.close()


@pytest.mark.parametrize("fault", [DOWN, HUNG], ids=["down", "hung"])
async def test_stale_keys_are_used_at_once_and_refreshed_once_per_cooldown(
    scenario: JwksScenario, fault: dict[str, object]
) -> None:
    scenario.simulator.plan_fault("backstage", **fault)
    scenario.clock.now += KEY_SET_TTL
    for _ in range(50):
        assert await scenario.has_key(scenario.kid)
        await asyncio.sleep(0)
    await scenario.wait_for_fetches(2)
    assert await scenario.has_key(scenario.kid)
    assert scenario.fetches == 2


async def test_a_failed_refresh_is_repeated_after_the_cooldown(scenario: JwksScenario) -> None:
    scenario.simulator.plan_fault("backstage", **DOWN)
    scenario.clock.now += KEY_SET_TTL
    for fetches in range(2, 5):
        async with asyncio.timeout(90):
            # A call joins the fetch before it, until that one has failed.
            while scenario.fetches < fetches:
                assert await scenario.has_key(scenario.kid)
                await asyncio.sleep(0)
        await scenario.wait_for_fetches(fetches)
        scenario.clock.now += RETRY_COOLDOWN


async def test_keys_refreshed_in_the_background_are_used_afterwards(scenario: JwksScenario) -> None:
    old = scenario.kid
    auth_of(scenario.simulator.state).users = KeyPair()
    scenario.clock.now += KEY_SET_TTL
    assert await scenario.has_key(old), "from the stale set"
    await scenario.wait_for_fetches(2)
    assert await scenario.has_key(scenario.kid)
    assert not await scenario.has_key(old)
    assert scenario.fetches == 2


async def test_expired_keys_are_an_error_and_requests_stay_limited(scenario: JwksScenario) -> None:
    scenario.simulator.plan_fault("backstage", **DOWN)
    scenario.clock.now += KEY_SET_TTL + STALE_TTL
    for _ in range(10):
        with pytest.raises(ServiceError):
            await scenario.has_key(scenario.kid)
    assert scenario.fetches == 2
    scenario.simulator.state.faults = []
    scenario.clock.now += timedelta(seconds=2)
    assert await scenario.has_key(scenario.kid)


async def test_unknown_key_ids_cause_one_request_while_backstage_fails(scenario: JwksScenario) -> None:
    scenario.simulator.plan_fault("backstage", **DOWN)
    scenario.clock.now += KEY_SET_TTL
    for number in range(50):
        assert not await scenario.has_key(f"made-up-{number}")
    assert scenario.fetches == 2
