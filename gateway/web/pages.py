"""HTML pages: stored weekly reports, components, and the status of the installation.

A stored report is shown only to callers who may see all its components. `/status` names no entity, and clusters only to callers who
see everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from urllib.parse import unquote

from starlette.requests import Request
from starlette.routing import Route

from actions.context import RequestContext
from actions.history.reports import months_with_roll_up, reports_of_week
from actions.history.view import HistoryView, read_history
from alerts.states import OPEN_PHASES
from domain.bulk_trust import BulkStanding, BulkSubject, describe_standings
from domain.clock import is_future
from domain.unallocated import describe_newest
from domain.weeks import current_week
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse
from gateway.web.alert_forms import AlertForms
from gateway.web.component_routes import component_routes
from gateway.web.page_responses import html_response
from gateway.web.report_routes import report_routes
from reports.formatting import format_interval
from reports.render.index_page import MAX_WEEKS, render_index
from reports.render.templating import environment
from reports.signed_links import PageLinks
from tasks.maintenance.watch_status import read_watch_status

Page = Callable[[HistoryView], str]


def page_routes(contexts: RequestContexts, *, instance: str, links: PageLinks | None) -> Sequence[Route]:
    """Return the routes of the pages."""

    def page(path: str, page_of: Callable[[Mapping[str, str]], Page]) -> Sequence[Route]:
        async def serve(request: Request) -> GatewayResponse:
            parameters = {name: unquote(value) for name, value in request.path_params.items()}
            asked: GatewayRequest = request.state.gateway_request
            render = partial(_render, contexts.context_for(asked), page_of(parameters))
            html = await contexts.pools.run(render, is_live=False)
            return html_response(html)

        return [Route(spelling, serve, name=path.split("/")[1]) for spelling in (path, f"{path}/")]

    return [
        *page("/reports", lambda _: partial(_index, instance=instance)),
        *report_routes(contexts, links),
        *component_routes(contexts, AlertForms(links)),
        *page("/status", lambda _: _status),
    ]


def _render(context: RequestContext, page: Page) -> bytes:
    with read_history(context.history, context.viewer) as view:
        return page(view).encode()


def _index(view: HistoryView, *, instance: str) -> str:
    current = current_week(view.history.clock(), view.history.schedules.default.zone)
    weeks = [str(current.shift(-back)) for back in range(MAX_WEEKS + 1)]
    reports = (report for week in weeks for report in reports_of_week(view, week))
    return render_index(reports, instance=instance, months=months_with_roll_up(view))


def _status(view: HistoryView) -> str:
    rows, now = view.rows, view.history.clock()
    newest, watch = rows.sweeps.newest_closed(), read_watch_status(rows)
    figures = Counter(one.figure for one in rows.clusters.unmeasured_figures(newest.as_of)) if newest is not None else {}
    return (
        environment("html")
        .get_template("pages/status.html")
        .render(
            now=now,
            newest=newest,
            is_future=newest is not None and is_future(newest.as_of, now),
            unmeasured=sorted(figures.items()),
            running=rows.sweeps.unclosed(),
            watch=watch,
            watch_interval=format_interval(watch.cadence) if watch is not None and watch.cadence is not None else "",
            bulk=_bulk_lines(view),
            lost=len(rows.clusters.lost()),
            alerts=len(rows.alerts.states(statuses=OPEN_PHASES)),
            outbox=sorted((str(status), many) for status, many in rows.outbox.counts().items()),
            heartbeats=rows.heartbeats.all(),
        )
    )


def _bulk_lines(view: HistoryView) -> Sequence[str]:
    """Return whether the bulk responses are trusted, and what is unallocated: in full only for callers who see everything."""
    standings = view.rows.bulk_checks.standings()
    if not view.sees_everything or not standings:
        return _anonymous_standings(standings)
    newest = view.rows.unallocated.newest_trusted(shared=view.history.shared_namespaces)
    lines = (*describe_standings(standings), f"unallocated cost: {describe_newest(newest, view.history.currency)}")
    return [f"{line[0].upper()}{line[1:]}." for line in lines]


def _anonymous_standings(standings: Collection[BulkStanding]) -> list[str]:
    """Return how many responses are trusted, without the name of a cluster."""
    lines = []
    for subject, name in ((BulkSubject.INVENTORY, "inventory"), (BulkSubject.COSTS, "costs of a cluster in one response")):
        found = [one.newest for one in standings if one.newest.subject is subject and one.newest.cluster]
        if found:
            trusted = sum(check.trusted for check in found)
            lines.append(f"The {name} is trusted for {trusted} of {len(found)} clusters.")
    return lines
