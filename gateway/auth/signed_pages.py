"""Lets in whoever follows a signed link to a report page: to that page, to read, and nowhere else."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from domain.clock import Clock
from gateway.auth.callers import Caller
from gateway.request import GatewayRequest
from gateway.responses import HttpError, forbidden
from reports.signed_links import LinkStatus, PageLinks

_PAGES: Final = b"/reports/"
_SIGNED: Final = b"sig="
_READS: Final = frozenset({"GET", "HEAD"})


class SignedPages:
    """Checks signed links."""

    def __init__(self, links: PageLinks | None, *, clock: Clock) -> None:
        self._links = links
        self._clock = clock

    def caller_of(self, exchange: GatewayRequest) -> Caller | None:
        """Answer whoever follows a signed link, or None when the request is none: then credentials are wanted as everywhere.

        Raises:
            Refused: 403 when the link has expired, 401 when it is none of ours.
        """
        if self._links is None or exchange.method not in _READS or not exchange.target.startswith(_PAGES):
            return None
        if _SIGNED not in exchange.query or exchange.header(b"authorization") is not None:
            return None
        path = exchange.target.decode("latin-1")
        match self._links.check(path, exchange.query.decode("latin-1"), now=self._clock()):
            case LinkStatus.VALID:
                return Caller(kind="link", subject=path)
            case LinkStatus.EXPIRED:
                message = (
                    "this link has expired; a link is good for five weeks, and the newest report in the channel has a fresh one"
                )
                raise forbidden(message)
            case _:
                message = "this link was not made by us, or was changed on its way; follow the one in the report again"
                raise HttpError(HTTPStatus.UNAUTHORIZED, "AuthenticationError", message)
