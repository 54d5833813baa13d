"""A hung ScaleOps occupies the threads of live actions only."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from actions.action_pools import ActionPools
from actions.errors import ServiceUnavailableError

pytestmark = pytest.mark.anyio
TIMEOUT_S = 20


class Hang:
    """A call that hangs until it is let go; `begun` counts how many threads are in it."""

    def __init__(self) -> None:
        self._released = threading.Event()
        self.begun = threading.Semaphore(0)
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.begun.release()
        assert self._released.wait(TIMEOUT_S)
        with self._lock:
            self._now -= 1
        return "at last"

    def release(self) -> None:
        self._released.set()


def hung(hang: Hang, pools: ActionPools, many: int) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(pools.run(hang, is_live=True)) for _ in range(many)]


async def until_begun(hang: Hang, many: int) -> None:
    for _ in range(many):
        assert await asyncio.to_thread(hang.begun.acquire, timeout=TIMEOUT_S)


@pytest.fixture
def hang() -> Iterator[Hang]:
    hang = Hang()
    yield hang
    hang.release()


async def test_history_runs_while_every_live_thread_hangs(hang: Hang) -> None:
    pools = ActionPools(live=2, stored=1, timeout_s=TIMEOUT_S)
    waiting = hung(hang, pools, 5)
    await until_begun(hang, 2)
    assert [await pools.run(lambda: "history", is_live=False) for _ in range(10)] == ["history"] * 10
    assert not any(task.done() for task in waiting)
    hang.release()
    assert await asyncio.gather(*waiting) == ["at last"] * 5
    assert hang.most == 2


async def test_waiting_too_long_for_a_thread_is_an_error(hang: Hang) -> None:
    pools = ActionPools(live=1, stored=1, timeout_s=0.01)
    (first,) = hung(hang, pools, 1)
    await until_begun(hang, 1)
    with pytest.raises(ServiceUnavailableError, match="ScaleOps responds too slowly: 1 actions are running already; try again"):
        await pools.run(lambda: "never", is_live=True)
    hang.release()
    assert await first == "at last"
    assert await pools.run(lambda: "now", is_live=True) == "now"


async def test_a_cancelled_caller_does_not_free_the_thread_before_the_call_ends(hang: Hang) -> None:
    pools = ActionPools(live=1, stored=1, timeout_s=0.01)
    (first,) = hung(hang, pools, 1)
    await until_begun(hang, 1)
    first.cancel()
    with pytest.raises(ServiceUnavailableError):
        await pools.run(lambda: "never", is_live=True)
    hang.release()
    with suppress(asyncio.CancelledError):
        await first
    assert await pools.run(lambda: "now", is_live=True) == "now"
    assert hang.most == 1
