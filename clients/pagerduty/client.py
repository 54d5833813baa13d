"""Send one event to PagerDuty. The same event sent twice is harmless: its dedup key folds it in."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from http import HTTPStatus
from typing import Final

with warnings.catch_warnings():
    # pdpyras warns at import that its vendor has ended it; docs/decisions says why we stay
    warnings.filterwarnings("ignore", message="The package .pdpyras. is deprecated", category=UserWarning)
    import pdpyras

from requests import Response

from clients.delivery_errors import PayloadRejected, RecipientRejected, check_address
from clients.http.client import ErrorKind, ServiceError, is_loopback
from domain.component import RoutingKey
from domain.messages import Json

DEFAULT_EVENTS_URL: Final = "https://events.pagerduty.com"
USUAL_WAIT_S: Final = 60.0
"""PagerDuty counts calls a key over a rolling minute."""

_TIMEOUT_S: Final = (3.05, 7.0)
"""Connecting, and each read. Four attempts at most, and at most 10 s of pauses: one send ends within 52 s."""
_ATTEMPTS_AGAIN: Final = {500: 2, 502: 2, 503: 2, 504: 2}
"""pdpyras repeats these so often, and a 429 for ever unless told otherwise: that one we put off in the outbox."""


class _Session(pdpyras.EventsAPISession):  # type: ignore[misc]  # pdpyras has no types
    """pdpyras' session, which answers a 429 instead of sleeping on it, and follows no redirect."""

    def __init__(self, key: str, *, url: str, pause_s: float) -> None:
        super().__init__(key)
        self.url = url.rstrip("/")
        self.timeout = _TIMEOUT_S
        self.retry = dict(_ATTEMPTS_AGAIN)
        self.max_http_attempts = 1  # pdpyras compares with > : two more attempts in all
        self.max_network_attempts = 1
        self.sleep_timer = pause_s
        self.stagger_cooldown = 0.5
        self.trust_env = not is_loopback(url)

    def postprocess(self, response: Response) -> None:
        """Stop at a 429: pdpyras would sleep in this thread, without end or heed of Retry-After."""
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            message = "429"
            raise pdpyras.PDHTTPError(message, response)

    def request(self, method: str, url: str, **options: object) -> Response:
        """Ask as pdpyras does, but never be sent elsewhere with the routing key."""
        answer: Response = super().request(method, url, **{**options, "allow_redirects": False})
        return answer


class PagerDutyClient:
    """The Events API v2. Threads may share it: each has sessions of its own.

    Args:
        events_url: https, or http on this machine.
        pause_s: the first pause between two attempts; it doubles or more.
    """

    def __init__(self, *, events_url: str = DEFAULT_EVENTS_URL, pause_s: float = 0.25) -> None:
        self._url = check_address(events_url, of="PagerDuty (PAGERDUTY_EVENTS_URL)")
        self._pause_s = pause_s
        self._sessions = threading.local()

    def send(self, routing_key: RoutingKey, event: Mapping[str, Json]) -> str:
        """Send the body of `/v2/enqueue` without its routing key; answer the dedup key PagerDuty put it under.

        Raises:
            PayloadRejected: 400: PagerDuty will never take this event.
            RecipientRejected: 401, 403, or a 400 that names the routing key: it will never take any for this key.
            ServiceError: 429 (`retry_after_s`), 5xx, unreachable, garbage: temporary. After sending it `outcome_unknown`,
                which is harmless with the same dedup key.
        """
        body = deepcopy(dict(event))
        action, dedup_key = body.pop("event_action", None), body.pop("dedup_key", None)
        if not (isinstance(action, str) and isinstance(dedup_key, str) and dedup_key):
            message = "an event for PagerDuty has no action or no dedup key, so it could not be sent again safely"
            raise PayloadRejected(message)
        try:
            answered = self._session(routing_key).send_event(action, dedup_key, **body)
        except pdpyras.PDClientError as trouble:
            raise _no_answer() if trouble.response is None else _failure(trouble.response) from None
        except ValueError:
            message = f"PagerDuty has no action {action!r}"
            raise PayloadRejected(message) from None
        return str(answered)

    def _session(self, routing_key: RoutingKey) -> _Session:
        sessions: dict[RoutingKey, _Session] = self._sessions.__dict__.setdefault("by_key", {})
        if routing_key not in sessions:
            sessions[routing_key] = _Session(routing_key.reveal(), url=self._url, pause_s=self._pause_s)
        return sessions[routing_key]


def _no_answer() -> ServiceError:
    message = "PagerDuty did not answer an event"
    return ServiceError(message, kind=ErrorKind.CONNECTION, permanent=False, outcome_unknown=True)


def _failure(response: Response) -> ServiceError:
    """Say what an answer means; pdpyras' own text may show the end of a key or a whole page."""
    status = response.status_code
    said = f"PagerDuty answered an event with status {status}"
    if status == HTTPStatus.BAD_REQUEST:
        reasons = _reasons(response)
        said = f"PagerDuty refused an event: {reasons}"
        names_the_key = "routing key" in reasons.lower() or "routing_key" in reasons.lower()
        return RecipientRejected(said, kind=ErrorKind.AUTH) if names_the_key else PayloadRejected(said)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return RecipientRejected(said, kind=ErrorKind.AUTH)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return PayloadRejected(f"{said}: it is too large")
    return _passing_failure(response, said) or ServiceError(said, kind=ErrorKind.REJECTED, permanent=True)


def _passing_failure(response: Response, said: str) -> ServiceError | None:
    """Say what an answer means after which the same event may be taken later."""
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = USUAL_WAIT_S
        with suppress(ValueError):  # a Retry-After that is no number of seconds, or none
            wait_s = max(float(response.headers.get("Retry-After", "")), 1.0)
        message = f"PagerDuty asked for patience: 429, come back in {wait_s:g} s"
        return ServiceError(message, kind=ErrorKind.THROTTLED, permanent=False, retry_after_s=wait_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        fault = ErrorKind.THROTTLED if status == HTTPStatus.SERVICE_UNAVAILABLE else ErrorKind.SERVER_ERROR
        return ServiceError(said, kind=fault, permanent=False, outcome_unknown=True)
    if status < HTTPStatus.BAD_REQUEST:
        message = f"{said} and something that cannot be read"
        return ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False, outcome_unknown=True)
    return None


def _reasons(response: Response) -> str:
    """What PagerDuty has against the event, at most 300 characters: `{"message": ..., "errors": [...]}`."""
    try:
        answer = response.json()
    except ValueError:
        return "400, without a reason"
    if not isinstance(answer, dict):
        return "400, without a reason"
    errors = answer.get("errors")
    said = "; ".join(str(one) for one in errors) if isinstance(errors, list) else ""
    return (said or str(answer.get("message") or "400, without a reason"))[:300]
