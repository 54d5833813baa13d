"""The HTTP exchange under the Slack SDK, by our own client: its deadline, limits, proxies and certificates.

The SDK's own exchange follows redirects with the token in the header, reads without limit, and does not distinguish a connection that
was never made from a response that was lost. The difference decides whether a message may be sent again.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from http import HTTPStatus
from typing import Any, Final

from slack_sdk import WebClient

from clients.http.client import HttpClient, HttpOptions, TimeLeft
from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest, HttpResponse, retry_after_s, wait_s

MAX_RESPONSE_BYTES: Final = 8 * 1024 * 1024
"""A page of 200 messages of 50 blocks is much smaller."""
DEFAULT_RETRY_AFTER_S: Final = 30.0
_REDIRECTS: Final = range(300, 400)


def slack_http(base_url: str, *, timeout_s: float) -> HttpClient:
    """Return the HTTP client of the Web API. `timeout_s`: for one call, from connecting to the last byte."""
    options = HttpOptions(timeout_s=timeout_s, max_response_bytes=MAX_RESPONSE_BYTES, keeps_connections=False)
    return HttpClient("Slack", base_url, options)


class SlackCall(WebClient):
    """The SDK's client for one call. Every failure of the exchange is a `ServiceError`."""

    def __init__(self, http: HttpClient, *, token: str, base_url: str, log: logging.Logger, time_left: TimeLeft) -> None:
        super().__init__(token=token, base_url=base_url, logger=log, retry_handlers=[])
        self._http = http
        self._time_left = time_left

    # Private: pyproject bounds slack-sdk, and test_slack_client has a contract test.
    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        """Return status, headers and body of a response that is a JSON object."""
        target = "/" + url.removeprefix(self.base_url).lstrip("/")
        data = req.data if isinstance(req.data, bytes) else None
        headers = {name: str(value) for name, value in req.header_items()}
        request = HttpRequest(method="POST", target=target, headers=headers, body=data)
        return _parse(target.strip("/"), self._http.exchange(request, time_left=self._time_left))


def _parse(method: str, response: HttpResponse) -> dict[str, Any]:
    """Return a JSON object of Slack. Any other response says nothing about what became of the call: it may have been made."""
    status = response.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        retry_s = wait_s(retry_after_s(response.headers), default_s=DEFAULT_RETRY_AFTER_S)
        message = f"Slack answered {method} with 429: too many requests, retry after {retry_s:g} s"
        raise _unclear(message, ErrorKind.THROTTLED, status, retry_after_s=retry_s)
    if _is_json_object(response.body):
        return {"status": status, "headers": dict(response.headers), "body": response.body.decode()}
    if status in _REDIRECTS:
        message = f"Slack answered {method} with a redirect ({status}), which is not followed; check SLACK_BASE_URL"
        raise _unclear(message, ErrorKind.INVALID_RESPONSE, status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ErrorKind.THROTTLED if status == HTTPStatus.SERVICE_UNAVAILABLE else ErrorKind.SERVER_ERROR
        message = f"Slack answered {method} with status {status}"
        raise _unclear(message, kind, status)
    message = f"Slack answered {method} with status {status} and a body that is not JSON"
    raise _unclear(message, ErrorKind.INVALID_RESPONSE, status)


def _unclear(message: str, kind: ErrorKind, status: int, *, retry_after_s: float | None = None) -> ServiceError:
    return ServiceError(message, kind=kind, permanent=False, outcome_unknown=True, status=status, retry_after_s=retry_after_s)


def _is_json_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False
