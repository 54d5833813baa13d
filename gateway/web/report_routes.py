"""The routes of stored reports, with links to weeks and components that the reader may open, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import unquote

from starlette.requests import Request
from starlette.routing import Route

from actions.context import RequestContext
from actions.history.reports import months_with_roll_up, readable_weeks, stored_month, stored_report, team_of_slug
from actions.history.view import HistoryView, read_history
from domain.months import InvalidMonth, Month
from domain.refs import PLATFORM, EntityRef
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse
from gateway.web.page_responses import export_response, html_response
from gateway.web.reader_links import ReaderLinks, export_query
from reports import content
from reports.links import team_slug
from reports.render.documents import PageNavigation, render_page
from reports.render.report_tables import tables_of
from reports.signed_links import PageLinks


def report_routes(contexts: RequestContexts, signer: PageLinks | None) -> Sequence[Route]:
    """Return the routes of the report of a week or month."""

    async def serve(request: Request) -> GatewayResponse:
        asked: GatewayRequest = request.state.gateway_request
        slug, period = unquote(request.path_params["team"]), unquote(request.path_params["week"]).removesuffix(".html")
        show = partial(_show, contexts.context_for(asked), asked, slug=slug, period=period, signer=signer)
        return await contexts.pools.run(show, is_live=False)

    path = "/reports/{team}/{week}"
    return [Route(spelling, serve, name="reports") for spelling in (path, f"{path}/")]


def _show(context: RequestContext, asked: GatewayRequest, *, slug: str, period: str, signer: PageLinks | None) -> GatewayResponse:
    team = team_of_slug(slug)
    month = _month_of(period) if team == PLATFORM else None
    links = ReaderLinks.of(asked, signer, slug=team_slug(team))
    with read_history(context.history, context.viewer) as view:
        report = stored_report(view, team, period) if month is None else stored_month(view, month)
        exported = export_response(tables_of(report), asked.query)
        return exported or html_response(render_page(report, navigation=_navigation(view, report, team, links, asked)).encode())


def _navigation(
    view: HistoryView, report: content.AnyReport, team: EntityRef, links: ReaderLinks, asked: GatewayRequest
) -> PageNavigation:
    def component(text: str) -> str | None:
        found = view.rows.components.get(EntityRef.parse(text))
        return None if found is None else links.component(found)

    if not links.has_credentials:
        return PageNavigation(component=component, opens_teams=False, export=export_query(asked))
    periods = readable_weeks(view, team) if isinstance(report, content.Report) else months_with_roll_up(view)
    before = max((one for one in periods if one < report.period), default=None)
    after = min((one for one in periods if one > report.period), default=None)
    return PageNavigation(
        overview=links.overview,
        team=links.team(team),
        previous=None if before is None else links.report(before),
        following=None if after is None else links.report(after),
        component=component,
        export=export_query(asked),
    )


def _month_of(text: str) -> Month | None:
    try:
        return Month.parse(text)
    except InvalidMonth:  # a week, or neither
        return None
