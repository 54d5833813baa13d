"""Authentication: the tokens of Backstage's users and plugins, and static ones; anything else is rejected."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator.backstage_auth import PLUGIN, USER, KeyPair
from tests.services.gateways import STATIC_TOKEN, ServedGateway, ServeGateway, bearer

FLAGS = "/api/scaleops/api/api/v1/networkCost/networkCostEnabled"
ANN = "user:default/ann"
KEYS = "GET /api/auth/.well-known/jwks.json"
PLUGIN_KEYS = "GET /api/{plugin}/.backstage/auth/v1/jwks.json"


async def show_caller(request: Request) -> JSONResponse:
    caller = request.state.gateway_request.caller
    return JSONResponse([caller.kind, caller.subject, caller.actor, caller.obo])


WHO = Route("/who", show_caller)


@pytest.fixture
def gateway(serve_gateway: ServeGateway) -> ServedGateway:
    return serve_gateway(extra_routes=[WHO])


def asked_by(gateway: ServedGateway, headers: dict[str, str]) -> tuple[int, Any]:
    response = gateway.client.get("/who", headers=headers)
    return response.status_code, response.json()


def refusal(gateway: ServedGateway, headers: dict[str, str]) -> str:
    response = gateway.client.get(FLAGS, headers=headers)
    assert response.status_code == 401, response.text
    body = response.json()
    assert body["error"]["name"] == "AuthenticationError"
    assert body["response"]["statusCode"] == 401
    assert gateway.calls("scaleops") == {}, "nothing is sent upstream without authentication"
    message: str = body["error"]["message"]
    return message


def user_claims(gateway: ServedGateway) -> dict[str, Any]:
    return {"sub": ANN, "aud": "backstage", "iat": gateway.now, "exp": gateway.now + 60}


def signed_by(key: KeyPair, claims: dict[str, Any], **header: object) -> dict[str, str]:
    return bearer(key.sign({"typ": USER, "alg": "ES256", "kid": key.kid, **header}, claims))


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def publish_keys(gateway: ServedGateway, *keys: Any) -> None:
    body = {"keys": list(keys)}
    gateway.simulator.plan_fault("backstage", route="/api/auth/.well-known/jwks.json", status=200, body=body)


def test_a_user_is_authenticated_by_their_token(gateway: ServedGateway) -> None:
    status, caller = asked_by(gateway, gateway.as_user(ANN))
    assert (status, caller[:3]) == (200, ["user", ANN, None])
    assert caller[3] == gateway.auth.limited_token(ANN, now=gateway.now).rpartition(".")[0] + "." + caller[3].rpartition(".")[2]


def test_a_plugin_is_a_service_and_with_obo_its_user(gateway: ServedGateway) -> None:
    obo = gateway.auth.limited_token(ANN, now=gateway.now)
    assert asked_by(gateway, gateway.as_plugin()) == (200, ["service", "plugin:mcp-actions", None, None])
    assert asked_by(gateway, gateway.as_plugin(obo=obo)) == (200, ["user", ANN, "plugin:mcp-actions", obo])


def test_the_holder_of_a_static_token_has_its_name(gateway: ServedGateway) -> None:
    assert asked_by(gateway, gateway.as_ci()) == (200, ["static", "ci", None, None])
    assert refusal(gateway, bearer(STATIC_TOKEN + "x")) == "Illegal token"
    assert refusal(gateway, bearer(STATIC_TOKEN[:-1])) == "Illegal token"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Basic " + base64.b64encode(b"ci:" + STATIC_TOKEN.encode()).decode(),
        STATIC_TOKEN,
        f"Bearer {STATIC_TOKEN} {STATIC_TOKEN}",
        f"Bearer  {STATIC_TOKEN}",
        "Bearer " + "a" * 20_000,
        "Bearer a.b.c",
        "Bearer ...",
    ],
)
def test_credentials_other_than_a_bearer_token_are_rejected(gateway: ServedGateway, authorization: str) -> None:
    refusal(gateway, {"Authorization": authorization})


def test_missing_credentials_get_a_challenge(gateway: ServedGateway) -> None:
    response = gateway.client.get(FLAGS)
    assert response.status_code == 401
    assert response.json() == {
        "error": {"name": "AuthenticationError", "message": "Missing credentials"},
        "request": {"method": "GET", "url": "/api/api/v1/networkCost/networkCostEnabled"},
        "response": {"statusCode": 401},
    }
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="scaleops-worker"')
    assert "error=" not in challenge
    assert 'resource_metadata="http://127.0.0.1:' in challenge
    assert 'error="invalid_token"' in gateway.client.get(FLAGS, headers=bearer("x" * 20)).headers["www-authenticate"]


def test_a_token_in_the_query_is_ignored(gateway: ServedGateway) -> None:
    assert gateway.client.get(f"{FLAGS}?access_token={STATIC_TOKEN}").status_code == 401


def test_an_expired_token_is_rejected_even_if_it_is_cached(gateway: ServedGateway) -> None:
    user = gateway.as_user(ANN)
    assert asked_by(gateway, user)[0] == 200
    gateway.pass_time(hours=1, seconds=1)
    assert "expired" in refusal(gateway, user)


def test_a_plugin_token_expires_with_its_user_token(gateway: ServedGateway) -> None:
    obo = gateway.auth.limited_token(ANN, now=gateway.now, lifetime_s=60)
    plugin = gateway.as_plugin(obo=obo)
    assert asked_by(gateway, plugin)[0] == 200
    gateway.pass_time(seconds=61)
    assert "expired" in refusal(gateway, plugin)


def test_a_limited_user_token_is_accepted_inside_obo_only(gateway: ServedGateway) -> None:
    assert refusal(gateway, bearer(gateway.auth.limited_token(ANN, now=gateway.now))) == "Illegal limited user token"


def test_a_user_token_is_not_accepted_as_obo(gateway: ServedGateway) -> None:
    whole = gateway.auth.user_token(ANN, now=gateway.now)
    assert "obo" in refusal(gateway, gateway.as_plugin(obo=whole))


def test_a_token_signed_with_an_unknown_key_is_rejected(gateway: ServedGateway) -> None:
    headers = signed_by(KeyPair(), user_claims(gateway), kid=gateway.auth.users.kid)
    assert refusal(gateway, headers) == "Failed user token verification"


def test_a_plugins_key_signs_for_that_plugin_only(gateway: ServedGateway) -> None:
    assert refusal(gateway, signed_by(gateway.auth.plugins["mcp-actions"], user_claims(gateway)))


def confused(gateway: ServedGateway, algorithm: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - for this one forgery

    head = {"typ": USER, "alg": algorithm, "kid": gateway.auth.users.kid}
    signed = f"{encoded(head)}.{encoded(user_claims(gateway))}"
    if algorithm.lower() == "none":
        return f"{signed}."
    public = gateway.auth.users.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    digest = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = digest.sign(signed.encode(), public)
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "none", "None", "nOnE", "ES256K", "", "RS256", "ES384"])
def test_a_token_with_a_confused_algorithm_is_rejected(gateway: ServedGateway, algorithm: str) -> None:
    assert refusal(gateway, bearer(confused(gateway, algorithm))).startswith(("Failed user token verification", "Illegal token"))
    if algorithm not in {"RS256", "ES384"}:
        assert gateway.calls("backstage") == {}, "no key is fetched for an algorithm that is not accepted"


@pytest.mark.parametrize("algorithm", [["ES256"], {}, None, 256])
def test_an_algorithm_that_is_not_a_string_is_rejected(gateway: ServedGateway, algorithm: object) -> None:
    head = {"typ": USER, "alg": algorithm, "kid": gateway.auth.users.kid}
    token = f"{encoded(head)}.{encoded(user_claims(gateway))}.c2ln"
    assert refusal(gateway, bearer(token)).startswith(("Failed user token verification", "Illegal token"))


def test_a_symmetric_key_in_the_jwks_verifies_nothing(gateway: ServedGateway) -> None:
    secret = base64.urlsafe_b64encode(b"s" * 32).decode().rstrip("=")
    publish_keys(gateway, {"kty": "oct", "k": secret, "kid": "k", "alg": "HS256"})
    token = jwt.encode(user_claims(gateway), b"s" * 32, algorithm="HS256", headers={"typ": USER, "kid": "k"})
    refusal(gateway, bearer(token))


EC = {"kid": "bad", "kty": "EC", "crv": "P-256", "alg": "ES256"}
RSA = {"kid": "bad", "kty": "RSA", "alg": "RS256", "n": "AQAB", "e": "AQAB"}
OKP = {"kid": "bad", "kty": "OKP", "alg": "EdDSA"}
BAD_KEYS: list[Any] = [
    *("no object", None, 7, [], {}, {"kid": 5, "kty": "EC"}, {"kid": "bad", "kty": ["EC"], "use": ["sig"]}),
    EC,
    {**EC, "x": 5, "y": None},
    {**EC, "x": "!!", "y": "!"},
    {**EC, "x": "A" * 43, "y": "A" * 43},
    {**EC, "x": "\u00e4", "y": "\u00e4"},
    {**EC, "crv": ["P-256"], "x": "A" * 43, "y": "A" * 43},
    {**RSA, "n": 5, "e": 3},
    {**RSA, "n": "AQ", "e": "AQ"},
    {**RSA, "d": "AQAB", "oth": [1]},
    {**RSA, "d": "AQAB", "p": "x", "q": 1, "dp": [], "dq": {}, "qi": None},
    {**RSA, "alg": ["RS256"]},
    {**OKP, "crv": "Ed25519", "x": 9},
    {**OKP, "crv": "Ed25519", "x": "AA", "d": "AA"},
    OKP,
]


def test_a_private_key_in_the_jwks_verifies_nothing_and_is_not_an_error_of_the_gateway(gateway: ServedGateway) -> None:
    published = json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048)))
    refuse_by(gateway, {**published, "kid": "bad", "alg": "RS256"})


@pytest.mark.parametrize("bad", BAD_KEYS)
def test_a_malformed_key_verifies_nothing_and_leaves_the_others_usable(gateway: ServedGateway, bad: Any) -> None:
    refuse_by(gateway, bad)


def refuse_by(gateway: ServedGateway, bad: Any) -> None:
    publish_keys(gateway, bad, gateway.auth.users.jwk, bad)
    kind = bad.get("kty") if isinstance(bad, dict) else None
    algorithm = {"RSA": "RS256", "OKP": "EdDSA"}.get(kind, "ES256") if isinstance(kind, str) else "ES256"
    refusal(gateway, signed_by(KeyPair(), user_claims(gateway), alg=algorithm, kid="bad"))

    assert asked_by(gateway, gateway.as_user(ANN))[0] == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "catalog"},
        {"aud": None},
        {"aud": []},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 10**30},
        {"iat": 10**30},
        {"nbf": 10**11},
        {"sub": "group:default/team-00"},
        {"sub": "ann"},
        {"sub": ["user:default/ann"]},
        {"sub": ""},
        {"sub": "user:default/ann\n"},
    ],
)
def test_a_token_with_invalid_claims_is_rejected(gateway: ServedGateway, changed: dict[str, Any]) -> None:
    refusal(gateway, bearer(gateway.auth.user_token(ANN, now=gateway.now, **changed)))


def test_a_subject_is_compared_whole_and_kept_as_sent(gateway: ServedGateway) -> None:
    _, caller = asked_by(gateway, gateway.as_user("user:default/ann@evil@good.example"))
    assert caller[1] == "user:default/ann@evil@good.example"


def test_keys_named_by_a_token_are_ignored(gateway: ServedGateway) -> None:
    foreign, kid = KeyPair(), gateway.auth.users.kid
    refusal(gateway, signed_by(foreign, user_claims(gateway), kid=kid, jwk=foreign.jwk, jku=f"{gateway.url}/evil", x5u="x"))


def test_an_unknown_critical_header_is_rejected(gateway: ServedGateway) -> None:
    refusal(gateway, signed_by(gateway.auth.users, user_claims(gateway), crit=["x"], x=1))


@pytest.mark.parametrize("kind", [None, "JWT", "vnd.backstage.USER", 7])
def test_a_token_of_another_type_is_rejected(gateway: ServedGateway, kind: object) -> None:
    assert refusal(gateway, signed_by(gateway.auth.users, user_claims(gateway), typ=kind)) == "Illegal token"


def test_a_plugin_that_is_not_listed_is_rejected_and_its_keys_are_not_fetched(gateway: ServedGateway) -> None:
    assert "GATEWAY_ALLOWED_CALLERS" in refusal(gateway, gateway.as_plugin("scaffolder"))
    assert gateway.calls("backstage") == {}


@pytest.mark.parametrize(
    "plugin",
    [
        "../../evil",
        "mcp-actions/../auth",
        "evil.example",
        "mcp-actions?x=",
        "mcp-actions#",
        "@evil.example",
        "MCP-ACTIONS",
        "",
        None,
        7,
    ],
)
def test_a_made_up_plugin_causes_no_request(gateway: ServedGateway, plugin: object) -> None:
    claims = {**user_claims(gateway), "sub": plugin, "aud": "scaleops"}
    refusal(gateway, signed_by(gateway.auth.plugins["mcp-actions"], claims, typ=PLUGIN))
    assert gateway.calls("backstage") == {}


def test_a_plugin_token_for_another_plugin_is_rejected(gateway: ServedGateway) -> None:
    token = gateway.auth.plugin_token("mcp-actions", now=gateway.now, aud="catalog")
    assert "its audience is another service" in refusal(gateway, bearer(token))


def test_further_plugins_may_be_listed(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(extra_routes=[WHO], gateway_allowed_callers="mcp-actions,scaffolder")
    assert asked_by(gateway, gateway.as_plugin("scaffolder")) == (200, ["service", "plugin:scaffolder", None, None])


def test_made_up_key_ids_do_not_cause_repeated_fetches(gateway: ServedGateway) -> None:
    assert asked_by(gateway, gateway.as_user(ANN))[0] == 200
    for number in range(20):
        refusal(gateway, signed_by(KeyPair(), user_claims(gateway), kid=f"made-up-{number}"))
    assert gateway.calls("backstage")[KEYS] == 1


def test_a_rotated_key_is_fetched_once_the_cooldown_is_over(gateway: ServedGateway) -> None:
    gateway.pass_time(seconds=0)  # from here on the clock is stopped
    assert asked_by(gateway, gateway.as_user(ANN))[0] == 200
    gateway.auth.users = KeyPair()
    rotated = gateway.as_user("user:default/ben")
    refusal(gateway, rotated)
    gateway.pass_time(seconds=31)
    assert asked_by(gateway, rotated)[0] == 200
    assert gateway.calls("backstage")[KEYS] == 2


def test_a_token_is_verified_once_and_then_cached(gateway: ServedGateway) -> None:
    user = gateway.as_user(ANN)
    for _ in range(5):
        assert asked_by(gateway, user)[0] == 200
    for _ in range(2):
        assert asked_by(gateway, gateway.as_plugin())[0] == 200
    assert gateway.calls("backstage") == {KEYS: 1, PLUGIN_KEYS: 1}


def test_keys_that_cannot_be_fetched_are_not_the_callers_fault(gateway: ServedGateway) -> None:
    gateway.simulator.plan_fault("backstage", status=500)
    response = gateway.client.get(FLAGS, headers=gateway.as_user(ANN))
    assert response.status_code == 502
    assert response.json()["error"]["name"] == "ServiceUnavailableError"
    assert "www-authenticate" not in response.headers


def test_cached_keys_are_used_while_backstage_is_unavailable(gateway: ServedGateway) -> None:
    assert asked_by(gateway, gateway.as_user(ANN))[0] == 200
    gateway.simulator.plan_fault("backstage", mode="drop")
    gateway.pass_time(minutes=11)
    assert asked_by(gateway, gateway.as_user(ANN))[0] == 200


def test_redirects_to_keys_are_not_followed(gateway: ServedGateway) -> None:
    gateway.simulator.plan_fault("backstage", mode="redirect")
    assert gateway.client.get(FLAGS, headers=gateway.as_user(ANN)).status_code == 502


def test_token_mode_accepts_static_tokens_only(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(extra_routes=[WHO], gateway_auth="token")
    assert asked_by(gateway, gateway.as_ci())[0] == 200
    assert refusal(gateway, gateway.as_user(ANN)) == "Illegal token"
    assert "resource_metadata" not in gateway.client.get(FLAGS).headers["www-authenticate"]


def test_none_mode_makes_every_caller_anonymous(serve_gateway: ServeGateway) -> None:
    gateway = serve_gateway(extra_routes=[WHO], gateway_auth="none")
    assert asked_by(gateway, {}) == (200, ["anonymous", "", None, None])


def test_no_log_line_holds_a_token(gateway: ServedGateway) -> None:
    user = gateway.as_user(ANN)
    asked_by(gateway, user)
    gateway.client.get(FLAGS, headers=bearer("x" + user["Authorization"][7:]))
    gateway.close()
    log_text = "\n".join(gateway.audit)
    assert ANN in log_text
    assert user["Authorization"].rpartition(".")[2] not in log_text
    assert STATIC_TOKEN not in log_text
