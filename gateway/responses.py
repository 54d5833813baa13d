"""What goes back to a caller: a status, headers and a body, and refusals in the form that Backstage gives its errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from starlette.types import Send

from actions.errors import ActionError
from clients.http.errors import ErrorKind, ServiceError

Header = tuple[bytes, bytes]

JSON_TYPE: Final[Header] = (b"content-type", b"application/json; charset=utf-8")
WITHOUT_BODY: Final = frozenset({204, 304})
_LONGEST_URL: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """One HTTP answer, whole. `headers` are lower case and hold no content-length."""

    status: int
    headers: Sequence[Header] = ()
    body: bytes = field(default=b"", repr=False)


class HttpError(Exception):
    """The request is not served, and why: an error name of Backstage, its status, and a sentence for who asked."""

    def __init__(self, status: int, name: str, message: str, *, headers: Sequence[Header] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message
        self.headers = tuple(headers)


def bad_request(message: str, *, status: int = HTTPStatus.BAD_REQUEST) -> HttpError:
    """Answer the refusal of something the caller can change."""
    return HttpError(status, "InputError", message)


def not_found(message: str) -> HttpError:
    """Answer that there is nothing here."""
    return HttpError(HTTPStatus.NOT_FOUND, "NotFoundError", message)


def forbidden(message: str, *, headers: Sequence[Header] = ()) -> HttpError:
    """Answer that we know who asks, and that they may not have it."""
    return HttpError(HTTPStatus.FORBIDDEN, "NotAllowedError", message, headers=headers)


def unavailable(message: str, *, status: int = HTTPStatus.SERVICE_UNAVAILABLE, retry_after_s: float | None = None) -> HttpError:
    """Answer that it may work later. The name is one that Backstage shows to a person, whatever the status."""
    headers = () if retry_after_s is None else ((b"retry-after", b"%d" % max(1, round(retry_after_s))),)
    return HttpError(status, "ServiceUnavailableError", message, headers=headers)


def from_service_error(failure: ServiceError) -> HttpError:
    """Put a call of ours that failed as the caller should see it: never as a fault of their credentials."""
    if failure.kind is ErrorKind.THROTTLED:
        return unavailable(str(failure), retry_after_s=failure.retry_after_s or 5)
    if failure.kind is ErrorKind.CONNECTION:
        return unavailable(str(failure), retry_after_s=failure.retry_after_s)
    return unavailable(str(failure), status=HTTPStatus.BAD_GATEWAY)


def from_action_error(error: ActionError) -> HttpError:
    """Put a question that has no answer."""
    return HttpError(error.status, error.name, str(error))


def json_response(content: object, *, status: int = HTTPStatus.OK, headers: Sequence[Header] = ()) -> GatewayResponse:
    """Answer a value as JSON."""
    # Half a surrogate pair has no bytes of its own; written as the escape that JSON has for it, it harms nobody.
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode(errors="backslashreplace")
    return GatewayResponse(status=status, headers=(JSON_TYPE, *headers), body=body)


def error_response(refused: HttpError, *, method: str, url: str) -> GatewayResponse:
    """Answer Backstage's error body. `url` is what was asked, below the plugin's base."""
    content = {
        "error": {"name": refused.name, "message": refused.message},
        "request": {"method": method, "url": url[:_LONGEST_URL]},
        "response": {"statusCode": refused.status},
    }
    return json_response(content, status=refused.status, headers=refused.headers)


@lru_cache(maxsize=1024)
def render_head(status: int, headers: tuple[Header, ...], length: int) -> bytes:
    """Answer the status line and the headers as they are sent, without the empty line that ends them.

    Raises:
        ValueError: a header would break its line.
    """
    lines = [b"HTTP/1.1 %d %b" % (status, HTTPStatus(status).phrase.encode())]
    lines += [b"%b: %b" % header for header in headers]
    if any(b"\r" in line or b"\n" in line for line in lines):
        message = "a header holds a line break"
        raise ValueError(message)
    return b"%b\r\ncontent-length: %d\r\n" % (b"\r\n".join(lines), length)


async def send_response(send: Send, answer: GatewayResponse, extra: Sequence[Header] = ()) -> None:
    """Send an answer with further headers."""
    length = (b"content-length", b"%d" % len(answer.body))
    no_body = answer.status in WITHOUT_BODY
    headers = [*answer.headers, *extra] if no_body else [*answer.headers, *extra, length]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if no_body else answer.body})
