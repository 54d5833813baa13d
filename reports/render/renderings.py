"""Every rendering of either kind of report."""

from __future__ import annotations

from domain.messages import Rendering
from reports import content
from reports.links import MessageLinks
from reports.render.slack import render_slack
from reports.render.slack_monthly import render_monthly


def slack_messages(report: content.AnyReport, links: MessageLinks | None = None) -> tuple[tuple[Rendering, ...], ...]:
    """Render the Slack messages of a report in order, by default with the links that are stored with it."""
    return render_monthly(report, links) if isinstance(report, content.MonthlyReport) else render_slack(report, links)
