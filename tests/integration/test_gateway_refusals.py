"""Refusals and rate limits behind an ingress or a plugin, where every caller has one address: none of them locks out another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from itertools import repeat

import pytest

from clients.backstage.plugin_tokens import USER_TYPE
from simulator.backstage_auth import KeyPair
from tests.services.gateways import TIMEOUT_S, ServedGateway, ServeGateway, bearer

LIST = "/api/scaleops/.backstage/actions/v1/actions"
INVOKE = f"{LIST}/scaleops%3Alist_components/invoke"
ANN, BEN = "user:default/ann", "user:default/ben"


@pytest.fixture
def gateway(serve_gateway: ServeGateway) -> ServedGateway:
    return serve_gateway(timer=lambda: 0.0)


def forged(gateway: ServedGateway, number: int, *, known_key: bool) -> dict[str, str]:
    """Return a user token that our Backstage did not sign."""
    pair = KeyPair()
    header = {"typ": USER_TYPE, "alg": "ES256", "kid": gateway.auth.users.kid if known_key else f"kid-{number}"}
    times = {"iat": gateway.now, "exp": gateway.now + 3600}
    return bearer(pair.sign(header, {"sub": f"user:default/u{number}", "aud": "backstage", **times}))


FLOODS: dict[str, Callable[[ServedGateway, int], dict[str, str]]] = {
    "no token": lambda _, __: {},
    "no known form": lambda _, number: bearer(f"random-{number}"),
    "an unknown key": lambda gateway, number: forged(gateway, number, known_key=False),
    "a known key": lambda gateway, number: forged(gateway, number, known_key=True),
    "one expired token": lambda gateway, _: bearer(gateway.auth.user_token(ANN, now=gateway.now - 7200)),
}


def statuses(gateway: ServedGateway, sent: Iterable[dict[str, str]]) -> list[int]:
    """Return the status of a request with each of these headers; hundreds of them, so with a client that is faster than httpx."""

    def status_of(headers: dict[str, str]) -> int:
        connection.request("GET", LIST, headers=headers)
        with connection.getresponse() as response:
            response.read()
            return response.status

    with closing(HTTPConnection("127.0.0.1", gateway.port, timeout=TIMEOUT_S)) as connection:
        return [status_of(headers) for headers in sent]


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_refused_requests_locks_out_no_new_caller(gateway: ServedGateway, flood: str) -> None:
    gateway.pass_time(seconds=0)
    refused = statuses(gateway, (FLOODS[flood](gateway, number) for number in range(650)))
    gateway.pass_time(seconds=31)
    obo = gateway.auth.limited_token(BEN, now=gateway.now)

    assert set(refused) <= {401, 429}
    assert gateway.client.get(LIST, headers=gateway.as_user(ANN)).status_code == 200
    assert gateway.client.get(LIST, headers=gateway.as_plugin(obo=obo)).status_code == 200
    assert gateway.client.get(LIST, headers=gateway.as_ci()).status_code == 200


@pytest.mark.parametrize("flood", ["no token", "no known form", "one expired token"])
def test_what_cannot_be_a_caller_is_limited_by_its_address(gateway: ServedGateway, flood: str) -> None:
    refused = statuses(gateway, (FLOODS[flood](gateway, number) for number in range(602)))

    assert refused == [401] * 600 + [429] * 2


def test_one_refused_token_is_limited_by_itself(gateway: ServedGateway) -> None:
    bad = forged(gateway, 1, known_key=True)
    refused = statuses(gateway, repeat(bad, 602))

    assert refused == [401] * 600 + [429] * 2
    assert gateway.client.get(LIST, headers=forged(gateway, 2, known_key=True)).status_code == 401


def test_the_list_of_actions_is_not_counted(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_rate_limit="2/h", timer=lambda: 0.0)
    headers = gateway.as_plugin()

    assert {gateway.client.get(LIST, headers=headers).status_code for _ in range(20)} == {200}
    assert [gateway.client.post(INVOKE, headers=headers, json={}).status_code for _ in range(3)] == [200, 200, 429]
    assert gateway.client.get(LIST, headers=headers).status_code == 200
    assert gateway.client.get(LIST).status_code == 401


def test_users_behind_one_plugin_have_limits_of_their_own(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(gateway_rate_limit="2/h", timer=lambda: 0.0)
    as_plugin_of = {user: gateway.as_plugin(obo=gateway.auth.limited_token(user, now=gateway.now)) for user in (ANN, BEN)}
    statuses = {
        user: [gateway.client.post(INVOKE, headers=headers, json={}).status_code for _ in range(3)]
        for user, headers in as_plugin_of.items()
    }
    later = gateway.auth.limited_token(ANN, now=gateway.now + 5)
    gateway.pass_time(seconds=timedelta(seconds=10).total_seconds())

    assert statuses == {ANN: [200, 200, 429], BEN: [200, 200, 429]}
    again = gateway.client.post(INVOKE, headers=gateway.as_plugin(obo=later), json={})
    assert again.status_code == 429, "a new token is the same user"
    assert again.json()["error"]["name"] == "ServiceUnavailableError"
