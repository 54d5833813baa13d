"""The limit of all processes together backs off, settles and recovers, and its shares are fair."""

import heapq
import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.throttle.limit_algorithm import (
    INTERACTIVE_LINGER_S,
    MAX_PAUSE_S,
    PARTICIPANT_TTL_S,
    PROPAGATION_S,
    STATE_TTL_S,
    BackoffReason,
    CallPriority,
    LimiterState,
    UsageReport,
    allocate,
    update,
)

BUSY = UsageReport(priority=CallPriority.BACKGROUND, ceiling=16, wanted=20)
NOW = 1000.0
TICK_S = 0.01
CALL_S = 0.1


@dataclass
class SimulatedService:
    """Responds in 100 ms, and rejects calls above its capacity at once."""

    capacity: int = 1000
    retry_after_s: float = 0.0
    in_flight: int = 0
    served: int = 0
    refused: int = 0


@dataclass
class SimulatedProcess:
    name: str
    share: int = 16
    paused_until: float = 0.0
    ends: list[float] = field(default_factory=list)
    successes: int = 0
    throttled: int = 0
    next_report: float = 0.0
    last_report: float = -1.0


class LimiterSimulation:
    def __init__(self, service: SimulatedService, processes: int) -> None:
        self.service = service
        self.processes = [
            SimulatedProcess(name=f"p{number}", next_report=NOW + number / processes) for number in range(processes)
        ]
        self.state = LimiterState()
        self.now = NOW
        self.random = random.Random(1)  # noqa: S311 - it shuffles
        self.limits: list[int] = []

    def limit_after(self, seconds: float) -> int:
        until = self.now + seconds
        while self.now < until:
            self.now += TICK_S
            for process in self.processes:
                while process.ends and process.ends[0] <= self.now:
                    heapq.heappop(process.ends)
                    self.service.in_flight -= 1
            for process in self.random.sample(self.processes, len(self.processes)):
                self._call(process)
                if self.now >= process.next_report or (process.throttled and self.now - process.last_report >= 0.1):
                    self._report(process)
            self.limits.append(self.state.total)
        return self.state.total

    def _call(self, process: SimulatedProcess) -> None:
        for _ in range(process.share - len(process.ends) if self.now >= process.paused_until else 0):
            if self.service.in_flight >= self.service.capacity:
                self.service.refused += 1
                process.throttled += 1
                process.paused_until = self.now + self.service.retry_after_s
            else:
                self.service.in_flight += 1
                self.service.served += 1
                process.successes += 1
                heapq.heappush(process.ends, self.now + CALL_S)

    def _report(self, process: SimulatedProcess) -> None:
        report = replace(
            BUSY,
            successes=process.successes,
            throttled=process.throttled,
            pause_s=max(0.0, process.paused_until - self.now) if process.throttled else 0.0,
        )
        self.state = update(self.state, process.name, report, self.now)
        process.share = allocate(self.state, self.now)[process.name]
        process.paused_until = max(process.paused_until, self.state.paused_until)
        process.successes = process.throttled = 0
        process.last_report, process.next_report = self.now, self.now + 1.0


@pytest.mark.parametrize(("capacity", "processes"), [(8, 1), (8, 4), (24, 4), (60, 4)])
@pytest.mark.parametrize("retry_after_s", [0, 1])
def test_it_settles_below_the_capacity_of_the_service(capacity: int, processes: int, retry_after_s: int) -> None:
    service = SimulatedService(capacity=capacity, retry_after_s=retry_after_s)
    simulation = LimiterSimulation(service, processes)
    simulation.limit_after(60)
    served, refused = service.served, service.refused
    simulation.limits.clear()
    simulation.limit_after(120)
    served, refused = service.served - served, service.refused - refused
    assert refused < 0.02 * served
    assert served > 0.75 * 120 * capacity / CALL_S
    assert max(simulation.limits) <= 1.2 * capacity + 1


def test_it_backs_off_within_seconds() -> None:
    assert LimiterSimulation(SimulatedService(capacity=4, retry_after_s=1), 4).limit_after(15) <= 6


