"""Headers, Host names, origins, tokens, rates and the start: what is let in and what is not."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from starlette.types import Message

from gateway.auth.allowed_hosts import AllowedHosts
from gateway.auth.cors import Cors
from gateway.auth.rate_limit import Rate, RateLimit
from gateway.auth.static_tokens import StaticTokens
from gateway.factory import require_auth_configured
from gateway.request import GatewayRequest, parse_request, read_headers
from gateway.responses import HttpError, json_response
from wiring.settings import Settings, SettingsError


@pytest.mark.parametrize(
    "spelling",
    [
        b"x_scaleops_cluster",
        b"x.scaleops.cluster",
        b"x-scaleops_cluster",
        b"x_scaleops.cluster",
        b"content_length",
        b"transfer_encoding",
        b"content.type",
    ],
)
def test_a_misleading_spelling_of_a_header_that_matters_is_refused(spelling: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        read_headers([(b"host", b"x"), (spelling, b"1")])

    assert caught.value.status == 400


_SCOPE: Final[dict[str, Any]] = {
    "method": "POST",
    "target": b"/healthz",
    "query_string": b"",
    "headers": [],
    "client": ("127.0.0.1", 1),
}


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def test_a_header_that_matters_is_sent_once() -> None:
    for name in (b"host", b"authorization", b"x-scaleops-cluster", b"content-length", b"origin"):
        with pytest.raises(HttpError):
            read_headers([(name, b"a"), (name, b"b")])


def test_no_other_header_is_read() -> None:
    sent = [
        (b"cookie", b"a=b"),
        (b"x-forwarded-host", b"evil"),
        (b"x_forwarded_user", b"root"),
        (b"x-auth-request-user", b"root"),
    ]

    assert read_headers(sent) == {}


@pytest.mark.parametrize(
    "name",
    [
        b"forwarded",
        b"x-forwarded-for",
        b"x_forwarded_for",
        b"x.forwarded.for",
        b"x-original-forwarded-for",
        b"x-real-ip",
        b"via",
        b"x-client-ip",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"x-envoy-external-address",
        b"x-original-url",
    ],
)
def test_a_request_that_is_handed_on_is_known_by_its_headers(name: bytes) -> None:
    assert not parse_request({**_SCOPE, "headers": [(name, b"203.0.113.7")]}, _nothing).is_local
    assert parse_request({**_SCOPE, "headers": [(b"accept", b"*/*"), (b"x-scaleops-cluster", b"a")]}, _nothing).is_local


@pytest.mark.parametrize("encoding", [b"gzip, chunked", b"gzip", b"identity", b"chunked, chunked", b""])
def test_a_body_that_is_packed_for_the_way_is_not_taken(encoding: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        parse_request({**_SCOPE, "headers": [(b"transfer-encoding", encoding)]}, _nothing)

    assert caught.value.status == 501


@pytest.mark.parametrize(
    "host", [b"127.0.0.1:8080", b"localhost", b"[::1]:8080", b"gateway.example.com", b"gateway.example.com:443"]
)
def test_a_gateway_on_loopback_goes_by_its_public_name_and_this_machines(host: bytes) -> None:
    AllowedHosts(bound="127.0.0.1", public_url="https://gateway.example.com").check(host, "127.0.0.1")


@pytest.mark.parametrize(
    "host",
    [
        None,
        b"",
        b"evil.example",
        b"evil.example:8080",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"gateway.example.com.evil.example",
        b"gateway.example.com@evil.example",
        b"10.0.0.7",
        b"scaleops-worker",
        b"a b",
        b"gateway.example.com:99999x",
    ],
)
def test_another_host_name_is_refused_on_loopback(host: bytes | None) -> None:
    with pytest.raises(HttpError) as caught:
        AllowedHosts(bound="127.0.0.1", public_url="https://gateway.example.com").check(host, "127.0.0.1")

    assert caught.value.status == 421


@pytest.mark.parametrize(
    "host", [b"10.1.2.3:8080", b"scaleops-worker:8080", b"scaleops-worker.tools.svc", b"w.tools.svc.cluster.local"]
)
def test_inside_a_cluster_it_goes_by_its_own_address_and_names_nobody_can_register(host: bytes) -> None:
    AllowedHosts(bound="0.0.0.0", public_url="https://gateway.example.com").check(host, "10.1.2.3")  # noqa: S104 - as in a container


@pytest.mark.parametrize("host", [b"evil.example", b"10.9.9.9", b"svc.evil.example"])
def test_inside_a_cluster_other_names_are_refused(host: bytes) -> None:
    with pytest.raises(HttpError):
        AllowedHosts(bound="0.0.0.0", public_url="https://gateway.example.com").check(host, "10.1.2.3")  # noqa: S104 - as in a container


def exchange_with(**headers: str) -> GatewayRequest:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"method": "GET", "raw_path": b"/x", "query_string": b"", "headers": sent, "client": ("127.0.0.1", 1)}
    return parse_request(scope, receive)


def test_an_allowed_origin_may_read_the_answer() -> None:
    cors = Cors(["http://localhost:3000"], "https://gateway.example.com/")

    for origin in ("http://localhost:3000", "https://gateway.example.com"):
        headers = dict(cors.headers_for(exchange_with(host="gateway.example.com", origin=origin)))
        assert headers[b"access-control-allow-origin"] == origin.encode()
        assert headers[b"access-control-allow-credentials"] == b"true"
        assert headers[b"vary"] == b"Origin"


def test_a_page_of_the_very_server_may_ask_and_no_origin_needs_nothing() -> None:
    cors = Cors([], None)

    assert cors.headers_for(exchange_with(host="internal:8080", origin="http://internal:8080")) == ()
    assert cors.headers_for(exchange_with(host="internal:8080")) == ()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000.evil.example", "http://localhost:30000", ""]
)
def test_another_origin_is_refused(origin: str) -> None:
    with pytest.raises(HttpError) as caught:
        Cors(["http://localhost:3000"], None).headers_for(exchange_with(host="127.0.0.1:8080", origin=origin))

    assert caught.value.status == 403


@pytest.mark.parametrize("origin", ["*", "localhost:3000", "https://a/b", "null"])
def test_what_is_no_origin_stops_the_start(origin: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_ALLOWED_ORIGINS"):
        Cors([origin], None)


def test_static_tokens_are_known_by_name_or_number() -> None:
    tokens = StaticTokens.parse("ci=first-token-0001, second-token-0002,third-token-base64==")

    assert tokens.holder_of("first-token-0001") == "ci"
    assert tokens.holder_of("second-token-0002") == "2"
    assert tokens.holder_of("third-token-base64==") == "3"
    assert tokens.holder_of("first-token-0002") is None
    assert tokens.holder_of("") is None
    assert "first-token" not in repr(tokens)


@pytest.mark.parametrize("text", ["ci=short", "a=long-enough-1,a=long-enough-2", "ci=with blank inside", "ci=ümlaut-token"])
def test_a_token_that_is_none_stops_the_start_and_is_not_quoted(text: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_TOKENS") as caught:
        StaticTokens.parse(text)

    assert "long-enough" not in str(caught.value)


def test_a_caller_may_ask_as_often_as_the_rate_says_and_then_as_it_fills_up() -> None:
    now = [0.0]
    limit = RateLimit(Rate.parse("3/min"), timer=lambda: now[0])
    for _ in range(3):
        limit.allow("ann")
    limit.allow("ben")

    with pytest.raises(HttpError) as caught:
        limit.allow("ann")
    now[0] = 20.0
    limit.allow("ann")

    assert caught.value.status == 429
    assert caught.value.name == "ServiceUnavailableError"
    assert (b"retry-after", b"20") in caught.value.headers
    with pytest.raises(HttpError):
        limit.allow("ann")


def settings(**given: object) -> Settings:
    return Settings.model_validate({"scaleops_base_url": "https://scaleops.example.com", **given})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"gateway_auth": "none", "gateway_host": "0.0.0.0"}, "GATEWAY_AUTH"),  # noqa: S104 - the very thing that is refused
        ({"gateway_auth": "none", "gateway_host": "gateway.example.com"}, "GATEWAY_AUTH"),
        ({"gateway_auth": "token"}, "GATEWAY_TOKENS"),
        ({"gateway_auth": "token", "gateway_tokens": " , "}, "GATEWAY_TOKENS"),
        ({"gateway_auth": "backstage"}, "BACKSTAGE_BASE_URL"),
        ({"gateway_auth": "none", "scaleops_base_url": None}, "SCALEOPS_BASE_URL"),
    ],
)
def test_a_gateway_that_would_be_open_does_not_start(given: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        require_auth_configured(settings(**given))


def test_without_credentials_it_starts_on_loopback_only() -> None:
    require_auth_configured(settings(gateway_auth="none", gateway_host="127.0.0.1"))
    require_auth_configured(settings(gateway_auth="none", gateway_host="::1"))


def test_half_a_surrogate_pair_is_answered_as_json_spells_it() -> None:
    answer = json_response({"message": "no \ud800 such thing", "name": "\u00e4\U0001f600"})

    assert answer.body == '{"message":"no \\ud800 such thing","name":"\u00e4\U0001f600"}'.encode()
    assert json.loads(answer.body)["message"] == "no \ud800 such thing"
