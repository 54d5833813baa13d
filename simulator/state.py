"""Everything that changes while the simulator runs: clock, faults, modes, call counts, tokens, received messages."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timezone
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulator.faults import Fault
from simulator.received import PagerDutyState, SlackState
from simulator.world import Scenario, World


class WorldClock:
    """The simulated instant; the real one while it is not set."""

    def __init__(self) -> None:
        self._fixed: datetime | None = None

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return self._fixed or datetime.now(timezone.utc)  # noqa: TID251 - the simulator's own clock

    def set(self, now: datetime | None) -> None:
        """Freeze the clock at an aware instant; None resumes real time."""
        self._fixed = None if now is None else now.astimezone(timezone.utc)


class Modes(BaseModel):
    """How ScaleOps behaves where its documentation leaves it open (facts, 1.10)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auth: Literal["required", "none"] = "required"
    """`none`: an installation without authentication."""
    login_fields: Literal["username", "userName"] = "username"
    """`userName` before 2026."""
    login_failure: Literal["401", "302", "html"] = "401"
    """401 with JSON, a redirect without a token, or a login page with status 200."""
    token: Literal["jwt", "opaque"] = "jwt"
    """Opaque tokens contain `+`, `/`, `=` and `%` and no expiry."""
    token_lifetime_s: int = 3600
    location: Literal["absolute", "relative", "crowded"] = "absolute"
    """Where the login redirects; `crowded` has parameters before and after the token, and a fragment."""
    label_operators: Literal["no-match", "400"] = "no-match"
    """The response to `k!=v`, `k in (a)`, `!k` and a bare key."""
    workloads_when_empty: Literal["list", "null", "missing"] = "list"
    costs_when_empty: Literal["list", "null", "missing"] = "list"
    cost_ids: Literal["as-is", "upper", "swapped"] = "as-is"
    hourly_cost: Literal["as-is", "zero"] = "as-is"
    network_flags: Literal["map", "null", "missing"] = "map"
    network: Literal["as-is", "object", "array", "null", "partial"] = "as-is"
    policies: Literal["list", "null", "missing"] = "list"
    cost_labels: Literal["or", "and"] = "or"
    bulk: Literal[
        "complete",
        "400",
        "404",
        "500",
        "empty",
        "first-rows",
        "parent-only",
        "duplicates",
        "different-duplicates",
        "foreign-rows",
        "no-ids",
        "unreadable-rows",
        "other-shape",
    ] = "complete"
    """The response to a request for every workload, or for every cost row of a cluster: complete, refused with that status, empty,
    cut off silently after `bulk_rows` rows, only of the first cluster, each row twice, also with other figures, with the rows of all
    clusters, `bulk_rows` rows without an id or of which nothing can be read, or JSON of another shape."""
    bulk_rows: int = 0
    capacity: int | None = None
    """Maximum calls in flight; more are rejected at once, and counted under the service `capacity`."""
    over_capacity: Literal["429", "503"] = "429"
    capacity_retry_after_s: int | None = 1
    """None: no Retry-After header."""


class State:
    """The state of all simulated services. The event loop and a test's thread share it; every change is one assignment."""

    def __init__(self, scenario: Scenario) -> None:
        self.load(scenario)

    def load(self, scenario: Scenario) -> None:
        """Load a scenario and reset everything else."""
        self.scenario = scenario
        self.clock = WorldClock()
        self.modes = Modes()
        self.latency_s = 0.0
        self.faults: list[Fault] = []
        self.serving: set[object] = set()
        """ScaleOps calls in flight, without those that began under an earlier scenario."""
        self.max_serving = 0
        self.calls: dict[str, Counter[str]] = defaultdict(Counter)
        self.tokens: dict[str, datetime] = {}
        """Issued bearer tokens, and when each expires."""
        self.slack = SlackState()
        self.pagerduty = PagerDutyState()

    def world(self) -> World:
        """Return the current world."""
        return self.scenario.world_at(self.clock.now())

    def count(self, service: str, what: str) -> None:
        """Count a call; the service `oddities` counts requests that a careful client would not send."""
        self.calls[service][what] += 1
