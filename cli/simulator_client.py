"""Client of the simulator's control API: its clock, its story, and what its Slack and PagerDuty received."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

_TIMEOUT_S: Final = 30


@dataclass(frozen=True)
class SimulatorClient:
    """Controls a running simulator on loopback."""

    url: str

    def move_clock(self, now: datetime) -> None:
        """Set the time for ScaleOps, the catalog, token expiry and timestamps."""
        self._request("clock", method="PUT", body={"now": now.isoformat()})

    def plan_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Replace the planned faults of the services."""
        self._request("faults", method="PUT", body=list(faults))

    def story(self) -> dict[str, Any]:
        """Return the events of the simulated company."""
        return cast("dict[str, Any]", self._request("story"))

    def slack_messages(self, *, after: int = 0) -> Sequence[dict[str, Any]]:
        """Return the messages that Slack accepted, oldest first, skipping the first `after`."""
        return cast("Sequence[dict[str, Any]]", self._request(f"slack/messages?after={after}"))

    def slack_received(self) -> Sequence[dict[str, Any]]:
        """Return the messages as they read after each post and edit that Slack accepted, oldest first."""
        return cast("Sequence[dict[str, Any]]", self._request("slack/received"))

    def pagerduty_events(self, *, after: int = 0) -> Sequence[dict[str, Any]]:
        """Return the events that PagerDuty accepted, oldest first, skipping the first `after`."""
        return cast("Sequence[dict[str, Any]]", self._request(f"pagerduty/events?after={after}"))

    def pagerduty_incidents(self) -> Sequence[dict[str, Any]]:
        """Return the incidents that those events opened."""
        return cast("Sequence[dict[str, Any]]", self._request("pagerduty/incidents"))

    def calls(self) -> dict[str, dict[str, int]]:
        """Return the number of calls by service and route."""
        return cast("dict[str, dict[str, int]]", self._request("calls"))

    def _request(self, route: str, *, method: str = "GET", body: object = None) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(  # noqa: S310 - the address of our own child process on loopback
            f"{self.url}/control/{route}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - as above
            return json.loads(response.read())
