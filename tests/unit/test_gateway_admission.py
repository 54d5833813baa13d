"""Request headers, allowed hosts, CORS, static tokens, rate limits and the settings that a gateway refuses to start with."""

import json

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
def test_an_ambiguous_spelling_of_a_header_is_rejected(spelling: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        read_headers([(b"host", b"x"), (spelling, b"1")])
    assert caught.value.status == 400


def request_with(*headers: tuple[bytes, bytes]) -> GatewayRequest:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    client = ("127.0.0.1", 1)
    return parse_request({"method": "GET", "raw_path": b"/x", "query_string": b"", "headers": headers, "client": client}, receive)


def test_a_repeated_header_is_rejected() -> None:
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
def test_a_forwarded_request_is_not_local(name: bytes) -> None:
    assert not request_with((name, b"203.0.113.7")).is_local
    assert request_with((b"accept", b"*/*"), (b"x-scaleops-cluster", b"a")).is_local


@pytest.mark.parametrize("encoding", [b"gzip, chunked", b"gzip", b"identity", b"chunked, chunked", b""])
def test_other_transfer_encodings_are_rejected(encoding: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        request_with((b"transfer-encoding", encoding))
    assert caught.value.status == 501


ON_LOOPBACK = AllowedHosts(bound="127.0.0.1", public_url="https://gateway.example.com"), "127.0.0.1"
IN_A_CLUSTER = AllowedHosts(bound="0.0.0.0", public_url="https://gateway.example.com"), "10.1.2.3"  # noqa: S104 - as in a container


@pytest.mark.parametrize(
    ("place", "hosts"),
    [
        (ON_LOOPBACK, ["127.0.0.1:8080", "localhost", "[::1]:8080", "gateway.example.com", "gateway.example.com:443"]),
        (IN_A_CLUSTER, ["10.1.2.3:8080", "scaleops-worker:8080", "scaleops-worker.tools.svc", "w.tools.svc.cluster.local"]),
    ],
)
def test_the_public_host_and_names_of_the_place_are_allowed(place: tuple[AllowedHosts, str], hosts: list[str]) -> None:
    allowed_hosts, server_address = place
    for host in hosts:
        allowed_hosts.check(host.encode(), server_address)


@pytest.mark.parametrize(
    ("place", "host"),
    [
        *((ON_LOOPBACK, host) for host in (None, b"", b"evil.example", b"evil.example:8080", b"localhost.evil.example")),
        *((ON_LOOPBACK, host) for host in (b"127.0.0.1.evil.example", b"gateway.example.com.evil.example", b"10.0.0.7")),
        *((ON_LOOPBACK, host) for host in (b"gateway.example.com@evil.example", b"scaleops-worker", b"a b")),
        (ON_LOOPBACK, b"gateway.example.com:99999x"),
        *((IN_A_CLUSTER, host) for host in (b"evil.example", b"10.9.9.9", b"svc.evil.example")),
    ],
)
def test_other_hosts_are_rejected(place: tuple[AllowedHosts, str], host: bytes | None) -> None:
    allowed_hosts, server_address = place
    with pytest.raises(HttpError) as caught:
        allowed_hosts.check(host, server_address)
    assert caught.value.status == 421


def test_an_allowed_origin_may_read_the_response() -> None:
    cors = Cors(["http://localhost:3000"], "https://gateway.example.com/")
    for origin in ("http://localhost:3000", "https://gateway.example.com"):
        headers = dict(cors.headers_for(request_with((b"host", b"gateway.example.com"), (b"origin", origin.encode()))))
        assert headers[b"access-control-allow-origin"] == origin.encode()
        assert headers[b"access-control-allow-credentials"] == b"true"
        assert headers[b"vary"] == b"Origin"


def test_the_own_origin_is_allowed_and_no_origin_needs_no_headers() -> None:
    cors = Cors([], None)
    assert cors.headers_for(request_with((b"host", b"internal:8080"), (b"origin", b"http://internal:8080"))) == ()
    assert cors.headers_for(request_with((b"host", b"internal:8080"))) == ()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000.evil.example", "http://localhost:30000", ""]
)
def test_another_origin_is_rejected(origin: str) -> None:
    with pytest.raises(HttpError) as caught:
        Cors(["http://localhost:3000"], None).headers_for(
            request_with((b"host", b"127.0.0.1:8080"), (b"origin", origin.encode()))
        )
    assert caught.value.status == 403


@pytest.mark.parametrize("origin", ["*", "localhost:3000", "https://a/b", "null"])
def test_an_invalid_origin_is_a_settings_error(origin: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_ALLOWED_ORIGINS"):
        Cors([origin], None)


def test_static_tokens_are_identified_by_name_or_number() -> None:
    tokens = StaticTokens.parse("ci=first-token-0001, second-token-0002,third-token-base64==")
    assert tokens.holder_of("first-token-0001") == "ci"
    assert tokens.holder_of("second-token-0002") == "2"
    assert tokens.holder_of("third-token-base64==") == "3"
    assert tokens.holder_of("first-token-0002") is None
    assert tokens.holder_of("") is None
    assert "first-token" not in repr(tokens)


@pytest.mark.parametrize("text", ["ci=short", "a=long-enough-1,a=long-enough-2", "ci=with blank inside", "ci=ümlaut-token"])
def test_an_invalid_token_is_a_settings_error_that_does_not_quote_it(text: str) -> None:
    with pytest.raises(SettingsError, match="GATEWAY_TOKENS") as caught:
        StaticTokens.parse(text)
    assert "long-enough" not in str(caught.value)


def test_a_bucket_allows_its_rate_and_refills_steadily() -> None:
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
def test_a_gateway_without_authentication_does_not_start(given: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        require_auth_configured(settings(**given))


def test_auth_none_is_allowed_on_loopback_only() -> None:
    require_auth_configured(settings(gateway_auth="none", gateway_host="127.0.0.1"))
    require_auth_configured(settings(gateway_auth="none", gateway_host="::1"))


def test_a_lone_surrogate_is_escaped_in_json() -> None:
    response = json_response({"message": "no \ud800 such thing", "name": "\u00e4\U0001f600"})
    assert response.body == '{"message":"no \\ud800 such thing","name":"\u00e4\U0001f600"}'.encode()
    assert json.loads(response.body)["message"] == "no \ud800 such thing"
