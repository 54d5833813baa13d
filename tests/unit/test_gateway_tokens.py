"""Which public keys verify tokens, and with which algorithm."""

import pytest

from clients.backstage.jwks import plugin_keys_path
from clients.backstage.plugin_tokens import limit_user_token
from gateway.auth.backstage_tokens import ALGORITHMS, algorithm_of


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        ({"kty": "EC", "crv": "P-256", "alg": "ES256"}, "ES256"),
        ({"kty": "EC", "crv": "P-256"}, "ES256"),
        ({"kty": "EC", "crv": "P-384", "alg": "ES384"}, "ES384"),
        ({"kty": "RSA"}, "RS256"),
        ({"kty": "RSA", "alg": "PS512"}, "PS512"),
        ({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA"}, "EdDSA"),
        ({"kty": "EC", "crv": "P-256", "alg": "ES384"}, None),
        ({"kty": "EC", "crv": "P-256", "alg": "HS256"}, None),
        ({"kty": "EC", "crv": "secp256k1", "alg": "ES256K"}, None),
        ({"kty": "RSA", "alg": "HS256"}, None),
        ({"kty": "RSA", "alg": "RSA-OAEP"}, None),
        ({"kty": "RSA", "alg": "none"}, None),
        ({"kty": "oct", "alg": "HS256", "k": "c2VjcmV0"}, None),
        ({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "enc"}, None),
        ({}, None),
    ],
)
def test_a_key_verifies_with_the_algorithm_of_its_kind_only(key: dict[str, object], algorithm: str | None) -> None:
    assert algorithm_of(key) == algorithm  # type: ignore[arg-type] # values of JSON


def test_symmetric_algorithms_are_not_accepted() -> None:
    assert not any(name.startswith("HS") or name.lower() == "none" for name in ALGORITHMS)


@pytest.mark.parametrize("plugin", ["", "a/b", "..", "a.b", "a?b", "a#b", "@a", "a%2fb", "a\n", "a" * 101, "\u00e4"])
def test_a_plugin_id_cannot_be_a_path(plugin: str) -> None:
    with pytest.raises(ValueError, match="plugin id"):
        plugin_keys_path(plugin)


def test_a_limited_token_has_the_bytes_that_backstage_signed() -> None:
    header = {"kid": "k1", "alg": "ES256", "typ": "vnd.backstage.user"}
    claims = {"iss": "x", "exp": 2, "iat": 1, "sub": "user:default/a", "uip": "c2ln", "aud": "backstage"}
    limited = limit_user_token(header=header, claims=claims)
    assert limited == (
        "eyJ0eXAiOiJ2bmQuYmFja3N0YWdlLmxpbWl0ZWQtdXNlciIsImFsZyI6IkVTMjU2Iiwia2lkIjoiazEifQ"
        ".eyJzdWIiOiJ1c2VyOmRlZmF1bHQvYSIsImlhdCI6MSwiZXhwIjoyfQ.c2ln"
    )
    assert limit_user_token(header=header, claims={**claims, "uip": None}) is None
