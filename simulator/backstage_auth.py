"""Authentication and permissions of the simulated Backstage: users, its own plugins, and other plugins by their published keys.

A user sees every entity that is not a component, and the components that they or their groups own, as with the permission policy
of the captures. Tokens and key sets follow the facts 6.4 and 6.5.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import backstage, credentials
from simulator.backstage import catalog_of, error_response, ref_of
from simulator.errors import ApiError
from simulator.state import State
from simulator.world import Record

USER: Final = "vnd.backstage.user"
LIMITED: Final = "vnd.backstage.limited-user"
PLUGIN: Final = "vnd.backstage.plugin"
LIFETIME_S: Final = 3600
ISSUER: Final = "http://localhost:7007/api/auth"
"""The external address of the auth plugin."""
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_OK: Final = 200


class KeyPair:
    """An ES256 key and its public half."""

    def __init__(self) -> None:
        self.kid = str(uuid.uuid4())
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> Record:
        """Return the public half as JSON."""
        numbers = self.private.public_key().public_numbers()
        x, y = (_base64url(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "x": x, "y": y, "crv": "P-256", "kid": self.kid, "alg": "ES256"}

    def sign(self, header: Record, claims: Record) -> str:
        """Return a token with exactly these parts, in this order."""
        signed = f"{_part(header)}.{_part(claims)}"
        r, s = utils.decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"


@dataclass(kw_only=True, eq=False)
class Auth:
    """The keys of the auth plugin and of other plugins, the URLs of external plugins, and group memberships."""

    users: KeyPair = field(default_factory=KeyPair)
    plugins: dict[str, KeyPair] = field(default_factory=lambda: {"mcp-actions": KeyPair(), "scaffolder": KeyPair()})
    peers: dict[str, str] = field(default_factory=dict)
    """Base URLs of external plugins, as in `discovery.endpoints`."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    """Group references by user reference."""

    def user_token(self, user: str, *, now: int, lifetime_s: int = LIFETIME_S, **changed: object) -> str:
        """Return a user's token; `changed` replaces claims."""
        times = {"sub": user, "iat": now, "exp": now + lifetime_s}
        limited = self.users.sign({"typ": LIMITED, "alg": "ES256", "kid": self.users.kid}, times)
        claims = {"iss": ISSUER, "sub": user, "aud": "backstage", "iat": now, "exp": now + lifetime_s}
        claims["uip"] = limited.rpartition(".")[2]
        return self.users.sign({"typ": USER, "alg": "ES256", "kid": self.users.kid}, claims | changed)

    def limited_token(self, user: str, *, now: int, lifetime_s: int = LIFETIME_S) -> str:
        """Return the limited token for `obo`."""
        times = {"sub": user, "iat": now, "exp": now + lifetime_s}
        return self.users.sign({"typ": LIMITED, "alg": "ES256", "kid": self.users.kid}, times)

    def plugin_token(self, plugin: str, *, now: int, aud: str = "scaleops", obo: str | None = None) -> str:
        """Return a plugin's token for another plugin."""
        key = self.plugins[plugin]
        claims: Record = {"sub": plugin, "aud": aud, "iat": now, "exp": now + LIFETIME_S}
        if obo is not None:
            claims["obo"] = obo
        return key.sign({"typ": PLUGIN, "alg": "ES256", "kid": key.kid}, claims)


_AUTHS: WeakKeyDictionary[object, Auth] = WeakKeyDictionary()


def auth_of(state: State) -> Auth:
    """Return the auth plugin of a state; loading a scenario creates a new one."""
    return _AUTHS.setdefault(state.clock, Auth())


