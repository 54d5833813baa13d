"""Responses are shared for a while by the upstream request, bounded by bytes; failures are not stored."""

import asyncio
from collections import Counter
from typing import Generic, TypeVar

import pytest

from clients.http.errors import ErrorKind, ServiceError
from gateway.proxy.cache import ENTRY_BYTES, FILTERED_SHARE, CachedResponse, CacheLookup, ResponseCache

pytestmark = pytest.mark.anyio
T = TypeVar("T")
DOWN = ServiceError("down", kind=ErrorKind.CONNECTION, permanent=False)


class StubCall(Generic[T]):
    """Counts its calls, and returns its result or raises its error once it is released."""

    def __init__(self, result: T) -> None:
        self.calls = 0
        self.result = result
        self.released = asyncio.Event()
        self.released.set()
        self.error: ServiceError | None = None

    async def __call__(self) -> T:
        self.calls += 1
        await self.released.wait()
        if self.error is not None:
            raise self.error
        return self.result


def stub_fetch(*, status: int = 200, body: bytes = b"{}") -> StubCall[CachedResponse]:
    return StubCall(CachedResponse(status=status, headers=(), body=body))


class TimedCache:
    def __init__(self, *, ttl_s: float = 10, max_bytes: int = 10_000) -> None:
        self.now = 0.0
        self.max_bytes = max_bytes
        self.counts: Counter[str] = Counter()
        self.cache = ResponseCache(
            ttl_s=ttl_s, timer=lambda: self.now, count=lambda outcome: self.counts.update([outcome]), max_bytes=max_bytes
        )

    async def stored(self, key: str = "q", body: bytes = b"abc") -> CachedResponse:
        return (await self.cache.get(key, stub_fetch(body=body))).response


async def test_a_response_is_shared_until_it_expires() -> None:
    timed, fetch = TimedCache(), stub_fetch()
    first = await timed.cache.get("q", fetch)
    timed.now = 4
    second = await timed.cache.get("q", fetch)
    timed.now = 10
    third = await timed.cache.get("q", fetch)
    assert first.status == b"scaleops-worker; fwd=uri-miss; stored"
    assert second.status == b"scaleops-worker; hit; ttl=6"
    assert third.status == first.status
    assert fetch.calls == 2
    assert timed.counts == {"miss": 2, "hit": 1}


