"""MCP resources and prompts: the pages of weekly reports, and a prompt for the weekly cost review.

What reads and renders reports is imported on use: an agent waits for the start of the server.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, ListResourcesResult, Resource

from actions.errors import ActionError, NotFoundError
from domain.refs import label_of_team
from mcp_server.tools import ToolContext
from reports.links import percent_encode, team_slug

if TYPE_CHECKING:
    from actions.history.view import HistoryView
    from store import ReportRun

SCHEME: Final = "scaleops-worker"
LATEST: Final = "latest"
T = TypeVar("T")

REVIEW: Final = """\
Review last week's Kubernetes cost of {team} for its owners.

1. get_team_report for {team}; where there is none, compare_weeks and get_cost_trend.
2. State first what is missing or was not measured, then cost, change like for like, and its causes (explain_cost_change).
3. list_recommendations of the team by priority: under-provisioned workloads first, they are a risk, not a saving.
   For the three most urgent, check the workload as it is now (get_scaleops_recommendations_for_entity).
4. list_alerts of the team; explain_delivery for questions about why an alert was sent, or not.
5. End with at most five actions: workload, now -> recommended, saving per month, owner.

Cost is for 7 days, savings are per month: never add them. null means unknown, never zero. Name currency and asOf."""


def add_resources(server: MCPServer[Any], tool_context: ToolContext) -> None:
    """Add the report pages and the review prompt. The newest reports are listed, older ones are found by the templates."""

    async def list_newest(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)  # validates the request
        if ctx.method != "resources/list":
            return result
        try:
            found = await _read_history(tool_context, ctx.request, _newest_reports)
        except ActionError as failed:
            raise MCPError(INTERNAL_ERROR, f"{failed.name}: {failed}") from None
        return ListResourcesResult(resources=[_resource_of(run) for run in found])

    server.middleware.append(list_newest)

    @server.resource(
        f"{SCHEME}://reports/{{team}}",
        name="reports",
        title="Weekly reports of a team",
        description="The weeks with a report. team: payments, or ~platform for the roll-up of all",
        mime_type="application/json",
    )
    async def list_weeks(team: str, context: Context[Any, Any]) -> str:
        def weeks(view: HistoryView) -> tuple[str, ...]:
            from actions.history.reports import readable_weeks, team_of_slug  # noqa: PLC0415 - see above

            return readable_weeks(view, team_of_slug(team))

        found = await _read(tool_context, context, weeks)
        return json.dumps([{"week": week, "resource": f"{SCHEME}://reports/{percent_encode(team)}/{week}"} for week in found])

    @server.resource(
        f"{SCHEME}://reports/{{team}}/{{week}}",
        name="report",
        title="Weekly report of a team",
        description="The page of a weekly report. team: payments, or ~platform for all; week: 2026-W47, or latest",
        mime_type="text/html",
    )
    async def read_report(team: str, week: str, context: Context[Any, Any]) -> str:
        def page(view: HistoryView) -> str:
            from actions.history.reports import stored_report, team_of_slug  # noqa: PLC0415 - see above
            from reports.render.documents import render_page  # noqa: PLC0415 - see above

            return render_page(stored_report(view, team_of_slug(team), None if week == LATEST else week))

        return await _read(tool_context, context, page)

    @server.prompt(name="weekly_cost_review", title="Weekly cost review", description="Reviews last week's cost of a team")
    def review(team: str) -> str:
        return REVIEW.format(team=team)


async def _read(tool_context: ToolContext, context: Context[Any, Any], read: Callable[[HistoryView], T]) -> T:
    """Read the store in a thread, as the caller. Raises ResourceError, ResourceNotFoundError."""
    try:
        return await _read_history(tool_context, context.request_context.request, read)
    except NotFoundError as missing:
        raise ResourceNotFoundError(str(missing)) from None
    except ActionError as failed:
        message = f"{failed.name}: {failed}"
        raise ResourceError(message) from None


async def _read_history(tool_context: ToolContext, request: object, read: Callable[[HistoryView], T]) -> T:
    """Read the store in a thread, as the caller. Raises ActionError."""
    request_context = tool_context.request_context_of(request)

    def in_thread() -> T:
        from actions.history.view import read_history  # noqa: PLC0415 - see above

        with read_history(request_context.history, request_context.viewer) as view:
            return read(view)

    return await tool_context.pools.run(in_thread, is_live=False)


def _newest_reports(view: HistoryView) -> tuple[ReportRun, ...]:
    from actions.history.reports import newest_reports  # noqa: PLC0415 - see above

    return newest_reports(view)


def _resource_of(run: ReportRun) -> Resource:
    team = label_of_team(run.team)
    return Resource(
        uri=f"{SCHEME}://reports/{percent_encode(team_slug(run.team))}/{run.week}",
        name=f"report of {team} for {run.week}",
        title=f"Weekly report of {team}, {run.week}",
        mime_type="text/html",
    )
