"""What agents may read and be told besides tools: the pages of weekly reports, and a prompt for the weekly review."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from actions.errors import ActionError, NotFoundError, ServiceUnavailableError, failed_call
from actions.history.context import HistoryView
from actions.history.reports import stored_report, team_of_slug, weeks_to_read
from clients.http.errors import ServiceError
from mcp_server.tools import ToolContext, request_of
from reports.render.html_page import render_page
from store import StoreUnavailable

SCHEME: Final = "scaleops-worker"
LATEST: Final = "latest"
T = TypeVar("T")

REVIEW: Final = """\
Review last week's Kubernetes cost of {team} for the people who own it.

1. get_team_report for {team}; where there is none, compare_weeks and get_cost_trend.
2. Say first what is missing or was not measured, then cost, change like for like, and what moved it (compare_weeks).
3. list_recommendations of the team by priority: under-provisioned workloads first, they are a danger, not a saving.
   For the three most pressing, check the workload as it is now (get_scaleops_recommendations_for_entity).
4. list_alerts of the team; explain_delivery where somebody asks why they heard of one, or did not.
5. Close with at most five things to do: workload, now -> recommended, saving per month, owner.

Cost is for 7 days, savings are per month: never add them. null means unknown, never zero. Name currency and asOf."""


def add_resources(server: MCPServer[Any], desks: ToolContext) -> None:
    """Offer the report pages and the review prompt."""

    @server.resource(
        f"{SCHEME}://reports/{{team}}",
        name="reports",
        title="Weekly reports of a team",
        description="The weeks of which there is a report. team: payments, or ~platform for the roll-up of all",
        mime_type="application/json",
    )
    async def list_weeks(team: str, context: Context[Any, Any]) -> str:
        def weeks(reading: HistoryView) -> tuple[str, ...]:
            return weeks_to_read(reading, team_of_slug(team))

        found = await _read(desks, context, weeks)
        return json.dumps([{"week": week, "resource": f"{SCHEME}://reports/{team}/{week}"} for week in found])

    @server.resource(
        f"{SCHEME}://reports/{{team}}/{{week}}",
        name="report",
        title="Weekly report of a team",
        description="The page of a weekly report. team: payments, or ~platform for all; week: 2026-W47, or latest",
        mime_type="text/html",
    )
    async def read_report(team: str, week: str, context: Context[Any, Any]) -> str:
        def page(reading: HistoryView) -> str:
            return render_page(stored_report(reading, team_of_slug(team), None if week == LATEST else week))

        return await _read(desks, context, page)

    @server.prompt(name="weekly_cost_review", title="Weekly cost review", description="Walks through last week's cost of a team")
    def review(team: str) -> str:
        return REVIEW.format(team=team)


async def _read(desks: ToolContext, context: Context[Any, Any], read: Callable[[HistoryView], T]) -> T:
    """Read the store in a thread as whoever asks. Raises ResourceError, with a sentence."""
    asker = desks.asker_of(request_of(context))

    def in_a_thread() -> T:
        with asker.archive.store.reading() as rows:
            return read(HistoryView(rows=rows, archive=asker.archive, viewer=asker.viewer))

    try:
        try:
            return await desks.lanes.run(in_a_thread, is_live=False)
        except ServiceError as failure:
            raise failed_call(failure) from None
        except StoreUnavailable as unavailable:
            message = "the history cannot be read now: the database does not answer"
            raise ServiceUnavailableError(message) from unavailable
    except NotFoundError as missing:
        raise ResourceNotFoundError(str(missing)) from None
    except ActionError as failed:
        message = f"{failed.name}: {failed}"
        raise ResourceError(message) from None
