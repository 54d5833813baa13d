"""Verification of Backstage's tokens.

typ vnd.backstage.user          signed by the auth plugin, aud backstage        a user
typ vnd.backstage.plugin        signed by a plugin on the allow list, aud ours  the plugin, or the user of its `obo`
typ vnd.backstage.limited-user  accepted inside `obo` only
anything else                   refused

Logic of `@backstage/backend-defaults` 0.18 (UserTokenHandler, PluginTokenHandler), stricter in places: asymmetric algorithms only,
the algorithm is the key's own, the audience is always checked. Keys come from URLs below the backend's, never from one in a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import jwt
import structlog

from clients.backstage.jwks import PLUGIN_ID, USER_KEYS, Jwk, JwksCache, plugin_keys_path
from clients.backstage.plugin_tokens import LIMITED_USER_TYPE, OUR_PLUGIN, PLUGIN_TYPE, USER_TYPE, limit_user_token
from domain.clock import Clock
from domain.refs import EntityRef, InvalidReference
from gateway.auth.callers import Caller, Unauthenticated

log = structlog.get_logger(__name__)

ALGORITHMS: Final = frozenset({"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"})
"""Asymmetric algorithms only, and never `none`: a public key is not a secret."""
LEEWAY: Final = timedelta(seconds=10)
"""Accepted clock skew."""
MAX_LIFETIME: Final = timedelta(hours=25)
"""Backstage issues tokens for one day at most."""
_CURVE_ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


class BackstageTokens:
    """Verifies user and plugin tokens by the keys of one backend."""

    def __init__(self, keys: JwksCache, *, allowed_plugins: frozenset[str], clock: Clock) -> None:
        self._keys = keys
        self._allowed_plugins = allowed_plugins
        self._clock = clock

    async def verify(self, token: str) -> Caller:
        """Return the caller of a token.

        Raises:
            Unauthenticated: the token is not accepted.
            ServiceError: the keys cannot be fetched.
        """
        header, claims = read_unverified(token)
        kind = header.get("typ")
        if kind == USER_TYPE:
            return await self._verify_user(token, header)
        if kind == PLUGIN_TYPE:
            return await self._verify_plugin(token, header, claims)
        message = "Illegal limited user token" if kind == LIMITED_USER_TYPE else "Illegal token"
        raise Unauthenticated(message)

    def is_plausible(self, token: str) -> bool:
        """Return True for a token of an accepted type, algorithm and plugin that has not expired."""
        try:
            header, claims = read_unverified(token)
            kind = header.get("typ")
            is_ours = kind == USER_TYPE or (kind == PLUGIN_TYPE and claims["sub"] in self._allowed_plugins)
            return (
                is_ours
                and isinstance(header["kid"], str)
                and header["alg"] in ALGORITHMS
                and _instant(claims["exp"]) > self._clock()
            )
        except (Unauthenticated, KeyError, TypeError):
            return False

    async def _verify_user(self, token: str, header: Mapping[str, Any]) -> Caller:
        claims = await self._verified_claims(token, header, USER_KEYS, audience="backstage", what="user token")
        obo = limit_user_token(header=header, claims=claims)
        return Caller(kind="user", subject=_user_ref(claims), obo=obo, expires_at=_instant(claims["exp"]))

    async def _verify_plugin(self, token: str, header: Mapping[str, Any], unverified: Mapping[str, Any]) -> Caller:
        plugin = unverified.get("sub")
        if not isinstance(plugin, str) or not PLUGIN_ID.fullmatch(plugin) or plugin not in self._allowed_plugins:
            message = "Illegal plugin token: GATEWAY_ALLOWED_CALLERS does not list the plugin"
            raise Unauthenticated(message)
        claims = await self._verified_claims(token, header, plugin_keys_path(plugin), audience=OUR_PLUGIN, what="plugin token")
        obo = claims.get("obo")
        if obo is None:
            return Caller(kind="service", subject=f"plugin:{plugin}", expires_at=_instant(claims["exp"]))
        if not isinstance(obo, str):
            message = "Illegal plugin token: its obo is not a token"
            raise Unauthenticated(message)
        user = await self._verify_limited_user(obo)
        expires_at = min(_instant(claims["exp"]), _instant(user["exp"]))
        return Caller(kind="user", subject=_user_ref(user), actor=f"plugin:{plugin}", obo=obo, expires_at=expires_at)

    async def _verify_limited_user(self, token: str) -> Mapping[str, Any]:
        header, _ = read_unverified(token)
        if header.get("typ") != LIMITED_USER_TYPE:
            message = "Illegal plugin token: its obo is not a limited user token"
            raise Unauthenticated(message)
        return await self._verified_claims(token, header, USER_KEYS, audience=None, what="limited user token")

    async def _verified_claims(
        self, token: str, header: Mapping[str, Any], path: str, *, audience: str | None, what: str
    ) -> Mapping[str, Any]:
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(kid, str):
            raise _failed(what)
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise _failed(what, "its algorithm is not accepted")
        key = await self._keys.key(path, kid)
        if key is None or algorithm_of(key) != algorithm:
            raise _failed(what)
        try:
            claims = _signed_claims(token, key, algorithm)
        except jwt.PyJWTError:
            raise _failed(what) from None
        except Exception as error:  # noqa: BLE001 - libraries raise anything for a malformed key; it verifies nothing
            log.warning("unusable key in JWKS", path=path, reason=type(error).__name__)
            raise _failed(what, "its key cannot be used") from None
        self._check_times(claims, what)
        named = claims.get("aud")
        if audience is not None and audience not in (named if isinstance(named, list) else [named]):
            raise _failed(what, "its audience is another service")
        return claims

    def _check_times(self, claims: Mapping[str, Any], what: str) -> None:
        now = self._clock()
        times: dict[str, Any] = {name: claims[name] for name in ("iat", "exp", "nbf") if name in claims}
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
            raise _failed(what)
        if _instant(times["exp"]) <= now:
            raise _failed(what, "it has expired")
        early = _instant(times["iat"]) > now + LEEWAY or ("nbf" in times and _instant(times["nbf"]) > now + LEEWAY)
        if early or _instant(times["exp"]) - _instant(times["iat"]) > MAX_LIFETIME:
            raise _failed(what, "implausible iat/exp")


def _failed(what: str, reason: str = "") -> Unauthenticated:
    return Unauthenticated(f"Failed {what} verification: {reason}" if reason else f"Failed {what} verification")


def _signed_claims(token: str, key: Jwk, algorithm: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        jwt.PyJWK(dict(key), algorithm=algorithm),
        algorithms=[algorithm],
        # Times are checked against our own clock, and the audience by the caller.
        options={
            "require": ["iat", "exp", "sub"],
            "verify_aud": False,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        },
    )
    return claims


def read_unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims unverified, only to choose the keys to fetch."""
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        message = "Illegal token"
        raise Unauthenticated(message) from None
    return parts["header"], parts["payload"]


def algorithm_of(key: Jwk) -> str | None:
    """Return the algorithm of a public key, if its type allows it. None if it is not a public signing key."""
    if key.get("use", "sig") != "sig":
        return None
    named = key.get("alg")
    match key.get("kty"):
        case "EC":
            usual = _CURVE_ALGORITHMS.get(str(key.get("crv")))
            return usual if named in (None, usual) else None
        case "OKP":
            return "EdDSA" if named in (None, "EdDSA") else None
        case "RSA":
            named = named or "RS256"
            return named if isinstance(named, str) and named in ALGORITHMS and named[:2] in {"RS", "PS"} else None
    return None


def _user_ref(claims: Mapping[str, Any]) -> str:
    subject = claims["sub"]
    try:
        ref = EntityRef.parse(subject)
    except (InvalidReference, AttributeError, TypeError):
        ref = None
    if ref is None or ref.kind != "user" or not subject.isprintable():
        message = "Illegal user token: its subject is not a user"
        raise Unauthenticated(message)
    return str(ref)


def _instant(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, tz=timezone.utc)
    except (OverflowError, OSError, ValueError):
        message = "Illegal token: implausible iat/exp"
        raise Unauthenticated(message) from None
