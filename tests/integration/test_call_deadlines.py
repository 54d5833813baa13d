"""Every call has one deadline over connecting, head and body: a peer that sends a byte now and then is cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing

import pytest

from clients.backstage.client import BackstageCatalog
from clients.heartbeat import HeartbeatClient
from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpClient, HttpOptions
from clients.http.errors import ErrorKind, OutOfTime, ServiceError
from clients.http.messages import HttpRequest, HttpResponse
from clients.pagerduty.client import PagerDutyClient
from clients.scaleops.auth import AzureLogin, PasswordLogin
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.tokens import FixedToken
from clients.slack.client import SlackClient
from domain.component import RoutingKey
from domain.refs import EntityRef
from simulator.serving import Simulator
from tests.services.clients import Sleeps
from tests.services.dripping import dripping

TIMEOUT_S = 0.2
OPTIONS = HttpOptions(timeout_s=TIMEOUT_S, attempts=1, keeps_connections=False)
GET = HttpRequest(method="GET", target="/")
EVENT = {"event_action": "resolve", "dedup_key": "d1"}
KEY = RoutingKey("k" * 32)

Call = Callable[[str], object]


def http(url: str) -> HttpClient:
    return HttpClient("a service", url, OPTIONS)


def heartbeat(url: str) -> None:
    with closing(HeartbeatClient(url, timeout_s=TIMEOUT_S)) as client:
        client.success()


def gateway(url: str) -> object:
    async def send() -> object:
        client = AsyncHttpClient("ScaleOps", url, OPTIONS)
        try:
            return await client.send(GET)
        finally:
            await client.close()

    return asyncio.run(send())


CALLS: dict[str, Call] = {
    "ScaleOps": lambda url: ScaleOpsClient(http(url), FixedToken(None)).workloads(("app=shop",)),
    "ScaleOps' login": lambda url: PasswordLogin(http=http(url), user="u", password="p")(),
    "Azure": lambda url: AzureLogin(http=http(url), tenant_id="t", client_id="c", client_secret="s")(),
    "Backstage": lambda url: BackstageCatalog(http(url), None).component(EntityRef.parse("component:default/shop")),
    "Slack": lambda url: slack(url).post("C0123", {"text": "x"}, thread_ts=None, message_key="k"),
    "PagerDuty": lambda url: PagerDutyClient(events_url=url, timeout_s=TIMEOUT_S, pause_s=0.01).send(KEY, EVENT),
    "the heartbeat": heartbeat,
    "the gateway": gateway,
}


def slack(url: str) -> SlackClient:
    return SlackClient(token="xoxb-1", instance="test", base_url=f"{url}/api/", timeout_s=TIMEOUT_S)


@pytest.mark.parametrize("part", ["head", "body"])
@pytest.mark.parametrize("service", CALLS)
def test_a_response_that_drips_is_cut_at_the_deadline(service: str, part: str) -> None:
    with dripping(part, b'{"ok": true, "access_token": "t"}') as server, pytest.raises(ServiceError) as failed:
        CALLS[service](server.url)
    assert failed.value.kind is ErrorKind.CONNECTION
    assert not failed.value.permanent
    assert failed.value.outcome_unknown


def test_a_body_that_was_cut_leaves_its_connection_to_the_next_call() -> None:
    async def send_twice(url: str) -> list[BaseException | HttpResponse]:
        client = AsyncHttpClient(
            "ScaleOps", url, HttpOptions(timeout_s=TIMEOUT_S, connect_timeout_s=TIMEOUT_S / 2, max_in_flight=1)
        )
        try:
            return [(await asyncio.gather(client.send(GET), return_exceptions=True))[0] for _ in range(2)]
        finally:
            await client.close()

    with dripping("body", b"x" * 100_000) as server:
        failures = asyncio.run(send_twice(server.url))
    # Without a connection the second would not have been sent.
    assert [isinstance(failure, ServiceError) and failure.outcome_unknown for failure in failures] == [True, True]


def test_no_attempt_outlasts_the_time_that_its_caller_has_left() -> None:
    with (
        dripping("body") as server,
        closing(HttpClient("PagerDuty", server.url, HttpOptions())) as client,
        pytest.raises(ServiceError, match=r"within 0\.1 s"),
    ):
        client.exchange(GET, time_left=lambda: 0.1)


def test_no_attempt_starts_without_time_left(simulator: Simulator) -> None:
    simulator.plan_fault("pagerduty", status=502)
    left = iter([10.0, 10.0, 0.0])
    pagerduty = PagerDutyClient(events_url=simulator.pagerduty_url, pause_s=0.01)
    with pytest.raises(ServiceError, match="502"):
        pagerduty.send(KEY, EVENT, time_left=lambda: next(left))
    assert simulator.state.calls["pagerduty"].total() == 2
    with pytest.raises(OutOfTime):
        pagerduty.send(KEY, EVENT, time_left=lambda: -1.0)
    assert simulator.state.calls["pagerduty"].total() == 2


def test_a_caller_may_refuse_an_attempt_with_an_error_of_its_own(simulator: Simulator) -> None:
    def refuse() -> float:
        raise LookupError

    with closing(HttpClient("Slack", simulator.slack_url, HttpOptions(), sleep=Sleeps())) as client, pytest.raises(LookupError):
        client.send(GET, time_left=refuse)
    assert not simulator.state.calls["slack"]
