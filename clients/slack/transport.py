"""One HTTP exchange with Slack under the SDK: no redirect followed, size and time bounded, and what a failure means.

The SDK's own exchange follows redirects with the token in the header, reads without limit, and cannot tell a connection
that was never made from an answer that was lost; the difference decides whether a message may be sent again.
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

from clients.http.client import ErrorKind, ServiceError, is_loopback

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""A page of 200 messages of 50 blocks stays well below."""
MAX_ANSWER_S: Final = 30.0
"""For the whole body; the SDK's time-out is for each read."""

_NEVER_SENT: Final = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError, TimeoutError)
"""Wrapped in `URLError` these happen before the request is out: a request fits into the socket's buffer, so a time-out
while sending does not occur, one while connecting does."""
_REDIRECTS: Final = range(300, 400)
_GATEWAY_LOST_THE_ANSWER: Final = (502, 504)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Slack's methods do not redirect; whoever does so would get the token."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing; the answer is then an error of its own status."""


class BoundedWebClient(WebClient):
    """The SDK's client over our exchange. Every failure leaves it as `ServiceError`."""

    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        """Answer status, headers and body of a good or bad answer that is a JSON object."""
        method = url.rstrip("/").rsplit("/", 1)[-1]
        proxies = urllib.request.ProxyHandler({} if is_loopback(url) else None)
        opener = urllib.request.build_opener(_NoRedirect, proxies, urllib.request.HTTPSHandler(context=self.ssl))
        try:
            with opener.open(req, timeout=self.timeout) as answer:
                return _read(method, answer.status, answer.headers, answer)
        except HTTPError as refusal:
            with refusal:
                return _read(method, refusal.code, refusal.headers, refusal)
        except URLError as trouble:
            raise _unreachable(method, trouble.reason, outcome_unknown=not isinstance(trouble.reason, _NEVER_SENT)) from None
        except (OSError, HTTPException) as trouble:
            raise _unreachable(method, trouble, outcome_unknown=True) from None


def _read(method: str, status: int, headers: Headers, body: HTTPResponse | HTTPError) -> dict[str, Any]:
    """Read an answer of any status; raise when it is none of Slack's own.

    A 429 and most 5xx come from Slack's edge, which did nothing; 502 and 504 mean that the edge lost the answer.
    """
    if status in _REDIRECTS:
        message = f"Slack answered {method} with a redirect ({status}), which is not followed; is SLACK_BASE_URL right?"
        raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
    content = _read_bounded(method, body)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = _retry_after_s(headers)
        message = f"Slack asked for patience at {method}: 429, come back in {wait_s:g} s"
        raise ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=wait_s)
    if _is_json_object(content):
        return {"status": status, "headers": headers, "body": content.decode()}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = f"Slack answered {method} with status {status}"
        fault = ErrorKind.THROTTLED if status == HTTPStatus.SERVICE_UNAVAILABLE else ErrorKind.SERVER_ERROR
        raise ServiceError(message, kind=fault, permanent=False, outcome_unknown=status in _GATEWAY_LOST_THE_ANSWER)
    message = f"Slack answered {method} with status {status} and something that is not JSON"
    raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=status < HTTPStatus.BAD_REQUEST)


def _read_bounded(method: str, body: HTTPResponse | HTTPError) -> bytes:
    content = bytearray()
    deadline = time.monotonic() + MAX_ANSWER_S
    while chunk := body.read1(65536):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            message = f"Slack answered {method} with more than {MAX_ANSWER_BYTES} bytes"
            raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True)
        if time.monotonic() > deadline:
            message = f"Slack's answer to {method} was not complete after {MAX_ANSWER_S:g} s"
            raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=True)
    return bytes(content)


def _is_json_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def _retry_after_s(headers: Headers) -> float:
    """Slack sends whole seconds; anything else counts as its usual 30."""
    try:
        return max(float(headers.get("Retry-After", "")), 1.0)
    except ValueError:
        return 30.0


def _unreachable(method: str, reason: object, *, outcome_unknown: bool) -> ServiceError:
    what = type(reason).__name__ if isinstance(reason, Exception) else "no connection"
    message = f"Slack did not answer {method} ({what})"
    return ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=outcome_unknown)
