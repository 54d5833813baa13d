"""Sends one event to PagerDuty. Sending it twice is harmless: PagerDuty deduplicates by its dedup key."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from http import HTTPStatus
from typing import Final

with warnings.catch_warnings():
    # pdpyras warns on import that it is no longer maintained: docs/decisions/0004
    warnings.filterwarnings("ignore", message="The package .pdpyras. is deprecated", category=UserWarning)
    import pdpyras

from requests import Request, Response
from requests.structures import CaseInsensitiveDict

from clients.http.client import HttpClient, HttpOptions, TimeLeft, unlimited
from clients.http.errors import ErrorKind, PayloadRejected, RecipientRejected, ServiceError
from clients.http.messages import HttpRequest, wait_s
from domain.component import RoutingKey
from domain.messages import Json

DEFAULT_EVENTS_URL: Final = "https://events.pagerduty.com"
DEFAULT_RETRY_AFTER_S: Final = 60.0
"""PagerDuty limits calls per key over a rolling minute."""

_ATTEMPTS: Final = 3
_RETRIED: Final = frozenset({500, 502, 503, 504})
"""Not 429: the outbox reschedules that."""
_NO_REASON: Final = "400, without a reason"


class _EventsSession(pdpyras.EventsAPISession):  # type: ignore[misc]  # pdpyras has no types
    """A pdpyras session over our HTTP client: its deadline, retries, proxies and certificates."""

    def __init__(self, key: str, http: HttpClient, *, time_left: TimeLeft) -> None:
        super().__init__(key)
        self.url = "http://pagerduty.invalid"  # prepended to the path; the HTTP client has the real one
        self._http = http
        self._time_left = time_left

    def request(self, method: str, url: str, **options: object) -> Response:
        """Send a request. pdpyras would retry 429 without limit, ignore Retry-After and follow redirects with the routing key."""
        body = json.dumps(options.get("json")).encode()
        headers = {"Content-Type": "application/json"}
        target = url.removeprefix(self.url)
        request = HttpRequest(method=method.upper(), target=target, headers=headers, body=body)
        answered = self._http.send(request, time_left=self._time_left)
        response = Response()
        response.request = Request(request.method, self.url).prepare()  # for the text of errors, which is not used
        response.status_code = answered.status
        response.headers = CaseInsensitiveDict(answered.headers)
        response.raw = io.BytesIO(answered.body)
        return response


class PagerDutyClient:
    """The Events API v2. Thread-safe.

    Args:
        events_url: https, or http on this machine.
        timeout_s: for one attempt, from connecting to the last byte.
        pause_s: up to this long is the first pause between two attempts; it doubles each time.
    """

    def __init__(self, *, events_url: str = DEFAULT_EVENTS_URL, timeout_s: float = 10, pause_s: float = 0.5) -> None:
        options = HttpOptions(
            timeout_s=timeout_s, attempts=_ATTEMPTS, initial_wait_s=pause_s, retried_statuses=_RETRIED, keeps_connections=False
        )
        self._http = HttpClient("PagerDuty", events_url, options)

    def send(self, routing_key: RoutingKey, event: Mapping[str, Json], *, time_left: TimeLeft = unlimited) -> str:
        """Send the body of `/v2/enqueue` without its routing key; return the dedup key. `time_left` is asked before each attempt.

        Raises:
            PayloadRejected: 400: PagerDuty never accepts this event.
            RecipientRejected: 401, 403, or a 400 that names the routing key: no event is accepted for this key.
            ServiceError: 429 (`retry_after_s`), 5xx, unavailable, an invalid response: temporary. After sending
                `outcome_unknown`, which is harmless with the same dedup key.
        """
        body = deepcopy(dict(event))
        action, dedup_key = body.pop("event_action", None), body.pop("dedup_key", None)
        if not (isinstance(action, str) and isinstance(dedup_key, str) and dedup_key):
            message = "an event for PagerDuty has no action or no dedup key, so it cannot be repeated safely"
            raise PayloadRejected(message)
        try:
            with _as_service_errors():
                session = _EventsSession(routing_key.reveal(), self._http, time_left=time_left)
                return str(session.send_event(action, dedup_key, **body))
        except ValueError:
            message = f"PagerDuty does not support the action {action!r}"
            raise PayloadRejected(message) from None

    def send_change(self, routing_key: RoutingKey, event: Mapping[str, Json], *, time_left: TimeLeft = unlimited) -> None:
        """Send the body of `/v2/change/enqueue` without its routing key. Only keys of services take change events.

        Raises what `send` raises. A change event has no dedup key: one with an unknown outcome may be shown twice.
        """
        with _as_service_errors():
            session = _EventsSession(routing_key.reveal(), self._http, time_left=time_left)
            pdpyras.successful_response(session.post("/v2/change/enqueue", json=deepcopy(dict(event))))


@contextmanager
def _as_service_errors() -> Iterator[None]:
    try:
        yield
    except pdpyras.PDClientError as error:
        raise _error_from_response(error.response) from None
    except ServiceError as error:
        if error.status != HTTPStatus.TOO_MANY_REQUESTS:
            raise
        raise error.copy(retry_after_s=wait_s(error.retry_after_s, default_s=DEFAULT_RETRY_AFTER_S)) from None


def _error_from_response(response: Response) -> ServiceError:
    """Classify a response. The text of pdpyras is not used: it may contain the end of a key, or a whole page."""
    status = response.status_code
    message = f"PagerDuty answered an event with status {status}"
    if status == HTTPStatus.BAD_REQUEST:
        reasons = _reasons(response)
        message = f"PagerDuty rejected an event: {reasons}"
        names_the_key = "routing key" in reasons.lower() or "routing_key" in reasons.lower()
        return RecipientRejected(message, kind=ErrorKind.AUTH) if names_the_key else PayloadRejected(message)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return RecipientRejected(message, kind=ErrorKind.AUTH)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return PayloadRejected(f"{message}: it is too large")
    if status < HTTPStatus.BAD_REQUEST:
        message = f"{message} and a body that cannot be read"
        return ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True)
    return ServiceError(message, kind=ErrorKind.REJECTED, permanent=True)


def _reasons(response: Response) -> str:
    """Return at most 300 characters of `{"message": ..., "errors": [...]}`."""
    try:
        body = response.json()
    except ValueError:
        return _NO_REASON
    if not isinstance(body, dict):
        return _NO_REASON
    errors = body.get("errors")
    reasons = "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""
    return (reasons or str(body.get("message") or _NO_REASON))[:300]