def test_it_recovers_with_the_service() -> None:
    service = SimulatedService(capacity=8, retry_after_s=1)
    simulation = LimiterSimulation(service, 4)
    assert simulation.limit_after(60) <= 9
    service.capacity = 1000
    assert simulation.limit_after(120) == 64
    assert simulation.state.limit is None


def test_an_outage_leaves_one_call_per_process_and_ends_with_it() -> None:
    service = SimulatedService(retry_after_s=1)
    simulation = LimiterSimulation(service, 4)
    simulation.limit_after(10)
    service.capacity = 0
    assert simulation.limit_after(60) == 4
    service.capacity = 1000
    assert simulation.limit_after(120) == 64


def test_there_is_no_second_decrease_before_the_first_has_propagated() -> None:
    state = LimiterState()
    for number in range(4):
        state = update(state, f"p{number}", replace(BUSY, successes=100), NOW)
    assert update(state, "p0", replace(BUSY, throttled=3), NOW + 1).limit == 32
    state = update(state, "p0", replace(BUSY, successes=4, throttled=3), NOW + 1)
    assert state.limit == pytest.approx(64 * 0.7)
    for number in range(4):
        state = update(state, f"p{number}", replace(BUSY, throttled=3), NOW + 1 + number / 10)
    assert state.decreased_at == NOW + 1
    assert update(state, "p0", replace(BUSY, throttled=3), NOW + 1 + PROPAGATION_S).decreased_at > NOW + 1


def test_a_429_of_few_calls_lowers_the_limit_to_half_at_most() -> None:
    few = UsageReport(priority=CallPriority.INTERACTIVE, ceiling=16, wanted=1, throttled=1)
    assert update(LimiterState(), "idle", few, NOW).total == 8


def test_one_timeout_among_many_calls_lowers_nothing() -> None:
    assert update(LimiterState(), "a", replace(BUSY, successes=50, timeouts=1), NOW).limit is None


def test_timeouts_lower_the_limit() -> None:
    report = replace(BUSY, timeouts=16)
    assert report.backoff_reason is BackoffReason.TIMEOUT
    assert update(LimiterState(), "a", report, NOW).total == 11


def test_retry_after_pauses_every_process_within_a_bound() -> None:
    state = update(LimiterState(), "a", replace(BUSY, throttled=1, pause_s=3), NOW)
    assert update(state, "b", BUSY, NOW + 1).paused_until == NOW + 3
    assert update(state, "b", replace(BUSY, throttled=1, pause_s=3600), NOW + 1).paused_until == NOW + 1 + MAX_PAUSE_S


def test_a_dead_participant_is_dropped() -> None:
    state = update(update(LimiterState(), "dead", BUSY, NOW), "alive", BUSY, NOW)
    assert state.ceiling == 32
    assert update(state, "alive", BUSY, NOW + PARTICIPANT_TTL_S).ceiling == 16


def test_a_participant_without_calls_leaves_and_lowers_nothing() -> None:
    state = update(update(LimiterState(), "a", BUSY, NOW), "b", BUSY, NOW)
    assert set(update(state, "a", replace(BUSY, wanted=0), NOW + 1).participants) == {"b"}
    assert update(LimiterState(), "a", replace(BUSY, wanted=0, throttled=1), NOW).limit is None


def test_a_limit_is_discarded_after_a_long_pause() -> None:
    state = update(LimiterState(), "a", replace(BUSY, throttled=1), NOW)
    assert update(state, "a", BUSY, NOW + STATE_TTL_S).limit is not None
    assert update(state, "a", BUSY, NOW + STATE_TTL_S + 1).limit is None


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    state = update(LimiterState(), "a", replace(BUSY, throttled=1, pause_s=5), NOW)
    back = update(state, "a", BUSY, NOW - 500)
    assert back.paused_until <= NOW - 500 + MAX_PAUSE_S
    lowered = update(back, "a", replace(BUSY, throttled=1), NOW - 490)
    assert (lowered.limit or 0) < (back.limit or 0)


def background(wanted: int = 20) -> UsageReport:
    return replace(BUSY, wanted=min(wanted, 16), reported_at=NOW)


def interactive(wanted: int) -> UsageReport:
    return replace(BUSY, priority=CallPriority.INTERACTIVE, wanted=wanted, reported_at=NOW)


