"""Who asks the stand-in Backstage: its own users and plugins, whose tokens it issues here, and other plugins by their published keys.

A user sees what they or their groups own, and what belongs to nobody's component; everything else is not there for them, as with the
permission policy of the captures. Shapes of tokens and key sets from the facts 6.4 and 6.5.
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
from simulator.backstage import catalog_of, describe_error, ref_of
from simulator.errors import ApiError
from simulator.state import State
from simulator.world import Record

USER: Final = "vnd.backstage.user"
LIMITED: Final = "vnd.backstage.limited-user"
PLUGIN: Final = "vnd.backstage.plugin"
LIFE_S: Final = 3600
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
        """Answer the public half as JSON."""
        numbers = self.private.public_key().public_numbers()
        x, y = (_base64url(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "x": x, "y": y, "crv": "P-256", "kid": self.kid, "alg": "ES256"}

    def sign(self, header: Record, claims: Record) -> str:
        """Sign a token whose parts are exactly these, in this order."""
        signed = f"{_part(header)}.{_part(claims)}"
        r, s = utils.decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"


@dataclass(kw_only=True, eq=False)
class Auth:
    """The keys of the auth plugin and of other plugins, where peers outside publish theirs, and who is in which group."""

    users: KeyPair = field(default_factory=KeyPair)
    plugins: dict[str, KeyPair] = field(default_factory=lambda: {"mcp-actions": KeyPair(), "scaffolder": KeyPair()})
    peers: dict[str, str] = field(default_factory=dict)
    """Base addresses of plugins outside, as `discovery.endpoints` names them."""
    groups: dict[str, set[str]] = field(default_factory=dict)
    """Group references by user reference."""

    def user_token(self, user: str, *, now: int, life_s: int = LIFE_S, **changed: object) -> str:
        """Issue a user's token; `changed` claims replace the usual ones."""
        times = {"sub": user, "iat": now, "exp": now + life_s}
        limited = self.users.sign({"typ": LIMITED, "alg": "ES256", "kid": self.users.kid}, times)
        claims = {"iss": "http://localhost:7007/api/auth", "sub": user, "aud": "backstage", "iat": now, "exp": now + life_s}
        claims["uip"] = limited.rpartition(".")[2]
        return self.users.sign({"typ": USER, "alg": "ES256", "kid": self.users.kid}, claims | changed)

    def limited_token(self, user: str, *, now: int, life_s: int = LIFE_S) -> str:
        """Issue the limited token that stands in `obo`."""
        times = {"sub": user, "iat": now, "exp": now + life_s}
        return self.users.sign({"typ": LIMITED, "alg": "ES256", "kid": self.users.kid}, times)

    def plugin_token(self, plugin: str, *, now: int, aud: str = "scaleops", obo: str | None = None) -> str:
        """Issue a plugin's token for another plugin."""
        key = self.plugins[plugin]
        claims: Record = {"sub": plugin, "aud": aud, "iat": now, "exp": now + LIFE_S}
        if obo is not None:
            claims["obo"] = obo
        return key.sign({"typ": PLUGIN, "alg": "ES256", "kid": key.kid}, claims)


_AUTHS: WeakKeyDictionary[object, Auth] = WeakKeyDictionary()


def auth_of(state: State) -> Auth:
    """Answer the auth plugin of a state; a scenario that is loaded brings a new one."""
    return _AUTHS.setdefault(state.clock, Auth())


def routes(state: State) -> list[Route]:
    """Answer all routes of Backstage: key sets, userinfo, and the catalog as whoever asks."""

    async def list_user_keys(_: Request) -> Response:
        return JSONResponse({"keys": [auth_of(state).users.jwk]})

    async def list_plugin_keys(request: Request) -> Response:
        key = auth_of(state).plugins.get(request.path_params["plugin"])
        return Response(status_code=_NOT_FOUND) if key is None else JSONResponse({"keys": [key.jwk]})

    async def tell_user(request: Request) -> Response:
        try:
            user = await _principal(state, request, limited_too=True)
        except ApiError as refusal:
            return describe_error(request, refusal)
        ent = [user or "", *sorted(auth_of(state).groups.get(user or "", ()))]
        return JSONResponse({"claims": {"sub": user, "ent": ent}})

    catalog = [_as_whoever_asks(state, route) for route in backstage.routes(state)]
    return [
        Route("/api/auth/.well-known/jwks.json", list_user_keys, methods=["GET"]),
        Route("/api/auth/v1/userinfo", tell_user, methods=["GET"]),
        Route("/api/{plugin}/.backstage/auth/v1/jwks.json", list_plugin_keys, methods=["GET"]),
        *catalog,
    ]


def _as_whoever_asks(state: State, route: Route) -> Route:
    answer: Callable[[Request], Awaitable[Response]] = route.endpoint

    async def handle(request: Request) -> Response:
        header = request.headers.get("authorization", "")
        if header.count(".") != _DOTS_OF_A_JWT:
            return await answer(request)
        try:
            user = await _principal(state, request)
        except ApiError as refusal:
            return describe_error(request, refusal)
        return _narrowed(state, request, await answer(_as_service(request)), user)

    return Route(route.path, handle, methods=list(route.methods or ()))


def _as_service(request: Request) -> Request:
    """Answer the same request under the static token, once its own token was found good."""
    kept = [(name, value) for name, value in request.scope["headers"] if name != b"authorization"]
    token = f"Bearer {credentials.BACKSTAGE_TOKEN}".encode()
    return Request({**request.scope, "headers": [*kept, (b"authorization", token)]}, request.receive)


def _narrowed(state: State, request: Request, response: Response, user: str | None) -> Response:
    """Answer what is left when what the user may not see is taken out; None is a service, which sees all."""
    if user is None or response.status_code != _OK:
        return response
    content = json.loads(bytes(response.body))
    shown = visible_to(state, user)
    if "items" not in content:
        if ref_of(content) in shown:
            return response
        name, kind, namespace = (request.path_params[part] for part in ("name", "kind", "namespace"))
        message = f"No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'"
        return describe_error(request, ApiError(_NOT_FOUND, message, name="NotFoundError"))
    items = [item if item is not None and _named(item) in shown else None for item in content["items"]]
    if "pageInfo" in content:
        items = [item for item in items if item is not None]
        content["totalItems"] = len(items)
    return JSONResponse({**content, "items": items})


def _named(item: Record) -> str | None:
    """Answer the reference of an entity of which only some fields were asked for."""
    return ref_of(item) if "kind" in item and "name" in item.get("metadata", {}) else None


def visible_to(state: State, user: str) -> set[str]:
    """Answer what a user sees: what is no component, and the components that they or their groups own."""
    owners = {user, *auth_of(state).groups.get(user, ())}
    return {
        ref
        for ref, entity in catalog_of(state.world()).by_ref.items()
        if entity["kind"].lower() != "component"
        or any(relation["type"] == "ownedBy" and relation["targetRef"] in owners for relation in entity["relations"])
    }


async def _principal(state: State, request: Request, *, limited_too: bool = False) -> str | None:
    """Answer the user behind a token, None for a plugin on its own. Raises Refusal 401 as Backstage does."""
    auth = auth_of(state)
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    kind = jwt.get_unverified_header(token).get("typ")
    if kind == USER or (kind == LIMITED and limited_too):
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
        raise ApiError(_UNAUTHORIZED, f"no plugin is named {plugin}", name="AuthenticationError")
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{base}/.backstage/auth/v1/jwks.json")
    found: list[Record] = answer.json()["keys"]
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


_DOTS_OF_A_JWT: Final = 2