def routes(state: State) -> list[Route]:
    """Return all routes of Backstage: key sets, userinfo, and the catalog with the caller's permissions."""

    async def list_user_keys(_: Request) -> Response:
        return JSONResponse({"keys": [auth_of(state).users.jwk]})

    async def discover(_: Request) -> Response:
        return JSONResponse({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/.well-known/jwks.json", "scopes_supported": ["openid"]})

    async def list_plugin_keys(request: Request) -> Response:
        key = auth_of(state).plugins.get(request.path_params["plugin"])
        return Response(status_code=_NOT_FOUND) if key is None else JSONResponse({"keys": [key.jwk]})

    async def user_info(request: Request) -> Response:
        try:
            user = await _principal(state, request, accept_limited=True)
        except ApiError as error:
            return error_response(request, error)
        ent = [user or "", *sorted(auth_of(state).groups.get(user or "", ()))]
        return JSONResponse({"claims": {"sub": user, "ent": ent}})

    catalog = [_as_caller(state, route) for route in backstage.routes(state)]
    return [
        Route("/api/auth/.well-known/jwks.json", list_user_keys, methods=["GET"]),
        Route("/api/auth/.well-known/openid-configuration", discover, methods=["GET"]),
        Route("/api/auth/v1/userinfo", user_info, methods=["GET"]),
        Route("/api/{plugin}/.backstage/auth/v1/jwks.json", list_plugin_keys, methods=["GET"]),
        *catalog,
    ]


def _as_caller(state: State, route: Route) -> Route:
    endpoint: Callable[[Request], Awaitable[Response]] = route.endpoint

    async def handle(request: Request) -> Response:
        header = request.headers.get("authorization", "")
        if header.count(".") != _JWT_DOTS:
            return await endpoint(request)
        try:
            user = await _principal(state, request)
        except ApiError as error:
            return error_response(request, error)
        return _filtered(state, request, await endpoint(_as_service(request)), user)

    return Route(route.path, handle, methods=list(route.methods or ()))


def _as_service(request: Request) -> Request:
    """Return the same request with the static token; its own token has been verified."""
    kept = [(name, value) for name, value in request.scope["headers"] if name != b"authorization"]
    token = f"Bearer {credentials.BACKSTAGE_TOKEN}".encode()
    return Request({**request.scope, "headers": [*kept, (b"authorization", token)]}, request.receive)


def _filtered(state: State, request: Request, response: Response, user: str | None) -> Response:
    """Remove what the user may not see; None is a service, which sees everything."""
    if user is None or response.status_code != _OK:
        return response
    content = json.loads(bytes(response.body))
    visible = visible_to(state, user)
    if "items" not in content:
        if ref_of(content) in visible:
            return response
        name, kind, namespace = (request.path_params[part] for part in ("name", "kind", "namespace"))
        message = f"No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'"
        return error_response(request, ApiError(_NOT_FOUND, message, name="NotFoundError"))
    items = [item if item is not None and _ref_or_none(item) in visible else None for item in content["items"]]
    if "pageInfo" in content:
        items = [item for item in items if item is not None]
        content["totalItems"] = len(items)
    return JSONResponse({**content, "items": items})


def _ref_or_none(item: Record) -> str | None:
    """Return the reference of an entity, of which only some fields may have been requested."""
    return ref_of(item) if "kind" in item and "name" in item.get("metadata", {}) else None


def visible_to(state: State, user: str) -> set[str]:
    """Return what a user sees: entities that are not components, and components that they or their groups own."""
    owners = {user, *auth_of(state).groups.get(user, ())}
    return {
        ref
        for ref, entity in catalog_of(state.world()).by_ref.items()
        if entity["kind"].lower() != "component"
        or any(relation["type"] == "ownedBy" and relation["targetRef"] in owners for relation in entity["relations"])
    }


async def _principal(state: State, request: Request, *, accept_limited: bool = False) -> str | None:
    """Return the user of a token; None for a plugin on its own behalf. Raise a 401 as Backstage does."""
    auth = auth_of(state)
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    kind = jwt.get_unverified_header(token).get("typ")
    if kind == USER or (kind == LIMITED and accept_limited):
        return str(_verified(state, token, [auth.users.jwk], "user token")["sub"])
    if kind == LIMITED:
        raise ApiError(_UNAUTHORIZED, "Illegal limited user token", name="AuthenticationError")
    if kind != PLUGIN:
        raise ApiError(_UNAUTHORIZED, "Illegal token", name="AuthenticationError")
    plugin = str(jwt.decode(token, options={"verify_signature": False}).get("sub"))
    claims = _verified(state, token, await _keys_of(auth, plugin), "plugin token")
    if claims.get("aud") != "catalog":
        raise ApiError(_UNAUTHORIZED, "Failed plugin token verification", name="AuthenticationError")
    if "obo" not in claims:
        return None
    return str(_verified(state, str(claims["obo"]), [auth.users.jwk], "limited user token")["sub"])


async def _keys_of(auth: Auth, plugin: str) -> list[Record]:
    if plugin in auth.plugins:
        return [auth.plugins[plugin].jwk]
    base = auth.peers.get(plugin)
    if base is None:
        raise ApiError(_UNAUTHORIZED, f"unknown plugin {plugin}", name="AuthenticationError")
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{base}/.backstage/auth/v1/jwks.json")
    found: list[Record] = response.json()["keys"]
    return found


def _verified(state: State, token: str, keys: list[Record], what: str) -> Mapping[str, Any]:
    try:
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(key for key in keys if key["kid"] == kid)
        options = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "require": ["iat", "exp", "sub"]}
        claims: dict[str, Any] = jwt.decode(token, jwt.PyJWK(key), algorithms=["ES256"], options=options)  # type: ignore[arg-type]
    except (jwt.PyJWTError, KeyError, StopIteration):
        raise ApiError(_UNAUTHORIZED, f"Failed {what} verification", name="AuthenticationError") from None
    if claims["exp"] <= state.clock.now().timestamp():
        raise ApiError(_UNAUTHORIZED, f"Failed {what} verification", name="AuthenticationError")
    return claims


def _part(value: Record) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


_JWT_DOTS: Final = 2