@pytest.mark.parametrize(
    ("limit", "participants", "shares"),
    [
        (None, {"a": background(), "b": background()}, {"a": 16, "b": 16}),
        (100, {"a": background(), "b": interactive(1)}, {"a": 16, "b": 16}),
        (12, {"a": background(), "b": background(), "c": background()}, {"a": 4, "b": 4, "c": 4}),
        (13, {"a": background(), "b": background(), "c": background()}, {"a": 5, "b": 4, "c": 4}),
        (12, {"a": background(2), "b": background()}, {"a": 2, "b": 10}),
        (12, {"a": background(2), "b": background(3)}, {"a": 6, "b": 6}),
        (2, {"a": background(), "b": background(), "c": background()}, {"a": 1, "b": 1, "c": 1}),
        (16, {"s": background(), "l": interactive(1)}, {"s": 12, "l": 4}),
        (16, {"s": background(), "l": interactive(16)}, {"s": 12, "l": 4}),
        (16, {"s": background(3), "l": interactive(16)}, {"s": 3, "l": 13}),
        (
            16,
            {"s": background(), "t": background(), "l": interactive(16), "m": interactive(16)},
            {"s": 6, "t": 6, "l": 2, "m": 2},
        ),
        (4, {"s": background(), "l": interactive(16)}, {"s": 3, "l": 1}),
        (2, {"s": background(), "l": interactive(16)}, {"s": 1, "l": 1}),
        (16, {"l": interactive(16), "m": interactive(2)}, {"l": 14, "m": 2}),
    ],
)
def test_shares(limit: float | None, participants: dict[str, UsageReport], shares: dict[str, int]) -> None:
    has_interactive = any(each.priority is CallPriority.INTERACTIVE for each in participants.values())
    state = LimiterState(limit=limit, participants=participants, interactive_at=NOW if has_interactive else 0.0)
    assert allocate(state, NOW) == shares


def test_background_calls_use_the_interactive_share_while_it_is_unused() -> None:
    state = LimiterState(limit=16, participants={"a": background(), "b": background()}, interactive_at=NOW)
    assert sum(allocate(state, NOW + INTERACTIVE_LINGER_S - 1).values()) == 12
    assert sum(allocate(state, NOW + INTERACTIVE_LINGER_S).values()) == 16


reports = st.builds(
    UsageReport,
    priority=st.sampled_from(CallPriority),
    ceiling=st.integers(1, 40),
    wanted=st.integers(0, 60),
    successes=st.integers(0, 200),
    throttled=st.integers(0, 2),
    timeouts=st.integers(0, 2),
    pause_s=st.floats(0, 100),
)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), reports, st.floats(0, 8)), min_size=1, max_size=40))
def test_shares_keep_the_limit_and_starve_no_participant(history: list[tuple[str, UsageReport, float]]) -> None:
    state, now = LimiterState(), NOW
    for name, report, pause_s in history:
        now += pause_s
        decreased_at, state = state.decreased_at, update(state, name, report, now)
        shares = allocate(state, now)
        assert shares.keys() == state.participants.keys()
        assert all(1 <= share <= state.participants[name].ceiling for name, share in shares.items())
        assert len(shares) <= state.total <= state.ceiling
        assert state.decreased_at in (0.0, decreased_at) or state.decreased_at - decreased_at >= PROPAGATION_S
        _check_priorities(state, shares, now)


def _check_priorities(state: LimiterState, shares: dict[str, int], now: float) -> None:
    groups = {
        priority: {name: each for name, each in state.participants.items() if each.priority is priority}
        for priority in CallPriority
    }
    interactive, background = groups[CallPriority.INTERACTIVE], groups[CallPriority.BACKGROUND]
    if interactive or now - state.interactive_at >= INTERACTIVE_LINGER_S:
        assert sum(shares.values()) == state.total
    else:
        assert sum(shares.values()) <= state.total
    reserve = min(max(1, round(state.total / 4), len(interactive)), state.total - len(background))
    if interactive:
        assert sum(shares[name] for name in interactive) >= min(reserve, sum(each.wanted for each in interactive.values()))
    wanted = sum(each.wanted for each in background.values())
    assert sum(shares[name] for name in background) >= min(state.total - reserve, wanted)
