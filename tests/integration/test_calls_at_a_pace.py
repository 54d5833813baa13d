"""A line with a pace: what it meets is told, what it is told is kept, and a limit that was met is no outage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clients.http.client import HttpClient, HttpOptions, HttpRequest, ServiceError
from clients.throttle.concurrency_limiter import ConcurrencyLimiter, LimiterStatus
from clients.throttle.limit_algorithm import BackoffReason, Priority
from simulator.faults import Fault as Trouble
from simulator.serving import Simulator
from tests.services.asking import Sleeps
from tests.services.waiting import wait_until

FLAGS = HttpRequest(method="GET", target="/api/v1/networkCost/networkCostEnabled?multiCluster=true")
ROUTE = "GET /api/v1/networkCost/networkCostEnabled"


@contextmanager
def line_to(
    simulator: Simulator,
    rules: HttpOptions,
    *,
    kind: Priority = Priority.SWEEP,
    url: str | None = None,
    told: list[LimiterStatus] | None = None,
) -> Iterator[tuple[HttpClient, Sleeps]]:
    simulator.state.modes = simulator.state.modes.model_copy(update={"auth": "none"})
    pace = ConcurrencyLimiter("ScaleOps", 16, kind=kind, period_s=0.1)
    if told is not None:
        pace.listen(told.append)
    sleeps = Sleeps()
    line = HttpClient("ScaleOps", url or simulator.scaleops_url, rules, pace=pace, sleep=sleeps)
    try:
        yield line, sleeps
    finally:
        line.close()
        pace.close()


def calls(simulator: Simulator) -> int:
    return simulator.state.calls["scaleops"][ROUTE]


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_is_no_try_while_others_get_through(simulator: Simulator, status: int) -> None:
    with line_to(simulator, HttpOptions(attempts=3)) as (line, _):
        assert line.exchange(FLAGS).status == 200
        simulator.state.faults = [Trouble(service="scaleops", status=status, times=7)]
        assert line.exchange(FLAGS).status == 200
    assert calls(simulator) == 9


def test_not_for_ever(simulator: Simulator) -> None:
    with line_to(simulator, HttpOptions(attempts=3, timeout_s=0.5)) as (line, sleeps):
        assert line.exchange(FLAGS).status == 200
        simulator.state.faults = [Trouble(service="scaleops", status=429)]
        with pytest.raises(ServiceError, match="429"):
            line.exchange(FLAGS)
        assert max(sleeps) <= line.rules.max_wait_s
    assert calls(simulator) > 4


def test_whoever_asks_in_person_is_told_long_before(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.http.client._LIVE_PATIENCE_S", 0.0)
    with line_to(simulator, HttpOptions(attempts=3), kind=Priority.LIVE) as (line, _):
        assert line.exchange(FLAGS).status == 200
        simulator.state.faults = [Trouble(service="scaleops", status=429)]
        with pytest.raises(ServiceError, match="429"):
            line.exchange(FLAGS)
    assert calls(simulator) == 2


def test_other_troubles_count_as_before(simulator: Simulator) -> None:
    with line_to(simulator, HttpOptions(attempts=3)) as (line, _):
        assert line.exchange(FLAGS).status == 200
        simulator.state.faults = [Trouble(service="scaleops", status=502)]
        with pytest.raises(ServiceError, match="502"):
            line.exchange(FLAGS)
    assert calls(simulator) == 4


def test_the_next_call_waits_for_as_long_as_an_earlier_one_was_asked_to(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="scaleops", status=429, headers={"Retry-After": "600"}, times=1)]
    with line_to(simulator, HttpOptions()) as (line, sleeps):
        with pytest.raises(ServiceError, match="429"):
            line.exchange(FLAGS)  # it would take too long to try again
        assert not sleeps
        assert line.exchange(FLAGS).status == 200
        assert len(sleeps) == 1
        assert 10 < sleeps[0] <= 20


def test_silence_is_told(simulator: Simulator) -> None:
    told: list[LimiterStatus] = []
    simulator.state.faults = [Trouble(service="scaleops", delay_s=5)]
    with line_to(simulator, HttpOptions(attempts=1, timeout_s=0.1), told=told) as (line, _):
        with pytest.raises(ServiceError, match="no answer"):
            line.exchange(FLAGS)
        wait_until("the cut", lambda: BackoffReason.SILENT in {standing.cut for standing in told}, explain=lambda: str(told))


def test_nobody_there_is_not_silence(simulator: Simulator) -> None:
    told: list[LimiterStatus] = []
    with line_to(simulator, HttpOptions(attempts=1), url="http://127.0.0.1:1", told=told) as (line, _):
        with pytest.raises(ServiceError, match="cannot be reached"):
            line.exchange(FLAGS)
        wait_until("a farewell", lambda: told[-1:] != [] and told[-1].share == 0)
    assert {standing.cut for standing in told} == {None}
