"""Renders the report of a quiet week: one short message with the total, the change and the link to the full report."""

from __future__ import annotations

from typing import Final

from reports import content
from reports.builders.sentences import remarks
from reports.formatting import clip
from reports.render.slack_blocks import BlockGroup, plain_text

NOTHING_NEW: Final = "Nothing is outside the usual range, and nothing new is advised."


def render_quiet_week(report: content.Report, page: str | None) -> BlockGroup:
    """Return the message without its buttons. Without a page it says how the full report is shown on the command line."""
    lines = [
        f"{clip(report.title, 90)}: weekly cost, {report.week}",
        *remarks(report),
        f"{report.headline.changed} {NOTHING_NEW}",
    ]
    if page is None:
        lines.append(f"The full report: scaleops-worker report --team {report.team} --week {report.week}")
    return BlockGroup(blocks=(plain_text("\n".join(lines)),), lines=tuple(lines))
