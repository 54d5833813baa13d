"""The control desk of the simulator: its clock, its story, and what its Slack and PagerDuty received."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

_TIMEOUT_S: Final = 30


@dataclass(frozen=True)
class SimulatorClient:
    """Asks and moves a running simulator on loopback."""

    url: str

    def move_clock(self, now: datetime) -> None:
        """Let it be this instant for ScaleOps, the catalog, token expiry and time stamps."""
        self._ask("clock", method="PUT", body={"now": now.isoformat()})

    def story(self) -> dict[str, Any]:
        """Answer what happens in the company, and when."""
        told: dict[str, Any] = self._ask("story")
        return told

    def slack_messages(self, *, after: int = 0) -> Sequence[dict[str, Any]]:
        """Answer every message Slack accepted, oldest first, without the first so many."""
        told: list[dict[str, Any]] = self._ask(f"slack/messages?after={after}")
        return told

    def pagerduty_events(self, *, after: int = 0) -> Sequence[dict[str, Any]]:
        """Answer every event PagerDuty accepted, oldest first, without the first so many."""
        told: list[dict[str, Any]] = self._ask(f"pagerduty/events?after={after}")
        return told

    def pagerduty_incidents(self) -> Sequence[dict[str, Any]]:
        """Answer the incidents that those events made."""
        told: list[dict[str, Any]] = self._ask("pagerduty/incidents")
        return told

    def calls(self) -> dict[str, dict[str, int]]:
        """Answer how often each route of each service was asked."""
        told: dict[str, dict[str, int]] = self._ask("calls")
        return told

    def _ask(self, route: str, *, method: str = "GET", body: object = None) -> Any:  # noqa: ANN401 - JSON of the desk
        request = urllib.request.Request(  # noqa: S310 - the address of our own child on loopback
            f"{self.url}/control/{route}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
            return json.loads(answer.read())
