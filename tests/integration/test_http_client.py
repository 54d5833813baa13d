"""The HTTP client: bounded in time, size and number, retries what may succeed, and says what came back."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from pydantic import TypeAdapter

from clients.http.client import HttpClient, HttpOptions
from clients.http.errors import ErrorKind, ServiceError
from clients.http.loopback import is_loopback_url
from clients.http.messages import HttpRequest, parse_json, retry_after_s
from simulator.serving import Simulator
from tests.services.clients import Sleeps

FLAGS = HttpRequest(method="GET", target="/api/v1/networkCost/networkCostEnabled?multiCluster=true")
ROUTE = "GET /api/v1/networkCost/networkCostEnabled"
ANY_OBJECT = TypeAdapter(dict[str, object])


@contextmanager
def client_of(simulator: Simulator, options: HttpOptions | None = None, *, sleep: Sleeps | None = None) -> Iterator[HttpClient]:
    simulator.state.modes = simulator.state.modes.model_copy(update={"auth": "none"})
    http = HttpClient(
        "ScaleOps", simulator.scaleops_url, options or HttpOptions(), sleep=sleep if sleep is not None else Sleeps()
    )
    try:
        yield http
    finally:
        http.close()


def fetch(http: HttpClient) -> dict[str, object]:
    return parse_json(http.service, ANY_OBJECT, FLAGS, http.send(FLAGS))


def calls(simulator: Simulator) -> int:
    return simulator.state.calls["scaleops"][ROUTE]


@pytest.mark.parametrize(
    ("fault", "kind", "sentence", "attempts"),
    [
        ({"status": 429}, ErrorKind.THROTTLED, "with 429: too many requests", 3),
        ({"status": 503}, ErrorKind.THROTTLED, "with 503: not available", 3),
        ({"status": 502, "mode": "html"}, ErrorKind.SERVER_ERROR, "with 502: an internal error", 3),
        ({"status": 504}, ErrorKind.SERVER_ERROR, "with 504: an internal error", 3),
        ({"status": 500}, ErrorKind.SERVER_ERROR, "with 500: an internal error", 1),
        ({"status": 401}, ErrorKind.AUTH, "with 401: our credentials were not accepted", 1),
        ({"status": 403}, ErrorKind.AUTH, "with 403: our credentials do not permit this request", 1),
        ({"status": 404}, ErrorKind.NOT_FOUND, "with 404: not found", 1),
        ({"status": 400}, ErrorKind.REJECTED, "with 400: the request was rejected", 1),
        ({"status": 201}, ErrorKind.INVALID_RESPONSE, "with status 201 instead of 200 with a body", 1),
        (
            {"mode": "redirect"},
            ErrorKind.INVALID_RESPONSE,
            "with a redirect (302), probably to a login page, which is not followed",
            1,
        ),
        ({"mode": "empty"}, ErrorKind.INVALID_RESPONSE, "with status 204 instead of 200 with a body", 1),
        ({"mode": "html"}, ErrorKind.INVALID_RESPONSE, "with a body that is not JSON (text/html)", 1),
        ({"status": 200, "body": ""}, ErrorKind.INVALID_RESPONSE, "with an empty body", 1),
        ({"status": 200, "body": [1]}, ErrorKind.INVALID_RESPONSE, "with JSON of an unexpected schema (the document: ", 1),
        ({"mode": "truncated"}, ErrorKind.INVALID_RESPONSE, "with truncated or malformed JSON", 1),
        ({"mode": "cut"}, ErrorKind.INVALID_RESPONSE, "with a body that is truncated or cannot be decompressed", 1),
        ({"mode": "drop"}, ErrorKind.CONNECTION, "the connection was closed", 3),
        ({"mode": "accept-then-drop"}, ErrorKind.CONNECTION, "the connection was closed", 3),
    ],
)
def test_every_failure_has_a_sentence_and_is_retried_only_if_that_may_help(
    simulator: Simulator, fault: dict[str, object], kind: ErrorKind, sentence: str, attempts: int
) -> None:
    simulator.plan_fault("scaleops", **{"body": "secret in a body", **fault})
    with client_of(simulator) as http, pytest.raises(ServiceError) as failed:
        fetch(http)
    assert failed.value.kind is kind
    assert sentence in str(failed.value)
    assert str(failed.value).startswith(
        f"ScaleOps answered {ROUTE}" if kind is not ErrorKind.CONNECTION else "ScaleOps did not answer"
    )
    assert "secret" not in str(failed.value)
    assert calls(simulator) == attempts


@pytest.mark.parametrize("fault", [{"status": 503}, {"mode": "drop"}, {"status": 429}])
def test_a_temporary_failure_is_retried(simulator: Simulator, fault: dict[str, object]) -> None:
    simulator.plan_fault("scaleops", times=2, **fault)
    sleep = Sleeps()
    with client_of(simulator, HttpOptions(initial_wait_s=0.5), sleep=sleep) as http:
        assert "networkCostEnabled" in fetch(http)
    assert len(sleep) == 2
    assert all(0 <= wait <= 1 for wait in sleep)


def test_it_waits_at_least_for_the_retry_after(simulator: Simulator) -> None:
    simulator.plan_fault("scaleops", status=429, headers={"Retry-After": "7"}, times=1)
    sleep = Sleeps()
    with client_of(simulator, HttpOptions(initial_wait_s=0.5), sleep=sleep) as http:
        assert "networkCostEnabled" in fetch(http)
    assert len(sleep) == 1
    assert 7 <= sleep[0] <= 7.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12),
        ({"retry-after": "Mon, 16 Nov 2026 06:00:09 GMT", "date": "Mon, 16 Nov 2026 06:00:00 GMT"}, 9),
        ({"retry-after": "Mon, 16 Nov 2026 05:00:00 GMT", "date": "Mon, 16 Nov 2026 06:00:00 GMT"}, 0),
        ({"retry-after": "Mon, 16 Nov 2026 06:00:09 GMT"}, None),
        ({"retry-after": "Mon, 16 Nov 2037 06:00:09 GMT", "date": "Mon, 16 Nov 2026 06:00:00 GMT"}, 3600),
        ({"retry-after": "Mon, 99 Nov 99999 06:00:09 GMT", "date": "Mon, 16 Nov 2026 06:00:00 GMT"}, None),
        ({"retry-after": "1.5"}, 1.5),
        *[({"retry-after": text}, 3600) for text in ("inf", "1e12", "1e400", "9" * 5000)],
        *[({"retry-after": text}, 0) for text in ("-5", "-inf", "0")],
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_parsed_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_it_does_not_wait_for_a_retry_after_above_the_limit(simulator: Simulator) -> None:
    simulator.plan_fault("scaleops", status=503, headers={"Retry-After": "3600"})
    sleep = Sleeps()
    with client_of(simulator, sleep=sleep) as http, pytest.raises(ServiceError) as failed:
        fetch(http)
    assert failed.value.retry_after_s == 3600
    assert sleep == []
    assert calls(simulator) == 1


def test_a_response_that_is_too_large_is_not_read_to_its_end(simulator: Simulator) -> None:
    simulator.plan_fault("scaleops", mode="huge", megabytes=64)
    with client_of(simulator, HttpOptions(max_response_bytes=1024 * 1024)) as http, pytest.raises(ServiceError) as failed:
        fetch(http)
    assert failed.value.kind is ErrorKind.INVALID_RESPONSE
    assert "more than 1024 KiB" in str(failed.value)
    assert calls(simulator) == 1


@pytest.mark.parametrize("fault", [{"delay_s": 30}, {"mode": "slow", "delay_s": 30}])
def test_a_response_that_does_not_begin_or_end_in_time_is_a_timeout(simulator: Simulator, fault: dict[str, object]) -> None:
    simulator.plan_fault("scaleops", **fault)
    with client_of(simulator, HttpOptions(timeout_s=0.05, attempts=2)) as http, pytest.raises(ServiceError) as failed:
        fetch(http)
    assert failed.value.kind is ErrorKind.CONNECTION
    assert failed.value.outcome_unknown
    assert not failed.value.service_down
    assert str(failed.value).endswith(" within 0.05 s")
    simulator.state.faults = []


def fail_to_resolve(*_: object, **__: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://127.0.0.1:99999", "http://scaleops.example.com", "ftp://127.0.0.1/x"]
)
def test_without_a_connection_the_whole_service_is_down(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "example" in url:  # a resolver that does not answer would make it a time-out
        monkeypatch.setattr(socket, "getaddrinfo", fail_to_resolve)
    http = HttpClient("ScaleOps", url, HttpOptions(), sleep=Sleeps())
    with pytest.raises(ServiceError, match="ScaleOps did not answer") as failed:
        http.send(FLAGS)
    assert failed.value.kind is ErrorKind.CONNECTION
    assert failed.value.service_down
    assert not failed.value.outcome_unknown
    assert "it cannot be reached" in str(failed.value)


def test_no_more_calls_are_in_flight_than_allowed(simulator: Simulator) -> None:
    simulator.state.latency_s = 0.05
    with client_of(simulator, HttpOptions(max_in_flight=3)) as http, ThreadPoolExecutor(12) as threads:
        statuses = list(threads.map(lambda _: http.send(FLAGS).status, range(40)))
        assert len(http._idle) == 3  # each call in flight has a connection of its own
    assert statuses == [200] * 40


def test_each_retry_is_logged(simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    simulator.plan_fault("scaleops", status=503, times=2)
    with caplog.at_level("DEBUG", "clients.http"), client_of(simulator) as http:
        fetch(http)
    retries = [record for record in caplog.records if record.message == "retrying request"]
    assert [(vars(record)["service"], vars(record)["attempt"], vars(record)["status"]) for record in retries] == [
        ("ScaleOps", 1, 503),
        ("ScaleOps", 2, 503),
    ]


def test_a_header_cannot_smuggle_another_one(simulator: Simulator) -> None:
    request = HttpRequest(method="GET", target="/api/v1/policies", headers={"X-Scaleops-Cluster": "a\r\nAuthorization: x"})
    with client_of(simulator) as http, pytest.raises(ServiceError, match="control character") as failed:
        http.send(request)
    assert failed.value.kind is ErrorKind.REJECTED
    assert not simulator.state.calls["scaleops"]


def test_a_closed_client_keeps_no_connection(simulator: Simulator) -> None:
    with client_of(simulator) as http:
        fetch(http)
        assert len(http._idle) == 1
    assert len(http._idle) == 0


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost", True),
        ("http://[::1]:9", True),
        ("https://scaleops.example.com", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_loopback_is_this_machine_only(url: str, *, expected: bool) -> None:
    assert is_loopback_url(url) is expected
