"""Signs tokens as a Backstage plugin.

Claims as in `@backstage/backend-defaults` (PluginTokenHandler, UserTokenHandler): a plugin token names caller and target; its `obo`
is a limited user token, which has three claims of the user token and its `uip` as the signature.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from domain.messages import Json

OUR_PLUGIN: Final = "scaleops"
PLUGIN_TYPE: Final = "vnd.backstage.plugin"
USER_TYPE: Final = "vnd.backstage.user"
LIMITED_USER_TYPE: Final = "vnd.backstage.limited-user"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An ES256 key pair. Only the public half may leave the process."""

    kid: str
    created_at: datetime
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def public_jwk(self) -> Mapping[str, Json]:
        """Return the public half as JSON (RFC 7517)."""
        public_key = ECAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {**public_key, "kid": self.kid, "alg": "ES256", "use": "sig"}


def make_signing_key(now: datetime) -> SigningKey:
    """Return a new key pair."""
    return SigningKey(kid=str(uuid.uuid4()), created_at=now, private_key=ec.generate_private_key(ec.SECP256R1()))


def mint_plugin_token(key: SigningKey, *, target: str, now: datetime, expires_at: datetime, obo: str | None = None) -> str:
    """Return a token for calling another plugin, on behalf of the user of the limited token `obo` if given."""
    claims: dict[str, object] = {
        "sub": OUR_PLUGIN,
        "aud": target,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    if obo is not None:
        claims["obo"] = obo
    return jwt.encode(claims, key.private_key, algorithm="ES256", headers={"typ": PLUGIN_TYPE, "kid": key.kid})


def limit_user_token(*, header: Mapping[str, object], claims: Mapping[str, object]) -> str | None:
    """Return the limited token of a verified user token; None if that has no `uip`, the signature.

    The bytes must be those that Backstage signed: these keys, in this order, without blanks.
    """
    signature = claims.get("uip")
    if not isinstance(signature, str):
        return None
    head = {"typ": LIMITED_USER_TYPE, "alg": header["alg"], "kid": header["kid"]}
    body = {name: claims[name] for name in ("sub", "iat", "exp")}
    return f"{_base64url(_compact(head))}.{_base64url(_compact(body))}.{signature}"


def _compact(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
