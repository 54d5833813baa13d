"""Pings a dead-man's switch as healthchecks.io spells it (https://healthchecks.io/docs/http_api): start, success, and failure with words."""

from __future__ import annotations

from clients.http.client import HttpClient, HttpOptions
from clients.http.messages import HttpRequest

_MOST_WORDS = 10_000


class HeartbeatClient:
    """One check. Its address is a secret: whoever has it can feign life. Every method raises ServiceError, which does not show it."""

    def __init__(self, url: str) -> None:
        self._line = HttpClient("the heartbeat", url, HttpOptions(timeout_s=10, attempts=2))

    def start(self) -> None:
        """A look begins."""
        self._ping("/start")

    def success(self) -> None:
        """All is well."""
        self._ping("")

    def failure(self, why: str) -> None:
        """Something is wrong."""
        self._ping("/fail", why)

    def close(self) -> None:
        """Close the idle connections."""
        self._line.close()

    def _ping(self, path: str, words: str = "") -> None:
        request = HttpRequest(method="POST", target=path, body=words[:_MOST_WORDS].encode())
        answer = self._line.send(request)
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - success, in HTTP
            raise self._line.failure(request, answer)
