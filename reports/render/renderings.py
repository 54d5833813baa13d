"""Every rendering of either kind of report."""

from __future__ import annotations

from domain.messages import Rendering
from reports import content
from reports.render.slack import render_slack
from reports.render.slack_monthly import render_monthly


def slack_messages(report: content.AnyReport, *, page: str | None = None) -> tuple[tuple[Rendering, ...], ...]:
    """Render the Slack messages of a report in order; `page` replaces `report.page` as the target of its link."""
    return render_monthly(report, page=page) if isinstance(report, content.MonthlyReport) else render_slack(report, page=page)
