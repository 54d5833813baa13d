"""An HTTP client with a limiter: outcomes are reported, Retry-After pauses calls, and a limit is not taken for an outage."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clients.http.client import HttpClient, HttpOptions
from clients.http.errors import ServiceError
from clients.http.messages import HttpRequest
from clients.throttle.concurrency_limiter import ConcurrencyLimiter, LimiterStatus
from clients.throttle.limit_algorithm import BackoffReason, CallPriority
from simulator.serving import Simulator
from tests.services.clients import Sleeps
from tests.services.waiting import wait_until

FLAGS = HttpRequest(method="GET", target="/api/v1/networkCost/networkCostEnabled?multiCluster=true")


@contextmanager
def client_of(
    simulator: Simulator,
    options: HttpOptions,
    *,
    priority: CallPriority = CallPriority.BACKGROUND,
    url: str | None = None,
    statuses: list[LimiterStatus] | None = None,
) -> Iterator[tuple[HttpClient, Sleeps]]:
    simulator.state.modes = simulator.state.modes.model_copy(update={"auth": "none"})
    limiter = ConcurrencyLimiter("ScaleOps", 16, priority=priority, report_interval_s=0.1)
    limiter.on_status = None if statuses is None else statuses.append
    sleeps = Sleeps()
    http = HttpClient("ScaleOps", url or simulator.scaleops_url, options, limiter=limiter, sleep=sleeps)
    try:
        yield http, sleeps
    finally:
        http.close()
        limiter.close()


def calls(simulator: Simulator) -> int:
    return simulator.state.calls["scaleops"][FLAGS.route]


@pytest.mark.parametrize("status", [429, 503])
def test_a_429_does_not_count_as_an_attempt_while_other_calls_succeed(simulator: Simulator, status: int) -> None:
    with client_of(simulator, HttpOptions(attempts=3)) as (http, _):
        assert http.send(FLAGS).status == 200
        simulator.plan_fault("scaleops", status=status, times=7)
        assert http.send(FLAGS).status == 200
    assert calls(simulator) == 9


def test_but_not_without_end(simulator: Simulator) -> None:
    with client_of(simulator, HttpOptions(attempts=3, timeout_s=0.5)) as (http, sleeps):
        assert http.send(FLAGS).status == 200
        simulator.plan_fault("scaleops", status=429)
        with pytest.raises(ServiceError, match="429"):
            http.send(FLAGS)
        assert max(sleeps) <= http.options.max_wait_s
    assert calls(simulator) > 4


def test_interactive_calls_fail_once_the_retry_budget_is_spent(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.http.client.INTERACTIVE_RETRY_BUDGET_S", 0.0)
    with client_of(simulator, HttpOptions(attempts=3), priority=CallPriority.INTERACTIVE) as (http, _):
        assert http.send(FLAGS).status == 200
        simulator.plan_fault("scaleops", status=429)
        with pytest.raises(ServiceError, match="429"):
            http.send(FLAGS)
    assert calls(simulator) == 2


def test_other_errors_count_as_attempts(simulator: Simulator) -> None:
    with client_of(simulator, HttpOptions(attempts=3)) as (http, _):
        assert http.send(FLAGS).status == 200
        simulator.plan_fault("scaleops", status=502)
        with pytest.raises(ServiceError, match="502"):
            http.send(FLAGS)
    assert calls(simulator) == 4


def test_the_next_call_waits_for_the_retry_after_of_an_earlier_one(simulator: Simulator) -> None:
    simulator.plan_fault("scaleops", status=429, headers={"Retry-After": "600"}, times=1)
    with client_of(simulator, HttpOptions()) as (http, sleeps):
        with pytest.raises(ServiceError, match="429"):
            http.send(FLAGS)  # the Retry-After is above max_wait_s
        assert not sleeps
        assert http.send(FLAGS).status == 200
        assert len(sleeps) == 1
        assert 10 < sleeps[0] <= 20


def test_a_timeout_lowers_the_limit(simulator: Simulator) -> None:
    statuses: list[LimiterStatus] = []
    simulator.plan_fault("scaleops", delay_s=5)
    with client_of(simulator, HttpOptions(attempts=1, timeout_s=0.1), statuses=statuses) as (http, _):
        with pytest.raises(ServiceError, match="no answer"):
            http.send(FLAGS)
        wait_until("the decrease", lambda: BackoffReason.TIMEOUT in {status.backoff_reason for status in statuses})


def test_a_refused_connection_is_not_a_timeout(simulator: Simulator) -> None:
    statuses: list[LimiterStatus] = []
    with client_of(simulator, HttpOptions(attempts=1), url="http://127.0.0.1:1", statuses=statuses) as (http, _):
        with pytest.raises(ServiceError, match="cannot be reached"):
            http.send(FLAGS)
        wait_until("the final report", lambda: statuses[-1:] != [] and statuses[-1].share == 0)
    assert {status.backoff_reason for status in statuses} == {None}
