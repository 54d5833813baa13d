"""Processes that share one limit over a real Valkey: each keeps to its share, when others die and when Redis loses its state."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from clients.redis.cache import RedisCache
from clients.throttle.concurrency_limiter import _STATE, INITIAL_LIMIT, ConcurrencyLimiter, LimiterStatus
from clients.throttle.limit_algorithm import MAX_PAUSE_S, BackoffReason, CallPriority, LimiterState, UsageReport, update
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
from wiring.services import LIMITER_STATE, LIMITER_STATE_TTL

REPORT_INTERVAL_S = 0.2
CEILING = 16


@dataclass
class LimitedService:
    capacity: int = 1000
    retry_after: str | None = None
    in_flight: int = 0
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self) -> tuple[int, Mapping[str, str]]:
        with self.lock:
            if self.in_flight >= self.capacity:
                self.refused += 1
                return 429, {} if self.retry_after is None else {"retry-after": self.retry_after}
            self.in_flight += 1
        time.sleep(0.01)
        with self.lock:
            self.in_flight -= 1
        return 200, {}


class LimitedProcess:
    def __init__(self, url: str, priority: CallPriority) -> None:
        self.cache = RedisCache(url, instance="test", timeout_s=1)
        self.limiter = ConcurrencyLimiter(
            "ScaleOps",
            CEILING,
            priority=priority,
            update_shared_state=partial(self.cache.compare_and_set, LIMITER_STATE, ttl=LIMITER_STATE_TTL),
            report_interval_s=REPORT_INTERVAL_S,
        )
        self.statuses: list[LimiterStatus] = []
        self.limiter.on_status = self.statuses.append
        self.responses = 0
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def call(self, service: LimitedService) -> int:
        with self.limiter.semaphore:
            self._stopping.wait(self.limiter.before_call())
            status, headers = service.call()
        self.limiter.after_response(status, headers)
        self.responses += 1
        return status

    def start_calling(self, service: LimitedService, *, threads: int) -> None:
        def work() -> None:
            while not self._stopping.is_set():
                if self.call(service) != 200:
                    self._stopping.wait(0.02)

        self._threads = [threading.Thread(target=work) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def close(self) -> None:
        self.stop()
        self.limiter.close()
        self.cache.close()

    @property
    def share(self) -> int:
        return self.limiter.semaphore.size


StartProcess = Callable[..., LimitedProcess]


@pytest.fixture
def start_process() -> Iterator[StartProcess]:
    with ExitStack() as started:

        def start(queues: QueueServer, priority: CallPriority = CallPriority.BACKGROUND) -> LimitedProcess:
            process = LimitedProcess(queues.url, priority)
            started.callback(process.close)
            return process

        yield start


def stored_state(queues: QueueServer) -> LimiterState:
    cache = RedisCache(queues.url, instance="test")
    found = cache.get(LIMITER_STATE)
    cache.close()
    return LimiterState() if found is None else _STATE.validate_json(found)


def start_two(queues: QueueServer, start_process: StartProcess, service: LimitedService) -> tuple[LimitedProcess, LimitedProcess]:
    """Start two processes that make as many calls as they may, and wait until each knows of the other."""
    first, second = start_process(queues), start_process(queues)
    for process in (first, second):
        process.start_calling(service, threads=20)
    wait_until("both report", lambda: stored_state(queues).ceiling == 2 * CEILING)
    return first, second


def test_without_a_limit_each_process_has_its_ceiling(queues: QueueServer, start_process: StartProcess) -> None:
    process = start_process(queues)
    assert process.share == INITIAL_LIMIT
    process.start_calling(LimitedService(), threads=20)
    wait_until("the ceiling", lambda: process.share == CEILING)


def test_a_429_of_one_process_lowers_the_limit_of_all(queues: QueueServer, start_process: StartProcess) -> None:
    first, second = start_two(queues, start_process, LimitedService())
    first.call(LimitedService(capacity=0))
    wait_until("a decrease", lambda: stored_state(queues).limit is not None)
    wait_until("both keep to it", lambda: first.share + second.share <= stored_state(queues).total < 2 * CEILING)
    assert abs(first.share - second.share) <= 1
    assert BackoffReason.THROTTLED in {status.backoff_reason for status in first.statuses}
    assert {status.backoff_reason for status in second.statuses} == {None}


def test_a_retry_after_of_one_process_pauses_the_others(queues: QueueServer, start_process: StartProcess) -> None:
    first, second = start_process(queues), start_process(queues)
    service = LimitedService()
    second.start_calling(service, threads=4)
    wait_until("the second process", lambda: second.responses > 10)
    first.call(LimitedService(capacity=0, retry_after="600"))
    wait_until("the second process pauses", lambda: second.limiter.before_call() > 10)
    wait_until("its calls end", lambda: service.in_flight == 0)
    responses = second.responses
    time.sleep(3 * REPORT_INTERVAL_S)
    assert second.responses <= responses + 4
    assert second.limiter.before_call() <= MAX_PAUSE_S


def test_the_share_of_a_dead_and_of_an_idle_process_is_released(queues: QueueServer, start_process: StartProcess) -> None:
    first, second = start_two(queues, start_process, LimitedService())

    def add_dead(stored: bytes | None, now: float) -> bytes:
        dead = UsageReport(priority=CallPriority.BACKGROUND, ceiling=CEILING, wanted=CEILING, throttled=1)
        state = update(_STATE.validate_json(stored or b"{}"), "dead", dead, now)
        last_report = replace(state.participants["dead"], reported_at=now - 4)
        return _STATE.dump_json(replace(state, participants={**state.participants, "dead": last_report}))

    assert first.cache.compare_and_set(LIMITER_STATE, add_dead, ttl=LIMITER_STATE_TTL)
    wait_until("the dead one is dropped", lambda: "dead" not in stored_state(queues).participants)
    wait_until("a share", lambda: first.share < CEILING)
    second.stop()
    wait_until("the idle one leaves", lambda: len(stored_state(queues).participants) == 1)
    wait_until("its share goes to the other", lambda: first.share == stored_state(queues).total)
    assert second.share == INITIAL_LIMIT
    assert second.statuses[-1].share == 0


def test_a_flush_of_redis_changes_no_limit(queues: QueueServer, start_process: StartProcess) -> None:
    first, second = start_two(queues, start_process, LimitedService())
    first.call(LimitedService(capacity=0))
    wait_until("a decrease", lambda: first.share + second.share < 2 * CEILING)
    before = stored_state(queues)
    queues.flush()
    wait_until("both report again", lambda: stored_state(queues).ceiling == 2 * CEILING)
    wait_until("the decrease is restored", lambda: stored_state(queues).decreased_at == before.decreased_at)
    wait_until("both keep to it", lambda: first.share + second.share <= stored_state(queues).total)
    assert stored_state(queues).total < 2 * CEILING


def test_a_state_of_another_version_counts_as_none(queues: QueueServer, start_process: StartProcess) -> None:
    process = start_process(queues)
    process.cache.put(LIMITER_STATE, b'{"limit": "many"}', ttl=LIMITER_STATE_TTL)
    process.start_calling(LimitedService(), threads=20)
    wait_until("the ceiling", lambda: process.share == CEILING)


def test_without_redis_each_process_continues_with_its_share(start_process: StartProcess, own_queues: QueueServer) -> None:
    service = LimitedService()
    first, second = start_two(own_queues, start_process, service)
    service.capacity = 6
    wait_until("a limit", lambda: first.share + second.share <= 12)
    own_queues.stop()
    wait_until("both decide alone", lambda: all(one.statuses[-1].limit == one.share for one in (first, second)))
    assert first.share + second.share < 2 * CEILING
    responses = first.responses
    wait_until("calls go on", lambda: first.responses > responses + 50)
    own_queues.start()
    wait_until("both share again", lambda: stored_state(own_queues).ceiling == 2 * CEILING)


def test_interactive_calls_get_through_during_a_sweep_and_do_not_starve_it(
    queues: QueueServer, start_process: StartProcess
) -> None:
    sweep, interactive = start_process(queues), start_process(queues, CallPriority.INTERACTIVE)
    service = LimitedService()
    sweep.start_calling(service, threads=20)
    wait_until("the sweep", lambda: sweep.share == CEILING)
    sweep.call(LimitedService(capacity=0))
    wait_until("a limit, all of it for the sweep", lambda: sweep.share == stored_state(queues).total < CEILING)
    assert interactive.call(service) == 200
    wait_until("the interactive share", lambda: sweep.share < stored_state(queues).total)
    interactive.start_calling(service, threads=40)
    wait_until("both report", lambda: len(stored_state(queues).participants) == 2)
    wait_until(
        "three parts to one",
        lambda: interactive.share <= sweep.share / 2 and interactive.share + sweep.share <= stored_state(queues).total,
    )
