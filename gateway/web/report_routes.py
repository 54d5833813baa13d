"""The routes of report pages: the stored report, with links to weeks and components that its reader may open, and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import unquote

from starlette.requests import Request
from starlette.routing import Route

from actions.context import RequestContext
from actions.history.reports import readable_weeks, stored_month, stored_report, team_of_slug
from actions.history.view import HistoryView, read_history
from domain.months import InvalidMonth, Month
from domain.refs import OWNER_KINDS, PLATFORM, EntityRef
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse
from gateway.web.page_responses import export_response, html_response
from reports import content
from reports.links import component_page, percent_encode, team_slug
from reports.render.documents import ComponentLink, PageNavigation, render_page
from reports.render.report_tables import tables_of
from reports.signed_links import PageLinks, expiry_of, report_origin


def report_routes(contexts: RequestContexts, links: PageLinks | None) -> Sequence[Route]:
    """Return the routes of the newest report of a team, and of that of a week or month."""

    async def serve(request: Request) -> GatewayResponse:
        asked: GatewayRequest = request.state.gateway_request
        slug, period = unquote(request.path_params["team"]), request.path_params.get("week")
        week = None if period is None else unquote(period).removesuffix(".html")
        show = partial(_show, contexts.context_for(asked), asked, slug=slug, week=week, links=links)
        return await contexts.pools.run(show, is_live=False)

    paths = ("/reports/{team}", "/reports/{team}/{week}")
    return [Route(spelling, serve, name="reports") for path in paths for spelling in (path, f"{path}/")]


def _show(
    context: RequestContext, asked: GatewayRequest, *, slug: str, week: str | None, links: PageLinks | None
) -> GatewayResponse:
    team = team_of_slug(slug)
    month = _month_of(week) if week is not None and team == PLATFORM else None
    with read_history(context.history, context.viewer) as view:
        report = stored_report(view, team, week) if month is None else stored_month(view, month)
        weeks = () if asked.require_caller().kind == "link" else readable_weeks(view, team)
        exported = export_response(tables_of(report), asked.query)
        return exported or html_response(
            render_page(report, navigation=_navigation(view, report, team, weeks, asked, links)).encode()
        )


def _navigation(  # noqa: PLR0917 - what a page's links depend on
    view: HistoryView,
    report: content.AnyReport,
    team: EntityRef,
    weeks: Sequence[str],
    asked: GatewayRequest,
    links: PageLinks | None,
) -> PageNavigation:
    component = _component_link(view, team, asked, links)
    if asked.require_caller().kind == "link":
        return PageNavigation(component=component, export=f"?{asked.query.decode('latin-1')}&")
    slug = percent_encode(team_slug(None if team == PLATFORM else team))
    shown = report.week if isinstance(report, content.Report) else ""
    before = max((one for one in weeks if one < shown), default=None)
    after = min((one for one in weeks if one > shown), default=None) if shown else None
    return PageNavigation(
        overview="/reports",
        previous=None if before is None else f"/reports/{slug}/{before}",
        following=None if after is None else f"/reports/{slug}/{after}",
        component=component,
        export="?",
    )


def _component_link(view: HistoryView, team: EntityRef, asked: GatewayRequest, links: PageLinks | None) -> ComponentLink:
    """Return the links to pages of components. The reader of a signed report gets them signed, until its own link expires."""
    until = expiry_of(asked.query.decode("latin-1")) if asked.require_caller().kind == "link" else None

    def link(text: str) -> str | None:
        ref = EntityRef.parse(text)
        if ref.kind in OWNER_KINDS or view.rows.components.get(ref) is None:
            return None
        page = component_page("", ref)
        if until is None or links is None:
            return page
        return links.sign_component(page, until, origin=report_origin(team_slug(None if team == PLATFORM else team)))

    return link


def _month_of(text: str) -> Month | None:
    try:
        return Month.parse(text)
    except InvalidMonth:  # a week, or neither
        return None
