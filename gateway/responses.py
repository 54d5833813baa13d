"""HTTP responses of the gateway, and its errors in the form that Backstage gives them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from actions.errors import ActionError
from clients.http.errors import ErrorKind, ServiceError
from store import StoreUnavailable

Header = tuple[bytes, bytes]

JSON_TYPE: Final[Header] = (b"content-type", b"application/json; charset=utf-8")
_MAX_URL_LENGTH: Final = 500
PIECE_BYTES: Final = 64 * 1024
_NO_CONTENT: Final = HTTPStatus.NO_CONTENT
"""Of every response: Python 3.11 looks up a member of an enum in Python code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """A complete response, sent by calling it as an ASGI application. `headers` are lower case, without content-length."""

    status: int
    headers: Sequence[Header] = ()
    body: bytes = field(default=b"", repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. The server omits the body of a response to HEAD."""
        del scope, receive
        await self.send(send)

    async def send(self, send: Send, *, more_headers: Sequence[Header] = ()) -> None:
        """Send the response with further headers."""
        body = self.body
        headers = [*self.headers, *more_headers]
        if self.status != _NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        # In pieces, because the server copies each into its write buffer before it waits for a slow reader.
        start = 0
        while len(body) - start > PIECE_BYTES:
            await send({"type": "http.response.body", "body": body[start : start + PIECE_BYTES], "more_body": True})
            start += PIECE_BYTES
        await send({"type": "http.response.body", "body": body[start:]})


class HttpError(Exception):
    """A request that is not served: an error name of Backstage, a status, and a message for the caller."""

    def __init__(self, status: int, name: str, message: str, *, headers: Sequence[Header] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message
        self.headers = tuple(headers)


def bad_request(message: str, *, status: int = HTTPStatus.BAD_REQUEST) -> HttpError:
    """Return an error that the caller can correct."""
    return HttpError(status, "InputError", message)


def not_found(message: str) -> HttpError:
    """Return a 404."""
    return HttpError(HTTPStatus.NOT_FOUND, "NotFoundError", message)


def method_not_allowed(allowed: Iterable[str]) -> HttpError:
    """Return a 405 that lists the allowed methods."""
    methods = ", ".join(sorted(allowed))
    message = f"the method is not allowed for this route; allowed: {methods}"
    return HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "InputError", message, headers=((b"allow", methods.encode()),))


def forbidden(message: str, *, headers: Sequence[Header] = ()) -> HttpError:
    """Return a 403."""
    return HttpError(HTTPStatus.FORBIDDEN, "NotAllowedError", message, headers=headers)


def unavailable(message: str, *, status: int = HTTPStatus.SERVICE_UNAVAILABLE, retry_after_s: float | None = None) -> HttpError:
    """Return an error that may pass. Backstage shows the message of this error name, whatever the status."""
    headers = () if retry_after_s is None else ((b"retry-after", b"%d" % max(1, round(retry_after_s))),)
    return HttpError(status, "ServiceUnavailableError", message, headers=headers)


def as_http_error(error: Exception) -> HttpError:
    """Return what the caller sees of an error; status 500 for one that is not expected."""
    match error:
        case HttpError():
            return error
        case ActionError():
            return HttpError(error.status, error.name, str(error))
        case ServiceError():
            return _from_service_error(error)
        case HTTPException(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": allowed}):
            return method_not_allowed(allowed.split(", "))
        case ClientDisconnect():
            return bad_request("the client disconnected before the request was complete", status=HTTPStatus.REQUEST_TIMEOUT)
        case StoreUnavailable():
            return unavailable("the database is unavailable", retry_after_s=5)
    message = "the gateway failed to serve the request; its log has the error"
    return HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, "ServiceUnavailableError", message)


def _from_service_error(error: ServiceError) -> HttpError:
    """Map a failed upstream call. It is never reported as a fault of the caller's credentials."""
    if error.kind is ErrorKind.THROTTLED:
        return unavailable(str(error), retry_after_s=error.retry_after_s or 5)
    if error.kind is ErrorKind.CONNECTION:
        return unavailable(str(error), retry_after_s=error.retry_after_s)
    return unavailable(str(error), status=HTTPStatus.BAD_GATEWAY)


def json_response(content: object, *, status: int = HTTPStatus.OK, headers: Sequence[Header] = ()) -> GatewayResponse:
    """Return a value as JSON."""
    # A lone surrogate has no UTF-8 encoding; backslashreplace writes it as the JSON escape.
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode(errors="backslashreplace")
    return GatewayResponse(status=status, headers=(JSON_TYPE, *headers), body=body)


def error_response(error: HttpError, *, method: str, url: str) -> GatewayResponse:
    """Return Backstage's error body. `url` is the requested one, below the plugin's base."""
    content = {
        "error": {"name": error.name, "message": error.message},
        "request": {"method": method, "url": url[:_MAX_URL_LENGTH]},
        "response": {"statusCode": error.status},
    }
    return json_response(content, status=error.status, headers=error.headers)
