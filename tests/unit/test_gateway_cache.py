"""Answers are shared for a while, by the question, and failures are not kept."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from clients.http.client import ErrorKind, ServiceError
from gateway.proxy.cache import ENTRY_BYTES, CachedResponse, CacheLookup, ResponseCache


class Upstream:
    """Counts how often it is asked, and answers when it is let."""

    def __init__(self, *, status: int = 200, body: bytes = b"{}") -> None:
        self.asked = 0
        self.kept = CachedResponse(status=status, headers=(), body=body)
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: ServiceError | None = None

    async def __call__(self) -> CachedResponse:
        self.asked += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return self.kept


class Watch:
    """A timer that is told the time, and the cache it belongs to."""

    def __init__(self, *, ttl_s: float = 10, most_bytes: int = 10_000) -> None:
        self.now = 0.0
        self.most_bytes = most_bytes
        self.counts: Counter[str] = Counter()
        self.cache = ResponseCache(
            ttl_s=ttl_s, timer=lambda: self.now, count=lambda how: self.counts.update([how]), most_bytes=most_bytes
        )


def test_a_kept_answer_is_shared_until_its_time_is_over() -> None:
    async def run() -> None:
        watch, upstream = Watch(), Upstream()
        first = await watch.cache.get("q", upstream)
        watch.now = 4
        second = await watch.cache.get("q", upstream)
        watch.now = 10
        third = await watch.cache.get("q", upstream)

        assert first.status == b"scaleops-worker; fwd=uri-miss; stored"
        assert second.status == b"scaleops-worker; hit; ttl=6"
        assert third.status == first.status
        assert upstream.asked == 2
        assert watch.counts == {"miss": 2, "hit": 1}

    asyncio.run(run())


def test_callers_who_ask_at_the_same_time_share_one_call() -> None:
    async def run() -> None:
        watch, upstream = Watch(), Upstream()
        upstream.gate.clear()
        asking = [asyncio.create_task(watch.cache.get("q", upstream)) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking[0].cancel()  # who leaves does not take the call with them
        upstream.gate.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)

        assert upstream.asked == 1
        assert isinstance(answers[0], asyncio.CancelledError)
        assert all(isinstance(answer, CacheLookup) for answer in answers[1:])
        assert watch.counts == {"miss": 1, "collapsed": 19}

    asyncio.run(run())


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    async def run() -> None:
        watch, upstream = Watch(), Upstream()
        upstream.gate.clear()
        upstream.failure = ServiceError("down", kind=ErrorKind.CONNECTION, permanent=False)
        asking = [asyncio.create_task(watch.cache.get("q", upstream)) for _ in range(3)]
        await asyncio.sleep(0)
        upstream.gate.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        upstream.failure = None
        again = await watch.cache.get("q", upstream)

        assert [type(answer) for answer in answers] == [ServiceError] * 3
        assert again.kept is upstream.kept

    asyncio.run(run())


def test_an_answer_that_is_not_200_is_passed_and_not_kept() -> None:
    async def run() -> None:
        watch, upstream = Watch(), Upstream(status=429)
        first = await watch.cache.get("q", upstream)
        await watch.cache.get("q", upstream)

        assert first.kept.status == 429
        assert first.status == b"scaleops-worker; fwd=uri-miss"
        assert upstream.asked == 2

    asyncio.run(run())


def test_a_lifetime_of_nothing_keeps_and_shares_nothing() -> None:
    async def run() -> None:
        watch, upstream = Watch(ttl_s=0), Upstream()
        answers = await asyncio.gather(*(watch.cache.get("q", upstream) for _ in range(3)))

        assert upstream.asked == 3
        assert {answer.status for answer in answers} == {b"scaleops-worker; fwd=bypass"}

    asyncio.run(run())


def test_the_cache_is_bounded_by_bytes() -> None:
    async def run() -> None:
        watch, size = Watch(most_bytes=2 * (ENTRY_BYTES + 401)), 400
        for question in ("a", "b", "c"):
            await watch.cache.get(question, Upstream(body=b"x" * size))
        kept = [(await watch.cache.get(question, Upstream())).status for question in ("c", "b")]
        evicted = await watch.cache.get("a", Upstream())
        large = Upstream(body=b"x" * watch.most_bytes)
        answers = [await watch.cache.get("large", large) for _ in range(2)]

        assert all(b"hit" in status for status in kept)
        assert b"miss" in evicted.status
        assert large.asked == 2
        assert {answer.status for answer in answers} == {b"scaleops-worker; fwd=uri-miss"}, "it is not stored, and not said to be"

    asyncio.run(run())


def test_what_an_answer_is_kept_by_counts_too() -> None:
    async def run() -> None:
        watch = Watch(most_bytes=100_000)
        for number in range(1000):
            await watch.cache.get(("POST /x", "q", None, b"%d" % number * 5_000), Upstream(body=b""))
            assert watch.cache.held_bytes <= 100_000

    asyncio.run(run())


def test_answers_whose_time_is_over_leave_their_room_to_others() -> None:
    async def run() -> None:
        watch = Watch(most_bytes=100_000)
        for question in "abc":
            await watch.cache.get(question, Upstream(body=b"x" * 1000))
        watch.now = 10
        await watch.cache.get("d", Upstream(body=b"x" * 10))

        assert watch.cache.held_bytes == ENTRY_BYTES + len("d") + 10

    asyncio.run(run())


class Cutting:
    """Makes parts, counts them, and waits until it is let."""

    def __init__(self, part: bytes) -> None:
        self.made = 0
        self._part = part
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> bytes:
        self.made += 1
        await self.gate.wait()
        return self._part


async def kept_in(watch: Watch, question: str = "q", body: bytes = b"abc") -> CachedResponse:
    return (await watch.cache.get(question, Upstream(body=body))).kept


def test_a_part_is_cut_once_for_all_who_may_see_the_same() -> None:
    async def run() -> None:
        kept, mine, yours = await kept_in(Watch(most_bytes=10_000)), Cutting(b"a"), Cutting(b"bc")
        mine.gate.clear()
        asking = [asyncio.create_task(kept.part("mine", mine)) for _ in range(5)]
        await asyncio.sleep(0)
        asking[0].cancel()  # who leaves does not take the part with them
        mine.gate.set()
        parts = await asyncio.gather(*asking, return_exceptions=True)

        assert parts[1:] == [b"a"] * 4
        assert [await kept.part("mine", mine), await kept.part("yours", yours)] == [b"a", b"bc"]
        assert (mine.made, yours.made) == (1, 1)

    asyncio.run(run())


def test_parts_count_against_the_room_and_one_that_does_not_fit_is_not_kept() -> None:
    async def run() -> None:
        watch = Watch(most_bytes=ENTRY_BYTES + 4 + ENTRY_BYTES + 100)
        kept, small, large = await kept_in(watch), Cutting(b"x" * 100), Cutting(b"x" * 101)
        for _ in range(2):
            assert await kept.part("large", large) == b"x" * 101
        for _ in range(2):
            assert await kept.part("small", small) == b"x" * 100

        assert (large.made, small.made) == (2, 1)
        assert watch.cache.held_bytes == watch.most_bytes

    asyncio.run(run())


def test_an_answer_that_leaves_takes_its_parts_along() -> None:
    async def run() -> None:
        watch, part = Watch(most_bytes=100_000), Cutting(b"x" * 100)
        left = await kept_in(watch)
        await left.part("mine", part)
        watch.now = 10
        await kept_in(watch)
        await left.part("mine", part)

        assert part.made == 2, "somebody may still hold it, but nothing is kept on it"
        assert watch.cache.held_bytes == ENTRY_BYTES + len("q") + len(b"abc")

    asyncio.run(run())


def test_however_many_may_see_different_parts_the_bytes_stay_bounded() -> None:
    async def run() -> None:
        watch = Watch(most_bytes=50_000)
        kept = [await kept_in(watch, question) for question in "abc"]
        for number in range(300):
            await kept[number % 3].part(number, Cutting(b"x" * (number * 97 % 2000)))
            assert watch.cache.held_bytes <= 50_000
        watch.now = 10
        await kept_in(watch, "z")

        assert watch.cache.held_bytes == ENTRY_BYTES + len("z") + len(b"abc")

    asyncio.run(run())


def test_a_part_that_cannot_be_made_is_made_again_next_time() -> None:
    async def run() -> None:
        kept, part = await kept_in(Watch(most_bytes=10_000)), Cutting(b"a")

        async def fail() -> bytes:
            message = "garbage"
            raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=True)

        with pytest.raises(ServiceError):
            await kept.part("mine", fail)

        assert await kept.part("mine", part) == b"a"

    asyncio.run(run())


def test_different_questions_are_kept_apart() -> None:
    async def run() -> None:
        watch = Watch()
        one, other = Upstream(body=b"1"), Upstream(body=b"2")
        await watch.cache.get(("GET /x", "q", "cluster-a", None), one)

        assert (await watch.cache.get(("GET /x", "q", "cluster-b", None), other)).kept.body == b"2"

    asyncio.run(run())


@pytest.mark.parametrize("ttl_s", [0, 10])
def test_a_failure_is_raised_to_who_asked(ttl_s: float) -> None:
    async def run() -> None:
        upstream = Upstream()
        upstream.failure = ServiceError("down", kind=ErrorKind.CONNECTION, permanent=False)
        with pytest.raises(ServiceError):
            await Watch(ttl_s=ttl_s).cache.get("q", upstream)

    asyncio.run(run())
