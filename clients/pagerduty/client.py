"""Sends one event to PagerDuty. Sending it twice is harmless: PagerDuty deduplicates by its dedup key."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping
from copy import deepcopy
from http import HTTPStatus
from typing import Final

with warnings.catch_warnings():
    # pdpyras warns on import that it is no longer maintained: docs/decisions/0004
    warnings.filterwarnings("ignore", message="The package .pdpyras. is deprecated", category=UserWarning)
    import pdpyras

from requests import Response

from clients.http.errors import ErrorKind, PayloadRejected, RecipientRejected, ServiceError
from clients.http.loopback import is_loopback_url
from clients.http.messages import retry_after_s
from domain.component import RoutingKey
from domain.messages import Json

DEFAULT_EVENTS_URL: Final = "https://events.pagerduty.com"
DEFAULT_RETRY_AFTER_S: Final = 60.0
"""PagerDuty limits calls per key over a rolling minute."""

_TIMEOUT_S: Final = (3.05, 7.0)
"""Connecting, and each read. At most four attempts and 10 s of pauses: one send ends within 52 s."""
_RETRIES: Final = {500: 2, 502: 2, 503: 2, 504: 2}
_NO_REASON: Final = "400, without a reason"


class _EventsSession(pdpyras.EventsAPISession):  # type: ignore[misc]  # pdpyras has no types
    """A pdpyras session that raises on 429 instead of sleeping, and follows no redirect."""

    def __init__(self, key: str, *, url: str, pause_s: float) -> None:
        super().__init__(key)
        self.url = url.rstrip("/")
        self.timeout = _TIMEOUT_S
        self.retry = dict(_RETRIES)
        self.max_http_attempts = 1  # pdpyras compares with > : two retries in total
        self.max_network_attempts = 1
        self.sleep_timer = pause_s
        self.stagger_cooldown = 0.5
        self.trust_env = not is_loopback_url(url)

    def postprocess(self, response: Response) -> None:
        """Raise on 429: pdpyras would retry without limit, ignoring Retry-After; the outbox reschedules instead."""
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            message = "429"
            raise pdpyras.PDHTTPError(message, response)

    def request(self, method: str, url: str, **options: object) -> Response:
        """Send a request; a redirect would pass the routing key on."""
        response: Response = super().request(method, url, **{**options, "allow_redirects": False})
        return response


class PagerDutyClient:
    """The Events API v2. Thread-safe: each thread has its own sessions.

    Args:
        events_url: https, or http on this machine.
        pause_s: the first pause between two attempts; it at least doubles each time.
    """

    def __init__(self, *, events_url: str = DEFAULT_EVENTS_URL, pause_s: float = 0.25) -> None:
        self._url = events_url
        self._pause_s = pause_s
        self._sessions = threading.local()

    def send(self, routing_key: RoutingKey, event: Mapping[str, Json]) -> str:
        """Send the body of `/v2/enqueue` without its routing key; return the dedup key.

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
            return str(self._session(routing_key).send_event(action, dedup_key, **body))
        except pdpyras.PDClientError as error:
            if error.response is not None:
                raise _error_from_response(error.response) from None
            message = "PagerDuty did not answer an event"
            raise ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=True) from None
        except ValueError:
            message = f"PagerDuty does not support the action {action!r}"
            raise PayloadRejected(message) from None

    def _session(self, routing_key: RoutingKey) -> _EventsSession:
        sessions: dict[RoutingKey, _EventsSession] = self._sessions.__dict__.setdefault("by_key", {})
        if routing_key not in sessions:
            sessions[routing_key] = _EventsSession(routing_key.reveal(), url=self._url, pause_s=self._pause_s)
        return sessions[routing_key]


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
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = retry_after_s(response.headers)
        wait_s = DEFAULT_RETRY_AFTER_S if wait_s is None else max(wait_s, 1.0)
        message = f"{message}: too many requests, retry after {wait_s:g} s"
        return ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=wait_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ErrorKind.THROTTLED if status == HTTPStatus.SERVICE_UNAVAILABLE else ErrorKind.SERVER_ERROR
        return ServiceError(message, kind=kind, permanent=False, outcome_unknown=True)
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
