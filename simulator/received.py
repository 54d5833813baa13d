"""State of the simulated Slack and PagerDuty: what they received and what exists there."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.world import Record


@dataclass(kw_only=True)
class SlackState:
    """Channels by id (`{"name", "is_archived", "is_member", ...}`) and every accepted message and edit, oldest first."""

    channels: dict[str, Record] = field(default_factory=dict)
    messages: list[Record] = field(default_factory=list)
    """As they read now."""
    received: list[Record] = field(default_factory=list)
    """As they read after each accepted post and edit, oldest first; an edited one has the field `edited`."""
    scopes: tuple[str, ...] = ("chat:write", "channels:history", "groups:history")
    team_id: str = "T0SIM"
    """The id of the workspace."""
    unsupported_blocks: frozenset[str] = frozenset()
    """Kinds of blocks that the workspace does not know."""
    is_rate_limit_strict: bool = False
    """Return 429 for a second message to a channel within a second; the real Slack allows short bursts."""


@dataclass(kw_only=True)
class PagerDutyState:
    """Every accepted event, oldest first, and the resulting incidents."""

    events: list[Record] = field(default_factory=list)
    incidents: list[Record] = field(default_factory=list)
    changes: list[Record] = field(default_factory=list)
    """Change events."""
    known_keys: frozenset[str] | None = None
    """The existing routing keys; None: every key of 32 characters."""
