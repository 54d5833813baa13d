"""What a person did to an open alert, as the sentence that its Slack message shows."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from alerts.states import Acknowledged, Dismissed, Snoozed
from reports.formatting import clip, format_instant

STATUS_BLOCK: Final = "alert_status"
"""Id of the block with this sentence."""
_MAX_NAME: Final = 280


class HandledAlert(Protocol):
    """An incident or a notice about it."""

    @property
    def acknowledged(self) -> Acknowledged | None:
        """Who acknowledged it."""

    @property
    def snoozed(self) -> Snoozed | None:
        """Who snoozed it last."""

    @property
    def dismissed(self) -> Dismissed | None:
        """Who dismissed it."""


def format_status(alert: HandledAlert, now: datetime, zone: str) -> str:
    """Return what a person did to the alert last, and what follows; empty if no one did anything that still holds."""
    said: list[tuple[datetime, str]] = []
    if (acknowledged := alert.acknowledged) is not None:
        at = format_instant(acknowledged.at, zone)
        by = f"{clip(acknowledged.by, _MAX_NAME)}{_note(acknowledged.note)}"
        said.append((acknowledged.at, f"Acknowledged by {by}, {at}: no repeats until it clears."))
    if (snoozed := alert.snoozed) is not None and now < snoozed.until:
        by, until = f"{clip(snoozed.by, _MAX_NAME)}{_note(snoozed.note)}", format_instant(snoozed.until, zone)
        said.append((snoozed.at, f"Snoozed by {by} until {until}: until then only its end is notified."))
    if (dismissed := alert.dismissed) is not None:
        by = f"{clip(dismissed.by, _MAX_NAME)}{_note(dismissed.reason)}"
        said.append((dismissed.at, f"Dismissed by {by}: no repeats until it changes or clears."))
    return max(said)[1] if said else ""


def _note(text: str) -> str:
    return f" ({clip(text, _MAX_NAME)})" if text else ""
