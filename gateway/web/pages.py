"""HTML pages: the overview, stored reports, teams, components, and the status of the installation.

A stored report is shown only to callers who may see all its components. `/status` names entities, clusters and channels only to
callers who see everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.routing import Route

from actions.context import RequestContext
from actions.history.reports import months_with_roll_up, reports_of_week
from actions.history.view import HistoryView, read_history
from domain.weeks import current_week
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse
from gateway.web.alert_forms import AlertForms
from gateway.web.alert_pages import PageVisit, alert_page_routes
from gateway.web.component_page import ComponentPage
from gateway.web.page_responses import export_response, html_response
from gateway.web.reader_links import OVERVIEW, STATUS
from gateway.web.report_routes import report_routes
from gateway.web.status_page import StatusPage
from gateway.web.team_page import TeamPage
from reports import content
from reports.render.index_page import MAX_WEEKS, index_tables, render_index
from tasks.context import KeySealer, Policy


def page_routes(contexts: RequestContexts, policy: Policy, sealer: KeySealer | None) -> Sequence[Route]:
    """Return the routes of the pages."""
    forms = AlertForms(policy.page_links)

    async def overview(request: Request) -> GatewayResponse:
        asked: GatewayRequest = request.state.gateway_request
        show = partial(_show_overview, contexts.context_for(asked), asked, instance=policy.instance)
        return await contexts.pools.run(show, is_live=False)

    def team(view: HistoryView, visit: PageVisit) -> TeamPage:
        return TeamPage.read(view, visit, policy)

    def component(view: HistoryView, visit: PageVisit) -> ComponentPage:
        return ComponentPage.read(view, visit, policy)

    def status(view: HistoryView, visit: PageVisit) -> StatusPage:
        return StatusPage.read(view, visit, policy, sealer)

    return [
        *(Route(spelling, overview, name="reports") for spelling in (OVERVIEW, f"{OVERVIEW}/")),
        *alert_page_routes(contexts, forms, "/reports/{team}", team),
        *report_routes(contexts, policy.page_links),
        *alert_page_routes(contexts, forms, "/components/{kind}/{namespace}/{name}", component),
        *alert_page_routes(contexts, forms, STATUS, status),
    ]


def _show_overview(context: RequestContext, asked: GatewayRequest, *, instance: str) -> GatewayResponse:
    with read_history(context.history, context.viewer) as view:
        reports, months = _recent_reports(view), months_with_roll_up(view)
    exported = export_response(index_tables(reports), asked.query)
    return exported or html_response(render_index(reports, instance=instance, months=months, is_served=True).encode())


def _recent_reports(view: HistoryView) -> Sequence[content.Report]:
    current = current_week(view.history.clock(), view.history.schedules.default.zone)
    weeks = [str(current.shift(-back)) for back in range(MAX_WEEKS + 1)]
    return [report for week in weeks for report in reports_of_week(view, week)]
