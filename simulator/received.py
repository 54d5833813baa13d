"""What the stand-in Slack and PagerDuty have received and what they know; `/control/` shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.world import Record


@dataclass(kw_only=True)
class SlackState:
    """Channels by id (`{"name", "is_archived", "is_member", ...}`) and every accepted message, oldest first."""

    channels: dict[str, Record] = field(default_factory=dict)
    messages: list[Record] = field(default_factory=list)
    strict_pace: bool = False
    """Answer 429 to a second message within a second of a channel's last one; Slack itself allows short bursts."""


@dataclass(kw_only=True)
class PagerDutyState:
    """Every accepted event, oldest first, and the incidents they made."""

    events: list[Record] = field(default_factory=list)
    incidents: list[Record] = field(default_factory=list)
    known_keys: frozenset[str] | None = None
    """The routing keys that exist; None: every key of 32 characters."""