async def test_concurrent_callers_share_one_fetch() -> None:
    timed, fetch = TimedCache(), stub_fetch()
    fetch.released.clear()
    callers = [asyncio.create_task(timed.cache.get("q", fetch)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    callers[0].cancel()  # does not cancel the fetch
    fetch.released.set()
    lookups = await asyncio.gather(*callers, return_exceptions=True)
    assert fetch.calls == 1
    assert isinstance(lookups[0], asyncio.CancelledError)
    assert all(isinstance(lookup, CacheLookup) for lookup in lookups[1:])
    assert timed.counts == {"miss": 1, "collapsed": 19}


async def test_a_failure_is_raised_in_every_waiting_caller_and_not_stored() -> None:
    timed, fetch = TimedCache(), stub_fetch()
    fetch.released.clear()
    fetch.error = DOWN
    callers = [asyncio.create_task(timed.cache.get("q", fetch)) for _ in range(3)]
    await asyncio.sleep(0)
    fetch.released.set()
    lookups = await asyncio.gather(*callers, return_exceptions=True)
    fetch.error = None
    again = await timed.cache.get("q", fetch)
    assert [type(lookup) for lookup in lookups] == [ServiceError] * 3
    assert again.response is fetch.result


async def test_a_response_other_than_200_is_returned_and_not_stored() -> None:
    timed, fetch = TimedCache(), stub_fetch(status=429)
    first = await timed.cache.get("q", fetch)
    await timed.cache.get("q", fetch)
    assert first.response.status == 429
    assert first.status == b"scaleops-worker; fwd=uri-miss"
    assert fetch.calls == 2


async def test_a_ttl_of_0_stores_and_shares_nothing() -> None:
    timed, fetch = TimedCache(ttl_s=0), stub_fetch()
    lookups = await asyncio.gather(*(timed.cache.get("q", fetch) for _ in range(3)))
    assert fetch.calls == 3
    assert {lookup.status for lookup in lookups} == {b"scaleops-worker; fwd=bypass"}
    response, body = lookups[0].response, StubCall(b"a")
    assert [await timed.cache.filtered(response, "mine", body) for _ in range(2)] == [b"a", b"a"]
    assert body.calls == 2
    assert timed.cache.held_bytes == 0


async def test_responses_are_bounded_by_bytes() -> None:
    timed = TimedCache(max_bytes=round(2 * (ENTRY_BYTES + 401) / (1 - FILTERED_SHARE)))
    for key in ("a", "b", "c"):
        await timed.cache.get(key, stub_fetch(body=b"x" * 400))
    kept = [(await timed.cache.get(key, stub_fetch())).status for key in ("c", "b")]
    evicted = await timed.cache.get("a", stub_fetch())
    large = stub_fetch(body=b"x" * timed.max_bytes)
    lookups = [await timed.cache.get("large", large) for _ in range(2)]
    assert all(b"hit" in status for status in kept)
    assert b"miss" in evicted.status
    assert large.calls == 2
    assert {lookup.status for lookup in lookups} == {b"scaleops-worker; fwd=uri-miss"}, "it is not reported as stored"


async def test_the_size_of_a_key_counts() -> None:
    timed = TimedCache(max_bytes=100_000)
    for number in range(1000):
        await timed.cache.get(("POST /x", "q", None, b"%d" % number * 5_000), stub_fetch(body=b""))
        assert timed.cache.held_bytes <= 100_000


async def test_expired_responses_release_their_bytes() -> None:
    timed = TimedCache(max_bytes=100_000)
    for key in "abc":
        await timed.cache.get(key, stub_fetch(body=b"x" * 1000))
    timed.now = 10
    await timed.cache.get("d", stub_fetch(body=b"x" * 10))
    assert timed.cache.held_bytes == ENTRY_BYTES + len("d") + 10


async def test_a_body_is_filtered_once_for_all_callers_with_one_view() -> None:
    timed = TimedCache()
    response, mine, yours = await timed.stored(), StubCall(b"a"), StubCall(b"bc")
    mine.released.clear()
    callers = [asyncio.create_task(timed.cache.filtered(response, "mine", mine)) for _ in range(5)]
    await asyncio.sleep(0)
    callers[0].cancel()  # does not cancel the filter
    mine.released.set()
    bodies = await asyncio.gather(*callers, return_exceptions=True)
    later = [await timed.cache.filtered(response, view, body) for view, body in (("mine", mine), ("yours", yours))]
    assert bodies[1:] == [b"a"] * 4
    assert later == [b"a", b"bc"]
    assert (mine.calls, yours.calls) == (1, 1)


async def test_a_filtered_body_that_is_too_large_is_not_stored() -> None:
    timed = TimedCache(max_bytes=round((ENTRY_BYTES + 100) / FILTERED_SHARE))
    response, small, large = await timed.stored(), StubCall(b"x" * 100), StubCall(b"x" * 101)
    for _ in range(2):
        assert await timed.cache.filtered(response, "large", large) == b"x" * 101
    for _ in range(2):
        assert await timed.cache.filtered(response, "small", small) == b"x" * 100
    assert (large.calls, small.calls) == (2, 1)
    assert timed.cache.held_bytes <= timed.max_bytes


async def test_a_filtered_body_is_never_used_for_a_later_response() -> None:
    timed, body = TimedCache(max_bytes=100_000), StubCall(b"x" * 100)
    expired = await timed.stored()
    timed.now = 9
    await timed.cache.filtered(expired, "mine", body)
    timed.now = 10
    renewed = await timed.stored()
    await timed.cache.filtered(renewed, "mine", body)
    timed.now = 20
    assert expired == renewed
    assert body.calls == 2
    assert timed.cache.held_bytes == 0


async def test_filtered_bodies_of_any_number_of_views_are_bounded_by_bytes() -> None:
    timed = TimedCache(max_bytes=50_000)
    responses = [await timed.stored(key) for key in "abc"]
    for number in range(300):
        await timed.cache.filtered(responses[number % 3], number, StubCall(b"x" * (number * 97 % 2000)))
        assert timed.cache.held_bytes <= 50_000
    timed.now = 10
    await timed.stored("z")
    assert timed.cache.held_bytes == ENTRY_BYTES + len("z") + len(b"abc")


async def test_a_failed_filter_is_not_stored() -> None:
    timed = TimedCache()
    response, body = await timed.stored(), StubCall(b"a")

    async def fail() -> bytes:
        raise DOWN

    with pytest.raises(ServiceError):
        await timed.cache.filtered(response, "mine", fail)
    assert await timed.cache.filtered(response, "mine", body) == b"a"


async def test_different_upstream_requests_are_stored_apart() -> None:
    timed = TimedCache()
    await timed.cache.get(("GET /x", "q", "cluster-a", None), stub_fetch(body=b"1"))
    assert (await timed.cache.get(("GET /x", "q", "cluster-b", None), stub_fetch(body=b"2"))).response.body == b"2"


@pytest.mark.parametrize("ttl_s", [0, 10])
async def test_a_failure_is_raised_in_the_caller(ttl_s: float) -> None:
    fetch = stub_fetch()
    fetch.error = DOWN
    with pytest.raises(ServiceError):
        await TimedCache(ttl_s=ttl_s).cache.get("q", fetch)
