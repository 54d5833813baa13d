"""The semaphore: never more permits than its size, FIFO over threads and tasks, no permit lost."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from clients.throttle.semaphore import ResizableSemaphore
from tests.services.waiting import wait_until

TIMEOUT_S = 10


def wanted(semaphore: ResizableSemaphore) -> int:
    semaphore.take_peak()
    return semaphore.take_peak()


def start_waiting(semaphore: ResizableSemaphore, then: Callable[[], None] = lambda: None) -> threading.Thread:
    before = wanted(semaphore)

    def work() -> None:
        semaphore.acquire()
        then()

    thread = threading.Thread(target=work)
    thread.start()
    wait_until("it waits", lambda: wanted(semaphore) == before + 1)
    return thread


def test_no_more_calls_than_permits() -> None:
    semaphore = ResizableSemaphore(3)
    in_flight, most, counting = 0, 0, threading.Lock()

    def call(_: int) -> None:
        nonlocal in_flight, most
        with semaphore:
            with counting:
                in_flight += 1
                most = max(most, in_flight)
            threading.Event().wait(0.001)
            with counting:
                in_flight -= 1

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(call, range(200)))
    assert most == 3
    assert wanted(semaphore) == 0


def test_waiters_are_admitted_in_order() -> None:
    semaphore = ResizableSemaphore(1)
    semaphore.acquire()
    order: list[int] = []

    def record(number: int) -> None:
        order.append(number)
        semaphore.release()

    threads = [start_waiting(semaphore, partial(record, number)) for number in range(5)]
    semaphore.release()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert order == [0, 1, 2, 3, 4]


def test_a_smaller_size_takes_effect_as_permits_are_released() -> None:
    semaphore = ResizableSemaphore(3)
    for _ in range(3):
        semaphore.acquire()
    semaphore.resize(1)
    late = start_waiting(semaphore)
    semaphore.release()
    semaphore.release()
    assert wanted(semaphore) == 2
    assert late.is_alive()
    semaphore.release()
    late.join(TIMEOUT_S)
    assert not late.is_alive()
    assert wanted(semaphore) == 1


def test_a_larger_size_admits_waiters() -> None:
    semaphore = ResizableSemaphore(1)
    semaphore.acquire()
    late = [start_waiting(semaphore) for _ in range(2)]
    semaphore.resize(3)
    for thread in late:
        thread.join(TIMEOUT_S)
    assert not any(thread.is_alive() for thread in late)


def test_the_peak_is_counted_since_it_was_last_taken() -> None:
    semaphore = ResizableSemaphore(2)
    semaphore.acquire()
    semaphore.acquire()
    waiting = start_waiting(semaphore)
    for _ in range(3):
        semaphore.release()
        waiting.join(TIMEOUT_S)
    assert [semaphore.take_peak(), semaphore.take_peak()] == [3, 0]


@pytest.mark.anyio
async def test_threads_and_tasks_share_the_permits() -> None:
    semaphore = ResizableSemaphore(1)
    semaphore.acquire()
    waiting = asyncio.create_task(semaphore.acquire_async(TIMEOUT_S))
    await asyncio.sleep(0)
    assert wanted(semaphore) == 2
    await asyncio.to_thread(semaphore.release)
    await waiting
    assert wanted(semaphore) == 1


@pytest.mark.anyio
async def test_a_task_waits_until_its_timeout() -> None:
    semaphore = ResizableSemaphore(1)
    semaphore.acquire()
    with pytest.raises(TimeoutError):
        await semaphore.acquire_async(0.01)
    assert wanted(semaphore) == 1


@pytest.mark.anyio
async def test_a_cancelled_task_releases_the_permit_it_was_just_given() -> None:
    semaphore = ResizableSemaphore(1)
    semaphore.acquire()
    waiting = asyncio.create_task(semaphore.acquire_async(TIMEOUT_S))
    await asyncio.sleep(0)
    semaphore.release()  # the permit belongs to the task now, which has not run yet
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert wanted(semaphore) == 0


def test_a_task_of_a_closed_loop_takes_no_permit() -> None:
    semaphore = ResizableSemaphore(1)
    semaphore.acquire()

    async def leave_one_waiting() -> None:
        task = asyncio.create_task(semaphore.acquire_async(TIMEOUT_S))
        await asyncio.sleep(0)
        assert not task.done()

    asyncio.run(leave_one_waiting())
    semaphore.release()
    assert wanted(semaphore) == 0
