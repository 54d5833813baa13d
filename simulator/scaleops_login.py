"""Authentication of the simulated ScaleOps: login of built-in and LDAP accounts, bearer tokens, and Azure's token endpoint.

Written from the facts on authentication (1.1): a JSON login whose response is a redirect with the percent-encoded token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator import credentials
from simulator.errors import ApiError, read_json_object
from simulator.faults import LOGIN_PAGE
from simulator.state import State
from simulator.world import Record

_SIGNING_KEY: Final = b"simulated-signing-key"
_GRAPH_SCOPE: Final = "https://graph.microsoft.com/.default"
_UNAUTHORIZED: Final = 401


def login_routes(state: State) -> list[Route]:
    """Return the routes of the login and of the login page."""

    async def log_in(request: Request) -> Response:
        body = await read_json_object(request)
        if request.cookies.get("auth_state") != "TOKEN":
            raise ApiError(400, "the cookie auth_state is missing")
        if state.modes.auth == "none":
            raise ApiError(404, "this installation has no authentication")
        world = state.world()
        sent = body.get(state.modes.login_fields), body.get("password")
        if set(body) != {state.modes.login_fields, "password"} or sent != (world.scaleops_user, world.scaleops_password):
            state.count("oddities", "failed login")
            return _login_error(state)
        return RedirectResponse(
            _location(state, request, issue_token(state, str(body[state.modes.login_fields]))), status_code=302
        )

    async def show_login_page(_: Request) -> Response:
        return HTMLResponse(LOGIN_PAGE)

    return [Route("/auth/callback", log_in, methods=["POST"]), Route("/login", show_login_page, methods=["GET"])]


def azure_routes(state: State) -> list[Route]:
    """Return the route of Azure AD's client credentials: `/<tenant>/oauth2/token`."""

    async def grant(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise ApiError(400, "the body must be a form")
        form = parse_qs((await request.body()).decode(), strict_parsing=True)
        expected = {
            "grant_type": ["client_credentials"],
            "client_id": [credentials.AZURE_CLIENT_ID],
            "client_secret": [credentials.AZURE_CLIENT_SECRET],
            "scope": [_GRAPH_SCOPE],
        }
        if form != expected or request.path_params["tenant"] != credentials.AZURE_TENANT:
            state.count("oddities", "failed Azure login")
            return JSONResponse({"error": "invalid_client", "error_description": "AADSTS7000215"}, status_code=_UNAUTHORIZED)
        token = issue_token(state, credentials.AZURE_CLIENT_ID)
        return JSONResponse({"token_type": "Bearer", "expires_in": str(state.modes.token_lifetime_s), "access_token": token})

    return [Route("/{tenant}/oauth2/token", grant, methods=["POST"])]


def require_token(state: State, request: Request) -> None:
    """Raise a 401 unless the request has a bearer token that is valid at the simulated instant."""
    if state.modes.auth == "none":
        return
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise ApiError(_UNAUTHORIZED, "no bearer token")
    if token == credentials.SCALEOPS_TOKEN:
        return
    expires_at = state.tokens.get(token)
    if expires_at is None or expires_at <= state.clock.now():
        raise ApiError(_UNAUTHORIZED, "the token is unknown, revoked or expired")


def issue_token(state: State, user: str) -> str:
    """Issue a token with the lifetime of the modes, by the simulated clock."""
    now = state.clock.now()
    expires_at = now + timedelta(seconds=state.modes.token_lifetime_s)
    number = len(state.tokens) + 1
    token = _opaque(number) if state.modes.token == "opaque" else _jwt(user, number, now, expires_at)
    state.tokens[token] = expires_at
    return token


def _login_error(state: State) -> Response:
    match state.modes.login_failure:
        case "302":
            return RedirectResponse("/scaleops/login?error=invalid_credentials", status_code=302)
        case "html":
            return HTMLResponse(LOGIN_PAGE)
        case "401":
            return JSONResponse({"error": "invalid username or password"}, status_code=_UNAUTHORIZED)


def _location(state: State, request: Request, token: str) -> str:
    encoded = quote(token, safe="")
    match state.modes.location:
        case "relative":
            return f"/?token={encoded}"
        case "crowded":
            return f"/overview?theme=dark&token={encoded}&next=%2Fcost%3Ftoken%3Dno#top"
        case "absolute":
            return f"{str(request.base_url).rstrip('/')}/?token={encoded}"


def _jwt(user: str, number: int, now: datetime, expires_at: datetime) -> str:
    claims: Record = {"sub": user, "jti": str(number), "iat": int(now.timestamp()), "exp": int(expires_at.timestamp())}
    signed = f"{_base64url({'alg': 'HS256', 'typ': 'JWT'})}.{_base64url(claims)}"
    digest = hmac.new(_SIGNING_KEY, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _base64url(part: Record) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _opaque(number: int) -> str:
    """A token that decoding twice, or as a form, would corrupt."""
    return f"op+aque/{number}%2B=="
