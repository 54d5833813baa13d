"""The checks that every request passes before the proxy or the web application: Host, Origin, caller and rate limit."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from domain.clock import Clock
from gateway.auth.allowed_hosts import AllowedHosts
from gateway.auth.callers import ANONYMOUS, Caller, Callers
from gateway.auth.cors import Cors
from gateway.auth.rate_limit import RateLimit
from gateway.request import GatewayRequest
from gateway.responses import Header, HttpError, forbidden
from reports.signed_links import LinkStatus, PageLinks, origin_of, signable_page

METRICS_PATH: Final = b"/metrics"


class Admission:
    """Checks requests in order: `check_origin`, then `authenticate`."""

    def __init__(
        self,
        *,
        hosts: AllowedHosts,
        cors: Cors,
        callers: Callers,
        page_links: PageLinks | None,
        rate_limit: RateLimit,
        failure_limit: RateLimit,
        public_paths: frozenset[bytes],
        uncounted_paths: frozenset[bytes] = frozenset(),
        clock: Clock,
    ) -> None:
        self._hosts = hosts
        self._cors = cors
        self._callers = callers
        self._page_links = page_links
        self._rate_limit = rate_limit
        self._failure_limit = failure_limit  # by address or token, not by caller
        self._public_paths = public_paths
        self._uncounted_paths = uncounted_paths
        self._clock = clock

    def check_origin(self, request: GatewayRequest) -> Sequence[Header]:
        """Return the CORS headers of the response. Raises HttpError: the Host or the Origin is not allowed."""
        server = request.scope.get("server")
        self._hosts.check(request.headers.get(b"host"), server[0] if server else None)
        return self._cors.headers_for(request)

    async def authenticate(self, request: GatewayRequest) -> None:
        """Set `request.caller` and count the request against its rate limit. Raises HttpError, ServiceError."""
        if self._is_public(request):
            request.caller = ANONYMOUS
            return
        authorization = request.header(b"authorization")
        caller = self._callers.cached_caller(authorization)
        if caller is None:
            bucket = self._failure_bucket(request, authorization)
            try:
                caller = self._link_caller(request)
                if caller is None:
                    self._failure_limit.check(bucket)
                    caller = await self._callers.authenticate(authorization)
            except HttpError:
                self._failure_limit.allow(bucket)
                raise
        request.caller = caller
        if request.method != "GET" or request.target not in self._uncounted_paths:
            self._rate_limit.allow(caller.name)

    def _failure_bucket(self, request: GatewayRequest, authorization: str | None) -> str:
        """Return what a refusal is counted for: the token, if it is worth verifying, else the peer.

        Behind an ingress all callers are one peer, so refusals of others must not keep anyone from being verified. A signature costs about as much
        as a refusal, and fetching keys has cooldowns of its own.
        """
        token = self._callers.plausible_token(authorization)
        return request.peer if token is None else f"{request.peer} {token}"

    def _is_public(self, request: GatewayRequest) -> bool:
        if request.method not in {"GET", "HEAD"}:
            return False
        return request.target in self._public_paths or (request.target == METRICS_PATH and request.is_local)

    def _link_caller(self, request: GatewayRequest) -> Caller | None:
        """Return the caller of a signed link, or None for any other request.

        It grants one page, read-only or with the form of its alerts, whose token is checked besides.
        """
        if self._page_links is None or b"sig=" not in request.query or b"authorization" in request.headers:
            return None
        path = request.target.decode("latin-1")
        page = signable_page(path)
        if page is None or not (request.method in {"GET", "HEAD"} or (request.method == "POST" and page.has_form)):
            return None
        query = request.query.decode("latin-1")
        match self._page_links.check(path, query, now=self._clock()):
            case LinkStatus.VALID:
                return Caller(kind="link", subject=path, origin=unquote(origin_of(query)))
            case LinkStatus.EXPIRED:
                message = (
                    "this link has expired; links are valid for five weeks, and the newest message in the channel has a new one"
                )
                raise forbidden(message)
            case _:
                message = "this link has no valid signature; open the link in the message again"
                raise HttpError(HTTPStatus.UNAUTHORIZED, "AuthenticationError", message)
