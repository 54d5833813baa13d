"""All that changes while the stand-ins run: clock, faults, modes, call counts, tokens, and what was told to whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timezone
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulator.faults import Fault
from simulator.received import PagerDutyState, SlackState
from simulator.world import Scenario, World


class WorldClock:
    """The simulated instant. Unset, it is the real one."""

    def __init__(self) -> None:
        self._fixed: datetime | None = None

    def now(self) -> datetime:
        """Answer the present instant, aware, in UTC."""
        return self._fixed or datetime.now(timezone.utc)  # noqa: TID251 - an unset clock is the real one; the product is not asked

    def set(self, now: datetime | None) -> None:
        """Stop the clock at an aware instant, or let it run with None."""
        self._fixed = None if now is None else now.astimezone(timezone.utc)


class Modes(BaseModel):
    """How ScaleOps behaves where its documents leave the choice (facts, 1.10). Every value is refused unless listed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auth: Literal["required", "none"] = "required"
    """`none`: an installation without authentication."""
    login_fields: Literal["username", "userName"] = "username"
    """The second is what ScaleOps wanted before 2026."""
    login_failure: Literal["401", "302", "html"] = "401"
    """401 with JSON, a redirect without a token, or a login page with status 200."""
    token: Literal["jwt", "opaque"] = "jwt"
    """Opaque tokens hold `+`, `/`, `=` and `%` and name no expiry."""
    token_lifetime_s: int = 3600
    location: Literal["absolute", "relative", "crowded"] = "absolute"
    """Where the login redirects; the crowded form has further parameters before and after the token, and a fragment."""
    label_operators: Literal["no-match", "400"] = "no-match"
    """What `k!=v`, `k in (a)`, `!k` and a bare key come to."""
    workloads_when_empty: Literal["list", "null", "missing"] = "list"
    costs_when_empty: Literal["list", "null", "missing"] = "list"
    cost_ids: Literal["as-is", "upper", "swapped"] = "as-is"
    hourly_cost: Literal["as-is", "zero"] = "as-is"
    network_flags: Literal["map", "null", "missing"] = "map"
    network: Literal["as-is", "object", "array", "null", "partial"] = "as-is"
    policies: Literal["list", "null", "missing"] = "list"
    capacity: int | None = None
    """So many calls in flight are served; more are refused at once, and counted under the service `capacity`."""
    over_capacity: Literal["429", "503"] = "429"
    capacity_retry_after_s: int | None = 1
    """None: the refusal does not say when to come back."""


class State:
    """The one state of all stand-in services. The event loop and a test's thread share it; every change is one assignment."""

    def __init__(self, scenario: Scenario) -> None:
        self.load(scenario)

    def load(self, scenario: Scenario) -> None:
        """Take a scenario and forget everything else."""
        self.scenario = scenario
        self.clock = WorldClock()
        self.modes = Modes()
        self.latency_s = 0.0
        self.faults: list[Fault] = []
        self.serving: set[object] = set()
        """Calls that ScaleOps has in flight; what began under an earlier scenario is not among them."""
        self.most_serving = 0
        self.calls: dict[str, Counter[str]] = defaultdict(Counter)
        self.tokens: dict[str, datetime] = {}
        """Bearer tokens handed out, and when each expires."""
        self.slack = SlackState()
        self.pagerduty = PagerDutyState()

    def world(self) -> World:
        """Answer what there is now."""
        return self.scenario.world_at(self.clock.now())

    def count(self, service: str, what: str) -> None:
        """Count a call, or under the service `oddities` something a careful client would not ask."""
        self.calls[service][what] += 1
