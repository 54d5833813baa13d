"""The line: bounded in time, size and number, tried again when that may help, and plain about what came back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from pydantic import TypeAdapter

from clients.http.client import ErrorKind, HttpClient, HttpOptions, HttpRequest, HttpResponse, ServiceError, is_loopback
from clients.http.retry_after import retry_after_s
from simulator.faults import Fault as Trouble
from simulator.serving import Simulator
from tests.services.asking import Sleeps

FLAGS = HttpRequest(method="GET", target="/api/v1/networkCost/networkCostEnabled?multiCluster=true")
ROUTE = "GET /api/v1/networkCost/networkCostEnabled"
ANY_OBJECT = TypeAdapter(dict[str, object])


@contextmanager
def line_to(simulator: Simulator, rules: HttpOptions | None = None, *, sleep: Sleeps | None = None) -> Iterator[HttpClient]:
    simulator.state.modes = simulator.state.modes.model_copy(update={"auth": "none"})
    line = HttpClient("ScaleOps", simulator.scaleops_url, rules or HttpOptions(), sleep=sleep if sleep is not None else Sleeps())
    try:
        yield line
    finally:
        line.close()


def read(line: HttpClient) -> dict[str, object]:
    return line.parse(ANY_OBJECT, FLAGS, line.exchange(FLAGS))


def calls(simulator: Simulator) -> int:
    return simulator.state.calls["scaleops"][ROUTE]


@pytest.mark.parametrize(
    ("trouble", "fault", "sentence", "attempts"),
    [
        ({"status": 429}, ErrorKind.THROTTLED, "with 429: too many requests", 3),
        ({"status": 503}, ErrorKind.THROTTLED, "with 503: not available", 3),
        ({"status": 502, "mode": "html"}, ErrorKind.SERVER_ERROR, "with 502: an error of its own", 3),
        ({"status": 504}, ErrorKind.SERVER_ERROR, "with 504: an error of its own", 3),
        ({"status": 500}, ErrorKind.SERVER_ERROR, "with 500: an error of its own", 1),
        ({"status": 401}, ErrorKind.AUTH, "with 401: it does not accept our credentials", 1),
        ({"status": 403}, ErrorKind.AUTH, "with 403: our credentials are not allowed to ask this", 1),
        ({"status": 404}, ErrorKind.NOT_FOUND, "with 404: it does not know this", 1),
        ({"status": 400}, ErrorKind.REJECTED, "with 400: it refuses the request", 1),
        ({"status": 201}, ErrorKind.INVALID_RESPONSE, "with status 201 instead of 200 with an answer", 1),
        (
            {"mode": "redirect"},
            ErrorKind.INVALID_RESPONSE,
            "with a redirect (302), probably to a login page, which is not followed",
            1,
        ),
        ({"mode": "empty"}, ErrorKind.INVALID_RESPONSE, "with status 204 instead of 200 with an answer", 1),
        ({"mode": "html"}, ErrorKind.INVALID_RESPONSE, "with something that is no JSON (text/html)", 1),
        ({"status": 200, "body": ""}, ErrorKind.INVALID_RESPONSE, "with an empty body", 1),
        ({"status": 200, "body": [1]}, ErrorKind.INVALID_RESPONSE, "with JSON of another shape than expected (the whole: ", 1),
        ({"mode": "truncated"}, ErrorKind.INVALID_RESPONSE, "with JSON that breaks off or is malformed", 1),
        ({"mode": "cut"}, ErrorKind.INVALID_RESPONSE, "with a body that breaks off or cannot be unpacked", 1),
        ({"mode": "drop"}, ErrorKind.CONNECTION, "the connection was closed", 3),
        ({"mode": "accept-then-drop"}, ErrorKind.CONNECTION, "the connection was closed", 3),
    ],
)
def test_every_trouble_is_told_in_a_sentence_and_tried_again_only_when_that_may_help(
    simulator: Simulator, trouble: dict[str, object], fault: ErrorKind, sentence: str, attempts: int
) -> None:
    simulator.state.faults = [Trouble.model_validate({"service": "scaleops", "body": "secret in a body", **trouble})]
    with line_to(simulator) as line, pytest.raises(ServiceError) as failed:
        read(line)
    assert failed.value.kind is fault
    assert sentence in str(failed.value)
    assert str(failed.value).startswith(
        f"ScaleOps answered {ROUTE}" if fault is not ErrorKind.CONNECTION else "ScaleOps did not answer"
    )
    assert "secret" not in str(failed.value)
    assert calls(simulator) == attempts


@pytest.mark.parametrize("trouble", [{"status": 503}, {"mode": "drop"}, {"status": 429}])
def test_a_passing_trouble_passes(simulator: Simulator, trouble: dict[str, object]) -> None:
    simulator.state.faults = [Trouble.model_validate({"service": "scaleops", "times": 2, **trouble})]
    sleep = Sleeps()
    with line_to(simulator, HttpOptions(initial_wait_s=0.5), sleep=sleep) as line:
        assert "networkCostEnabled" in read(line)
    assert len(sleep) == 2
    assert all(0 <= wait <= 1 for wait in sleep)


def test_it_waits_at_least_as_long_as_the_service_asks(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="scaleops", status=429, headers={"Retry-After": "7"}, times=1)]
    sleep = Sleeps()
    with line_to(simulator, HttpOptions(initial_wait_s=0.5), sleep=sleep) as line:
        assert "networkCostEnabled" in read(line)
    assert len(sleep) == 1
    assert 7 <= sleep[0] <= 7.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12),
        ({"retry-after": "Mon, 16 Nov 2026 06:00:09 GMT", "date": "Mon, 16 Nov 2026 06:00:00 GMT"}, 9),
        ({"retry-after": "Mon, 16 Nov 2026 05:00:00 GMT", "date": "Mon, 16 Nov 2026 06:00:00 GMT"}, 0),
        ({"retry-after": "Mon, 16 Nov 2026 06:00:09 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_it_does_not_wait_for_a_service_that_asks_for_too_much_patience(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="scaleops", status=503, headers={"Retry-After": "3600"})]
    sleep = Sleeps()
    with line_to(simulator, sleep=sleep) as line, pytest.raises(ServiceError) as failed:
        read(line)
    assert failed.value.retry_after_s == 3600
    assert sleep == []
    assert calls(simulator) == 1


def test_an_answer_that_is_too_large_is_not_read_to_its_end(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="scaleops", mode="huge", megabytes=64)]
    with line_to(simulator, HttpOptions(max_response_bytes=1024 * 1024)) as line, pytest.raises(ServiceError) as failed:
        read(line)
    assert failed.value.kind is ErrorKind.INVALID_RESPONSE
    assert "more than 1024 KiB" in str(failed.value)
    assert calls(simulator) == 1


def test_a_service_that_says_nothing_is_given_up(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="scaleops", delay_s=30)]
    with line_to(simulator, HttpOptions(timeout_s=0.05, attempts=2)) as line, pytest.raises(ServiceError) as failed:
        read(line)
    assert failed.value.kind is ErrorKind.CONNECTION
    assert failed.value.outcome_unknown
    assert not failed.value.service_down
    assert "no answer within 0.05 s" in str(failed.value)
    simulator.state.faults = []


def test_a_service_that_stops_in_the_middle_is_given_up(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="scaleops", mode="slow", delay_s=30)]
    with line_to(simulator, HttpOptions(timeout_s=0.05, attempts=1)) as line, pytest.raises(ServiceError) as failed:
        read(line)
    assert failed.value.kind is ErrorKind.CONNECTION


def test_a_service_that_is_not_there_is_not_there_as_a_whole() -> None:
    line = HttpClient("ScaleOps", "http://127.0.0.1:1", HttpOptions(), sleep=Sleeps())
    with pytest.raises(ServiceError) as failed:
        line.exchange(FLAGS)
    assert failed.value.kind is ErrorKind.CONNECTION
    assert failed.value.service_down
    assert not failed.value.outcome_unknown
    assert "it cannot be reached" in str(failed.value)


def test_no_more_calls_are_in_flight_than_allowed(simulator: Simulator) -> None:
    class Watched(HttpClient):
        most = now = 0
        counting = threading.Lock()

        def _receive(
            self, transport: httpx.BaseTransport, request: HttpRequest, headers: list[tuple[bytes, bytes]]
        ) -> HttpResponse:
            with self.counting:
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                return super()._receive(transport, request, headers)
            finally:
                with self.counting:
                    self.now -= 1

    simulator.state.modes = simulator.state.modes.model_copy(update={"auth": "none"})
    simulator.state.latency_s = 0.01
    line = Watched("ScaleOps", simulator.scaleops_url, HttpOptions(max_in_flight=3), sleep=Sleeps())
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: line.exchange(FLAGS).status, range(40)))
    line.close()
    assert answers == [200] * 40
    assert line.most == 3


def test_a_header_cannot_smuggle_another_one(simulator: Simulator) -> None:
    request = HttpRequest(method="GET", target="/api/v1/policies", headers={"X-Scaleops-Cluster": "a\r\nAuthorization: x"})
    with line_to(simulator) as line, pytest.raises(ServiceError, match="control character") as failed:
        line.exchange(request)
    assert failed.value.kind is ErrorKind.REJECTED
    assert not simulator.state.calls["scaleops"]


def test_an_address_that_cannot_be_read_cannot_be_reached() -> None:
    line = HttpClient("ScaleOps", "http://scaleops.example.com:99999", HttpOptions(), sleep=Sleeps())
    with pytest.raises(ServiceError, match=r"ScaleOps did not answer .*: it cannot be reached") as failed:
        line.exchange(FLAGS)
    assert failed.value.service_down


def test_a_closed_line_keeps_no_connection(simulator: Simulator) -> None:
    with line_to(simulator) as line:
        read(line)
        assert len(line._idle) == 1
    assert len(line._idle) == 0


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost", True),
        ("http://[::1]:9", True),
        ("https://scaleops.example.com", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_loopback_is_this_machine_only(url: str, *, is_local: bool) -> None:
    assert is_loopback(url) is is_local
