"""Pings a dead man's switch in the protocol of healthchecks.io (https://healthchecks.io/docs/http_api)."""

from __future__ import annotations

from clients.http.client import HttpClient, HttpOptions
from clients.http.messages import HttpRequest, status_error

_MAX_BODY = 10_000


class HeartbeatClient:
    """One check. Its URL is a secret: anyone with it can report us as healthy. Every method raises ServiceError, which hides it."""

    def __init__(self, url: str, *, timeout_s: float = 10) -> None:
        self._http = HttpClient("the heartbeat", url, HttpOptions(timeout_s=timeout_s, attempts=2))

    def start(self) -> None:
        """Report that a check begins."""
        self._ping("/start")

    def success(self) -> None:
        """Report that there is no problem."""
        self._ping("")

    def failure(self, reason: str) -> None:
        """Report a problem."""
        self._ping("/fail", reason)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def _ping(self, path: str, body: str = "") -> None:
        request = HttpRequest(method="POST", target=path, body=body[:_MAX_BODY].encode())
        response = self._http.send(request)
        if not 200 <= response.status < 300:  # noqa: PLR2004 - success, in HTTP
            raise status_error(self._http.service, request, response)
