"""Answers are shared for a while, by the question, and failures are not kept."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from clients.calls import CallFailed, Fault
from gateway.cache import AnswerCache, Had, Kept


class Upstream:
    """Counts how often it is asked, and answers when it is let."""

    def __init__(self, *, status: int = 200, body: bytes = b"{}") -> None:
        self.asked = 0
        self.kept = Kept(status=status, headers=(), body=body)
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: CallFailed | None = None

    async def __call__(self) -> Kept:
        self.asked += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return self.kept


class Watch:
    """A timer that is told the time, and the cache it belongs to."""

    def __init__(self, *, ttl_s: float = 10, most_bytes: int = 1000) -> None:
        self.now = 0.0
        self.counts: Counter[str] = Counter()
        self.cache = AnswerCache(
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
        assert all(isinstance(answer, Had) for answer in answers[1:])
        assert watch.counts == {"miss": 1, "collapsed": 19}

    asyncio.run(run())


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    async def run() -> None:
        watch, upstream = Watch(), Upstream()
        upstream.gate.clear()
        upstream.failure = CallFailed("down", fault=Fault.UNREACHABLE, permanent=False)
        asking = [asyncio.create_task(watch.cache.get("q", upstream)) for _ in range(3)]
        await asyncio.sleep(0)
        upstream.gate.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        upstream.failure = None
        again = await watch.cache.get("q", upstream)

        assert [type(answer) for answer in answers] == [CallFailed] * 3
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
        watch, upstream = Watch(most_bytes=1000), Upstream(body=b"x" * 400)
        for question in ("a", "b", "c"):
            await watch.cache.get(question, upstream)
        kept = [(await watch.cache.get(question, upstream)).status for question in ("c", "b")]
        evicted = await watch.cache.get("a", upstream)
        large = Upstream(body=b"x" * 1001)
        await watch.cache.get("large", large)
        await watch.cache.get("large", large)

        assert all(b"hit" in status for status in kept)
        assert b"miss" in evicted.status
        assert large.asked == 2

    asyncio.run(run())


def test_a_part_is_cut_once_for_all_who_may_see_the_same() -> None:
    kept = Kept(status=200, headers=(), body=b"abc")
    made: list[bytes] = []

    def make(body: bytes) -> bytes:
        made.append(body)
        return body[:1]

    assert [kept.cut("mine", make), kept.cut("mine", make), kept.cut("yours", lambda body: body[1:])] == [b"a", b"a", b"bc"]
    assert made == [b"abc"]


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
        upstream.failure = CallFailed("down", fault=Fault.UNREACHABLE, permanent=False)
        with pytest.raises(CallFailed):
            await Watch(ttl_s=ttl_s).cache.get("q", upstream)

    asyncio.run(run())
