"""A service with a capacity, and processes that ask it under one common limit, in simulated time."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from clients.throttle.allocation import allocate
from clients.throttle.limit_algorithm import BackoffReason, LimiterState, Priority, Timing, UsageReport, advance

TICK_S = 0.01
ROUTE = "GET /x"


@dataclass
class Service:
    """Answers a call in `takes_s` of (calls in flight, randomness), and refuses at once what is more than its capacity."""

    takes_s: Callable[[int, random.Random], float] = lambda _, __: 0.1
    capacity: int | None = None
    retry_after_s: float = 0.0
    is_down: bool = False
    in_flight: int = 0
    good: int = 0
    refused: int = 0


@dataclass
class Process:
    """Asks as much as its share allows, up to `wants` at a time."""

    name: str
    kind: Priority = Priority.SWEEP
    ceiling: int = 16
    wants: int = 20
    share: int = 16
    held_until: float = 0.0
    ends: list[float] = field(default_factory=list)
    good: int = 0
    seconds: float = 0.0
    refused: int = 0
    hold_until: float = 0.0
    done: int = 0
    next_report: float = 0.0
    last_report: float = -1.0
    is_dead: bool = False
    """Killed: says nothing any more. Its calls never end."""


class Town:
    """All of it. Time goes on by `run`."""

    def __init__(self, service: Service, *processes: Process, seed: int = 1) -> None:
        self.service = service
        self.processes = list(processes)
        self.common = LimiterState()
        self.now = 1000.0
        self.random = random.Random(seed)  # noqa: S311 - it makes noise
        self.totals: list[tuple[float, int, int]] = []
        """Instant, limit of all, in flight."""
        self.cuts: Counter[BackoffReason] = Counter()
        for number, process in enumerate(self.processes):
            process.next_report = self.now + number / max(1, len(self.processes))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += TICK_S
            for process in self.processes:
                if not process.is_dead:
                    self._end_calls(process)
            order = [process for process in self.processes if not process.is_dead]
            self.random.shuffle(order)
            for process in order:
                self._begin_calls(process)
                hears = process.refused and self.now - process.last_report >= 0.1
                if self.now >= process.next_report or hears:
                    self._report(process)
            self.totals.append((self.now, self.common.total, self.service.in_flight))

    def limits(self, since_s: float) -> list[int]:
        """Answer the limits of the last so many seconds."""
        return [total for at, total, _ in self.totals if at > self.now - since_s]

    def total_after(self, seconds: float) -> int:
        """Go on for a while; answer the limit then."""
        self.run(seconds)
        return self.common.total

    def _end_calls(self, process: Process) -> None:
        while process.ends and process.ends[0] <= self.now:
            heapq.heappop(process.ends)
            self.service.in_flight -= 1
            process.done += 1

    def _begin_calls(self, process: Process) -> None:
        service = self.service
        if self.now < process.held_until:
            return
        for _ in range(min(process.share, process.wants) - len(process.ends)):
            if service.is_down or (service.capacity is not None and service.in_flight >= service.capacity):
                service.refused += 1
                process.refused += 1
                process.hold_until = max(process.hold_until, self.now + service.retry_after_s)
                process.held_until = max(process.held_until, process.hold_until)
                continue
            service.in_flight += 1
            takes_s = service.takes_s(service.in_flight, self.random)
            heapq.heappush(process.ends, self.now + takes_s)
            process.good += 1
            process.seconds += takes_s
            service.good += 1

    def _report(self, process: Process) -> None:
        report = UsageReport(
            kind=process.kind,
            ceiling=process.ceiling,
            in_flight=min(process.share, process.wants) if process.wants else 0,
            wanted=process.wants or len(process.ends),
            good={ROUTE: Timing(calls=process.good, seconds=process.seconds)} if process.good else {},
            refused=process.refused,
            hold_s=max(0.0, process.hold_until - self.now),
        )
        before = self.common
        self.common = advance(before, process.name, report, self.now)
        if self.common.cut is not None and self.common.cut_at != before.cut_at:
            self.cuts[self.common.cut] += 1
        process.share = allocate(self.common, self.now).get(process.name, 1)
        process.held_until = max(process.held_until, self.common.held_until)
        process.good = process.refused = 0
        process.seconds = 0.0
        process.last_report = self.now
        process.next_report = self.now + 1.0
