"""HTTP requests and responses, and what an unexpected response means as a `ServiceError`."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from clients.http.errors import ErrorKind, ServiceError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request. `target` is the path with its query, percent-encoded, below the client's base URL."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    max_response_bytes: int | None = None
    """None: the limit of the client."""

    @property
    def route(self) -> str:
        """Method and path, without the query: what messages and logs show."""
        return f"{self.method} {self.target.partition('?')[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One response, read to its end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


MAX_RETRY_AFTER_S: Final = 3600.0
"""A service that asks for more is asked again after this: its header may be wrong, and a message must not expire because of it."""


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Parse Retry-After: seconds, or a date relative to the Date of the same response (RFC 9110, 10.2.3).

    Returns:
        Between 0 and MAX_RETRY_AFTER_S; None if the header is missing or cannot be parsed.
    """
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def wait_s(retry_after: float | None, *, default_s: float) -> float:
    """Return how long to wait after a 429 with this Retry-After: at least a second."""
    return default_s if retry_after is None else max(retry_after, 1.0)


def status_error(service: str, request: HttpRequest, response: HttpResponse) -> ServiceError:
    """Return the error for a response whose status is not the expected one."""
    status = response.status
    kind, outcome, permanent = _classify_status(status)
    return ServiceError(
        f"{service} answered {request.route} with {outcome}",
        kind=kind,
        permanent=permanent,
        retry_after_s=retry_after_s(response.headers),
        status=status,
        service_down=status == HTTPStatus.UNAUTHORIZED,
    )


def no_response(service: str, request: HttpRequest, reason: str, *, sent: bool = True) -> ServiceError:
    """Return the error for a request without a response; `sent` is False if there was no connection."""
    message = f"{service} did not answer {request.route}: {reason}"
    return ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=sent, service_down=not sent)


def truncated_error(service: str, request: HttpRequest) -> ServiceError:
    """Return the error for a body that ends early."""
    message = f"{service} answered {request.route} with a body that is truncated or cannot be decompressed"
    return ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True)


def too_large_error(service: str, request: HttpRequest, status: int, limit_bytes: int) -> ServiceError:
    """Return the error for a body above the limit."""
    message = f"{service} answered {request.route} with more than {limit_bytes // 1024} KiB, which is above the limit"
    return ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=True, outcome_unknown=True, status=status)


def parse_json(service: str, adapter: TypeAdapter[T], request: HttpRequest, response: HttpResponse) -> T:
    """Parse the body of a 200 as JSON of a known schema.

    Raises:
        ServiceError: another status, no body, not JSON, or another schema. The message never quotes the body.
    """
    document = read_json(service, request, response)
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(step) for step in detail["loc"]) or "the document"
    raise schema_error(service, request, response, f"{place}: {detail['msg']}")


def read_json(service: str, request: HttpRequest, response: HttpResponse) -> object:
    """Decode the body of a 200 as JSON of any schema. Raises ServiceError as `parse_json`."""
    require_ok(service, request, response)
    try:
        return decode_json(response.body)
    except ValueError:
        raise undecodable_error(service, request, response) from None


def require_ok(service: str, request: HttpRequest, response: HttpResponse) -> None:
    """Raise ServiceError unless the status is 200."""
    if response.status != HTTPStatus.OK:
        raise status_error(service, request, response)


def undecodable_error(service: str, request: HttpRequest, response: HttpResponse) -> ServiceError:
    """Return the error for a body that is not JSON."""
    message = f"{service} answered {request.route} with {_describe_undecodable(response)}"
    return ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, status=response.status)


def schema_error(service: str, request: HttpRequest, response: HttpResponse, problem: str) -> ServiceError:
    """Return the error for JSON of an unexpected schema; `problem` says where and what."""
    message = f"{service} answered {request.route} with JSON of an unexpected schema ({problem})"
    return ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, status=response.status)


def decode_json(body: bytes) -> object:
    """Decode JSON, and what is sent as JSON in practice: a byte-order mark, NaN, lone surrogates, endless integers (infinity).

    What no text can hold becomes a replacement character. Raises ValueError for anything else.
    """
    with suppress(ValueError):
        return from_json(body)
    try:
        text = body.decode(json.detect_encoding(body), "replace")
        return _as_text(json.loads(text, parse_int=_parse_int))
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) < sys.int_info.str_digits_check_threshold else float(digits)


def _as_text(value: object) -> object:
    """Replace the lone surrogates in a document: JSON can spell them, nothing can store or send them."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_as_text(one) for one in value]
        case dict():
            return {_as_text(key): _as_text(one) for key, one in value.items()}
    return value


def _classify_status(status: int) -> tuple[ErrorKind, str, bool]:
    """Return the kind, the text of the message, and whether it is permanent."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return ErrorKind.AUTH, "401: our credentials were not accepted", True
        case HTTPStatus.FORBIDDEN:
            return ErrorKind.AUTH, "403: our credentials do not permit this request", True
        case HTTPStatus.NOT_FOUND:
            return ErrorKind.NOT_FOUND, "404: not found", True
        case HTTPStatus.TOO_MANY_REQUESTS:
            return ErrorKind.THROTTLED, "429: too many requests", False
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return ErrorKind.THROTTLED, "503: not available", False
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ErrorKind.SERVER_ERROR, f"{status}: an internal error", False
    if status >= HTTPStatus.BAD_REQUEST:
        return ErrorKind.REJECTED, f"{status}: the request was rejected", True
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return ErrorKind.INVALID_RESPONSE, f"a redirect ({status}), probably to a login page, which is not followed", False
    return ErrorKind.INVALID_RESPONSE, f"status {status} instead of 200 with a body", False


def _describe_undecodable(response: HttpResponse) -> str:
    if not response.body.strip():
        return "an empty body"
    media_type = response.headers.get("content-type", "").partition(";")[0].strip() or "no content type"
    return f"a body that is not JSON ({media_type})" if "json" not in media_type else "truncated or malformed JSON"
