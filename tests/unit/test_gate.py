"""The gate: never more inside than its size, whoever comes and goes, and nobody forgotten."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients.throttle.semaphore import ResizableSemaphore, _Task

PATIENCE_S = 10


def until(is_so: Callable[[], bool]) -> None:
    """Wait for other threads to come so far."""
    waits = threading.Event()
    for _ in range(PATIENCE_S * 1000):
        if is_so():
            return
        waits.wait(0.001)
    raise AssertionError


def test_as_many_pass_as_there_are_turns() -> None:
    gate = ResizableSemaphore(3)
    inside, most, counting = 0, 0, threading.Lock()

    def call(_: int) -> None:
        nonlocal inside, most
        gate.enter()
        with counting:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.001)
        with counting:
            inside -= 1
        gate.leave()

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(call, range(200)))
    assert most == 3
    assert gate.look().inside == 3
    assert gate.look().now == 0


def test_who_waits_is_let_in_in_order() -> None:
    gate = ResizableSemaphore(1)
    gate.enter()
    order: list[int] = []

    def call(number: int) -> None:
        gate.enter()
        order.append(number)
        gate.leave()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=call, args=(number,)))
        threads[-1].start()
        until(lambda wanted=number + 2: gate.look().now == wanted)  # type: ignore[misc]  # a lambda with a default
    gate.leave()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert order == [0, 1, 2, 3, 4]


def test_fewer_turns_take_effect_as_turns_are_given_back() -> None:
    gate = ResizableSemaphore(3)
    for _ in range(3):
        gate.enter()
    gate.resize(1)
    late = threading.Thread(target=gate.enter)
    late.start()
    until(lambda: gate.look().now == 4)
    gate.leave()
    gate.leave()
    assert gate.look().now == 2
    assert late.is_alive()
    gate.leave()
    late.join(PATIENCE_S)
    assert not late.is_alive()
    assert gate.look().now == 1


def test_more_turns_let_in_who_waits() -> None:
    gate = ResizableSemaphore(1)
    gate.enter()
    late = [threading.Thread(target=gate.enter) for _ in range(2)]
    for thread in late:
        thread.start()
    until(lambda: gate.look().now == 3)
    gate.resize(3)
    for thread in late:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in late)


def test_a_look_tells_the_most_since_the_last_one() -> None:
    gate = ResizableSemaphore(2)
    gate.enter()
    gate.enter()
    waiting = threading.Thread(target=gate.enter)
    waiting.start()
    until(lambda: len(gate._queue) == 1)
    for _ in range(3):
        gate.leave()
        waiting.join(PATIENCE_S)
    first, second = gate.look(), gate.look()
    assert (first.inside, first.wanting, first.now) == (2, 3, 0)
    assert (second.inside, second.wanting, second.now) == (0, 0, 0)


def test_threads_and_tasks_share_the_turns() -> None:
    gate = ResizableSemaphore(1)
    gate.enter()

    async def run() -> None:
        waiting = asyncio.create_task(gate.enter_async(PATIENCE_S))
        await asyncio.sleep(0)
        assert gate.look().now == 2
        await asyncio.to_thread(gate.leave)
        await waiting

    asyncio.run(run())
    assert gate.look().now == 1


def test_a_task_waits_only_as_long_as_it_has_patience() -> None:
    gate = ResizableSemaphore(1)
    gate.enter()

    async def run() -> None:
        with pytest.raises(TimeoutError):
            await gate.enter_async(0.01)

    asyncio.run(run())
    assert gate.look().now == 1


def test_a_task_that_is_cancelled_with_its_turn_in_hand_gives_it_back() -> None:
    gate = ResizableSemaphore(1)
    gate.enter()

    async def run() -> None:
        waiting = asyncio.create_task(gate.enter_async(PATIENCE_S))
        await asyncio.sleep(0)
        gate.leave()  # the turn is its own now, though it does not know yet
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
    assert gate.look().now == 0


def test_a_task_whose_loop_is_gone_takes_no_turn() -> None:
    gate = ResizableSemaphore(1)
    gate.enter()

    async def leave_one_waiting() -> None:
        gate._enter_or_queue(_Task)

    asyncio.run(leave_one_waiting())
    gate.leave()
    assert gate.look().now == 0
