"""What a caller may see, and which components own a workload."""

import asyncio
from collections.abc import Collection

import pytest

from clients.http.errors import ServiceError
from domain.refs import EntityRef
from domain.workload import WorkloadKey
from gateway.auth.callers import Caller
from gateway.auth.visibility import MAX_REFS_PER_CALLER, Visibility
from gateway.proxy.workload_owners import CachedWorkloadOwners
from gateway.responses import HttpError
from tests.factories import make_key
from tests.unit.proxy_factories import a_scope, now

pytestmark = pytest.mark.anyio
JANE = Caller(kind="user", subject="user:default/jane")
HIDDEN = EntityRef.parse("component:default/hidden")
SHOWN = EntityRef.parse("component:default/shown")
KEY = make_key("web")


class Sight:
    """Shows all but one once its gate is open, and counts the queries."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, caller: Caller, refs: Collection[EntityRef]) -> frozenset[EntityRef]:
        assert caller is JANE
        self.asked += len(refs)
        await asyncio.sleep(0)
        await self.gate.wait()
        return frozenset(refs) - {HIDDEN}


def entities(count: int, prefix: str = "c") -> list[EntityRef]:
    return [EntityRef.of("component", "default", f"{prefix}{number}") for number in range(count)]


async def test_a_response_larger_than_the_cache_still_counts() -> None:
    sight = Sight()
    visibility = Visibility(sight, clock=now)
    half, rest = entities(MAX_REFS_PER_CALLER - 10), entities(20, "d")
    await visibility.visible(JANE, half)
    # Both do not fit: the half is evicted while the rest is fetched.
    shown = await visibility.visible(JANE, [*half, *rest, HIDDEN])
    at_once = await visibility.visible(JANE, [*entities(MAX_REFS_PER_CALLER + 500, "e"), HIDDEN])
    assert shown == {*half, *rest}
    assert len(at_once) == MAX_REFS_PER_CALLER + 500
    assert sight.asked == len(half) + len(rest) + 1 + MAX_REFS_PER_CALLER + 500


async def test_overlapping_queries_share_lookups_and_each_gets_its_own_result() -> None:
    sight = Sight()
    visibility = Visibility(sight, clock=now)
    a, b, c = entities(3)
    first, second = await asyncio.gather(visibility.visible(JANE, [a, b, HIDDEN]), visibility.visible(JANE, [b, c]))
    assert first == {a, b}
    assert second == {b, c}
    assert sight.asked == 4


async def test_a_recent_owner_who_is_hidden_does_not_hide_the_stored_ones() -> None:
    read: list[WorkloadKey] = []

    def from_history(key: WorkloadKey) -> tuple[EntityRef, ...]:
        read.append(key)
        return (HIDDEN, SHOWN)

    owners = CachedWorkloadOwners(from_history, clock=now)
    owners.record(HIDDEN, [KEY])
    await a_scope(lookup=Sight(), owners=owners).require_workload(JANE, KEY)
    asked_once = list(read)
    owners.record(SHOWN, [KEY])
    await a_scope(lookup=Sight(), owners=owners).require_workload(JANE, KEY)
    assert asked_once == [KEY]
    assert read == asked_once, "who is seen by a recent owner costs no question to the store"


async def test_a_workload_whose_owners_are_all_hidden_is_refused() -> None:
    owners = CachedWorkloadOwners(lambda _: (HIDDEN,), clock=now)
    owners.record(HIDDEN, [KEY])
    with pytest.raises(HttpError) as caught:
        await a_scope(lookup=Sight(), owners=owners).require_workload(JANE, KEY)
    assert caught.value.status == 403


async def test_a_waiting_thread_times_out() -> None:
    silent = Sight()
    silent.gate.clear()
    visibility = Visibility(silent, clock=now, timeout_s=0.01)
    viewer = visibility.viewer_for(JANE, asyncio.get_running_loop())
    with pytest.raises(ServiceError, match="did not return within"):
        await asyncio.to_thread(viewer, SHOWN)
    silent.gate.set()
    assert await visibility.visible(JANE, [SHOWN]) == {SHOWN}, "the query continues for other callers"
