"""Processes that share one limit over a real Valkey: each keeps to its share, whoever dies, whatever is forgotten."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pytest

from clients.redis import RedisCache
from clients.throttle.concurrency_limiter import _COMMON, AT_FIRST, ConcurrencyLimiter, LimiterStatus
from clients.throttle.limit_algorithm import LONGEST_HOLD_S, BackoffReason, LimiterState, Priority, UsageReport, advance
from tests.services.queues import QueueServer
from tests.services.waiting import wait_until
from wiring.limiter import KEEP_FOR, NAME, RedisSharedState

PERIOD_S = 0.2
MOST = 16


@dataclass
class Service:
    """Answers in 10 ms; refuses what is more than its capacity."""

    capacity: int = 1000
    retry_after: str | None = None
    in_flight: int = 0
    most: int = 0
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self) -> tuple[int, Mapping[str, str]]:
        with self.lock:
            if self.in_flight >= self.capacity:
                self.refused += 1
                return 429, {} if self.retry_after is None else {"retry-after": self.retry_after}
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        time.sleep(0.01)
        with self.lock:
            self.in_flight -= 1
        return 200, {}


class Process:
    """A process of the installation, as many threads as it is told asking without a pause."""

    def __init__(self, url: str, kind: Priority) -> None:
        self.memory = RedisCache(url, instance="test", timeout_s=1)
        self.pace = ConcurrencyLimiter("ScaleOps", MOST, kind=kind, board=RedisSharedState(self.memory), period_s=PERIOD_S)
        self.told: list[LimiterStatus] = []
        self.pace.listen(self.told.append)
        self.answered = 0
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def ask(self, service: Service) -> int:
        """Ask once."""
        self.pace.gate.enter()
        try:
            self._stopping.wait(self.pace.call_begins())
            status, headers = service.ask()
        finally:
            self.pace.gate.leave()
        self.pace.call_answered("GET /x", status=status, seconds=0.01, headers=headers)
        self.answered += 1
        return status

    def keep_asking(self, service: Service, *, threads: int) -> None:
        def work() -> None:
            while not self._stopping.is_set():
                if self.ask(service) != 200:
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
        self.pace.close()
        self.memory.close()

    @property
    def share(self) -> int:
        return self.pace.gate.size


StartProcess = Callable[..., Process]


@pytest.fixture
def start_process() -> Iterator[StartProcess]:
    with ExitStack() as started:

        def start(queues: QueueServer, kind: Priority = Priority.SWEEP) -> Process:
            process = Process(queues.url, kind)
            started.callback(process.close)
            return process

        yield start


def kept(queues: QueueServer) -> LimiterState:
    memory = RedisCache(queues.url, instance="test")
    found = memory.get(NAME)
    memory.close()
    return LimiterState() if found is None else _COMMON.validate_json(found)


def put(queues: QueueServer, change: Callable[[LimiterState, float], LimiterState]) -> None:
    """Change what is on the board, as another process would."""
    memory = RedisCache(queues.url, instance="test")
    assert memory.compare_and_set(
        NAME,
        lambda found, now: _COMMON.dump_json(change(LimiterState() if found is None else _COMMON.validate_json(found), now)),
        ttl=KEEP_FOR,
    )
    memory.close()


def test_without_a_limit_each_has_its_own_ceiling(queues: QueueServer, start_process: StartProcess) -> None:
    process = start_process(queues)
    assert process.share == AT_FIRST
    process.keep_asking(Service(), threads=20)
    wait_until("the ceiling", lambda: process.share == MOST)


def test_what_one_hears_holds_for_all(queues: QueueServer, start_process: StartProcess) -> None:
    first, second = start_process(queues), start_process(queues)
    for process in (first, second):
        process.keep_asking(Service(), threads=20)
    wait_until("both", lambda: kept(queues).ceiling == 2 * MOST)
    refusing = Service(capacity=0)
    first.ask(refusing)
    wait_until("a cut", lambda: kept(queues).cut is BackoffReason.REFUSED)
    wait_until("both keep to it", lambda: first.share + second.share <= kept(queues).total < 2 * MOST)
    assert abs(first.share - second.share) <= 1
    assert BackoffReason.REFUSED in {standing.cut for standing in first.told}
    assert {standing.cut for standing in second.told} == {None}


def test_they_settle_below_what_the_service_can_take(queues: QueueServer, start_process: StartProcess) -> None:
    service = Service(capacity=10)
    processes = [start_process(queues) for _ in range(3)]
    for process in processes:
        process.keep_asking(service, threads=20)
    wait_until("a limit", lambda: kept(queues).limit is not None)

    def is_calm() -> bool:
        refused = service.refused
        time.sleep(10 * PERIOD_S)
        return service.refused == refused and sum(process.share for process in processes) <= 10

    wait_until("calm", is_calm)
    answered = [process.answered for process in processes]
    time.sleep(5 * PERIOD_S)
    assert all(process.answered > before for process, before in zip(processes, answered, strict=True))


def test_when_one_is_asked_to_wait_the_others_hold_back_too(queues: QueueServer, start_process: StartProcess) -> None:
    first, second = start_process(queues), start_process(queues)
    service = Service()
    second.keep_asking(service, threads=4)
    wait_until("the second", lambda: second.answered > 10)
    first.ask(Service(capacity=0, retry_after="600"))
    wait_until("the second holds back", lambda: second.pace.call_begins() > 10)
    wait_until("its calls end", lambda: service.in_flight == 0)
    answered = second.answered
    time.sleep(3 * PERIOD_S)
    assert second.answered <= answered + 4
    assert second.pace.call_begins() <= LONGEST_HOLD_S


def test_a_share_is_given_back_by_who_pauses_and_by_who_dies(queues: QueueServer, start_process: StartProcess) -> None:
    first, second = start_process(queues), start_process(queues)
    for process in (first, second):
        process.keep_asking(Service(), threads=20)
    wait_until("both", lambda: kept(queues).ceiling == 2 * MOST)

    def with_a_dead_one(common: LimiterState, now: float) -> LimiterState:
        dead = UsageReport(kind=Priority.SWEEP, ceiling=MOST, in_flight=MOST, wanted=MOST, refused=1)
        joined = advance(common, "dead", dead, now)
        last_seen = replace(joined.members["dead"], seen_at=now - 4)
        return replace(joined, members={**joined.members, "dead": last_seen})

    put(queues, with_a_dead_one)
    wait_until("the dead one is forgotten", lambda: "dead" not in kept(queues).members)
    wait_until("a share", lambda: first.share < MOST)
    second.stop()
    wait_until("the pausing one is gone", lambda: len(kept(queues).members) == 1)
    wait_until("its share goes to the other", lambda: first.share == kept(queues).total)
    assert second.share == AT_FIRST
    assert second.told[-1].share == 0


def test_flushed_redis_changes_no_limit(queues: QueueServer, start_process: StartProcess) -> None:
    first, second = start_process(queues), start_process(queues)
    for process in (first, second):
        process.keep_asking(Service(), threads=20)
    wait_until("both", lambda: kept(queues).ceiling == 2 * MOST)
    first.ask(Service(capacity=0))
    wait_until("a cut", lambda: first.share + second.share < 2 * MOST)
    before = kept(queues)
    queues.flush()
    wait_until("both again, with the cut", lambda: kept(queues).ceiling == 2 * MOST and kept(queues).cut_at == before.cut_at)
    after = kept(queues)
    assert (after.cut, after.cut_from) == (before.cut, before.cut_from)
    wait_until("both keep to it", lambda: first.share + second.share <= kept(queues).total)
    assert after.total < 2 * MOST


def test_what_another_version_keeps_there_is_as_good_as_nothing(queues: QueueServer, start_process: StartProcess) -> None:
    process = start_process(queues)
    process.memory.put(NAME, b'{"limits": "many"}', ttl=KEEP_FOR)
    process.keep_asking(Service(), threads=20)
    wait_until("the ceiling", lambda: process.share == MOST)


def test_without_redis_each_goes_on_with_its_share_and_finds_back(start_process: StartProcess, own_queues: QueueServer) -> None:
    first, second = start_process(own_queues), start_process(own_queues)
    service = Service()
    for process in (first, second):
        process.keep_asking(service, threads=20)
    wait_until("both", lambda: kept(own_queues).ceiling == 2 * MOST)
    service.capacity = 6
    wait_until("a limit", lambda: first.share + second.share <= 12)
    own_queues.stop()
    wait_until("it decides alone", lambda: first.told[-1].total == first.share and second.told[-1].total == second.share)
    assert first.share + second.share <= 14
    answered = first.answered
    wait_until("it asks on", lambda: first.answered > answered + 50)
    own_queues.start()
    wait_until("both found back", lambda: kept(own_queues).ceiling == 2 * MOST)


def test_live_calls_find_room_at_once_and_do_not_starve_a_sweep(queues: QueueServer, start_process: StartProcess) -> None:
    sweep, live = start_process(queues), start_process(queues, Priority.LIVE)
    service = Service()
    sweep.keep_asking(service, threads=20)
    wait_until("the sweep", lambda: sweep.share == MOST)
    sweep.ask(Service(capacity=0))
    wait_until("a limit, lent to the sweep whole", lambda: sweep.share == kept(queues).total < MOST)
    assert live.ask(service) == 200
    wait_until("room for who waits", lambda: sweep.share < kept(queues).total)
    live.keep_asking(service, threads=40)
    wait_until("both ask", lambda: kept(queues).members.keys() == {sweep.pace._name, live.pace._name})
    wait_until("three parts to one", lambda: live.share <= sweep.share / 2 and live.share + sweep.share <= kept(queues).total)


def test_threads_and_event_loop_of_a_process_share_its_part() -> None:
    pace = ConcurrencyLimiter("ScaleOps", 2, kind=Priority.LIVE, period_s=PERIOD_S)
    pace.gate.enter()
    pace.gate.enter()

    async def wait_in_vain() -> None:
        with pytest.raises(TimeoutError):
            await pace.gate.enter_async(0.01)

    asyncio.run(wait_in_vain())
    pace.close()
