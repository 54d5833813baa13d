"""The HTTP exchange under the Slack SDK: no redirects, bounded size and time, one error type.

The SDK's own exchange follows redirects with the token in the header, reads without limit, and does not distinguish a connection that
was never made from a response that was lost. The difference decides whether a message may be sent again.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
import urllib.request
from email.message import Message as Headers
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.error import HTTPError, URLError

from slack_sdk import WebClient

from clients.http.errors import ErrorKind, ServiceError
from clients.http.loopback import is_loopback_url
from clients.http.messages import retry_after_s

MAX_RESPONSE_BYTES: Final = 8 * 1024 * 1024
"""A page of 200 messages of 50 blocks is much smaller."""
MAX_RESPONSE_S: Final = 30.0
"""For the whole body; the SDK's time-out is for each read."""
DEFAULT_RETRY_AFTER_S: Final = 30.0

_NEVER_SENT: Final = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError, TimeoutError)
"""As the reason of a `URLError` these precede the request: it fits into the socket's buffer, so only connecting times out there."""
_REDIRECTS: Final = range(300, 400)
_LOST_BY_GATEWAY: Final = (502, 504)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Slack's methods do not redirect; the target of a redirect would get the token."""

    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: the response then counts as an error with its own status."""


class BoundedWebClient(WebClient):
    """The SDK's client with our exchange. Every failure is a `ServiceError`."""

    # Private: pyproject bounds slack-sdk, and test_slack_client has a contract test.
    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        """Return status, headers and body of a response that is a JSON object."""
        method = url.rstrip("/").rsplit("/", 1)[-1]
        proxies = urllib.request.ProxyHandler({} if is_loopback_url(url) else None)
        opener = urllib.request.build_opener(_NoRedirects, proxies, urllib.request.HTTPSHandler(context=self.ssl))
        try:
            with opener.open(req, timeout=self.timeout) as response:
                return _read(method, response.status, response.headers, response)
        except HTTPError as error:
            with error:
                return _read(method, error.code, error.headers, error)
        except URLError as error:
            raise _no_response(method, error.reason, outcome_unknown=not isinstance(error.reason, _NEVER_SENT)) from None
        except (OSError, HTTPException) as error:
            raise _no_response(method, error, outcome_unknown=True) from None


def _read(method: str, status: int, headers: Headers, body: HTTPResponse | HTTPError) -> dict[str, Any]:
    """Read a response of any status; raise if it is not one of Slack's own.

    A 429 and most 5xx come from Slack's edge, which did nothing; with 502 and 504 the edge lost the response.
    """
    if status in _REDIRECTS:
        message = f"Slack answered {method} with a redirect ({status}), which is not followed; check SLACK_BASE_URL"
        raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
    content = _read_bounded(method, body)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = retry_after_s(headers)
        wait_s = DEFAULT_RETRY_AFTER_S if wait_s is None else max(wait_s, 1.0)
        message = f"Slack answered {method} with 429: too many requests, retry after {wait_s:g} s"
        raise ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=wait_s)
    if _is_json_object(content):
        return {"status": status, "headers": headers, "body": content.decode()}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = f"Slack answered {method} with status {status}"
        kind = ErrorKind.THROTTLED if status == HTTPStatus.SERVICE_UNAVAILABLE else ErrorKind.SERVER_ERROR
        raise ServiceError(message, kind=kind, permanent=False, outcome_unknown=status in _LOST_BY_GATEWAY)
    message = f"Slack answered {method} with status {status} and a body that is not JSON"
    raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=status < HTTPStatus.BAD_REQUEST)


def _read_bounded(method: str, body: HTTPResponse | HTTPError) -> bytes:
    content = bytearray()
    deadline = time.monotonic() + MAX_RESPONSE_S
    while chunk := body.read1(65536):
        content += chunk
        if len(content) > MAX_RESPONSE_BYTES:
            message = f"Slack answered {method} with more than {MAX_RESPONSE_BYTES} bytes"
            raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True)
        if time.monotonic() > deadline:
            message = f"Slack's response to {method} was not complete after {MAX_RESPONSE_S:g} s"
            raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=True)
    return bytes(content)


def _is_json_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def _no_response(method: str, reason: object, *, outcome_unknown: bool) -> ServiceError:
    detail = type(reason).__name__ if isinstance(reason, Exception) else "no connection"
    message = f"Slack did not answer {method} ({detail})"
    return ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=outcome_unknown)
