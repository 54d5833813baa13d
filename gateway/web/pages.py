"""Pages for people: weekly reports as they were made, components, and how the installation is doing.

A stored page counts what it counts: it is shown only to who may see all its components. `/status` names no entity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import unquote

from markupsafe import Markup
from starlette.types import Receive, Scope, Send

from actions.context import RequestContext
from actions.errors import NotFoundError
from actions.history.costs import get_cost_trend
from actions.history.lists import list_alerts, list_recommendations
from actions.history.models import AlertsInput, OpenRecommendationsInput, TrendInput, TrendOutput
from actions.history.reports import reports_of_week, stored_report, team_of_slug
from actions.history.view import HistoryView, parse_ref, read_history
from alerts.states import OPEN_PHASES
from domain.refs import EntityRef
from domain.weeks import current_week
from gateway.auth.callers import Caller
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest, parse_request
from gateway.responses import GatewayResponse, HttpError, not_found, send_response
from gateway.subapps import SubApp, SubAppContext
from reports import content
from reports.render.charts import draw_trend
from reports.render.html_page import render_page
from reports.render.index_page import MAX_WEEKS, render_index
from reports.render.templating import environment

REPORTS: Final = "/reports"
COMPONENTS: Final = "/components"
STATUS: Final = "/status"
_LISTED: Final = 100
_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"private, no-store"),
)

Page = Callable[[HistoryView], str]


def sections(rooms: SubAppContext) -> Iterable[SubApp]:
    """Answer the pages as sections of the gateway."""
    pages = Pages(RequestContexts(rooms), instance=rooms.settings.instance)
    return [SubApp(path=path, name=path.removeprefix("/"), app=pages) for path in (REPORTS, COMPONENTS, STATUS)]


class Pages:
    """The sections."""

    def __init__(self, asking: RequestContexts, *, instance: str) -> None:
        self._asking = asking
        self._instance = instance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises Refused, ActionError, ServiceError, StoreUnavailable."""
        exchange = parse_request(scope, receive)
        if exchange.method not in {"GET", "HEAD"}:
            message = f"{exchange.method} is not answered here; pages are read with GET"
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "InputError", message, headers=((b"allow", b"GET, HEAD"),))
        page = self._page_of(exchange)
        asker = self._asking.asker_of(cast("Caller", scope["caller"]))
        html = await self._asking.lanes.run(partial(_written, asker, page), is_live=False)
        # To a HEAD the server sends all but the body.
        await send_response(send, GatewayResponse(status=HTTPStatus.OK, headers=_HEADERS, body=html))

    def _page_of(self, exchange: GatewayRequest) -> Page:
        path = exchange.target.decode("latin-1")
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["reports"]:
                return partial(_index, instance=self._instance)
            case ["reports", slug]:
                return partial(_report, slug=slug, week=None)
            case ["reports", slug, week]:
                return partial(_report, slug=slug, week=week.removesuffix(".html"))
            case ["components", kind, namespace, name]:
                return partial(_component, ref=parse_ref(f"{kind}:{namespace}/{name}"))
            case ["status"]:
                return _status
        message = f"there is no page at {path[:200]}"
        raise not_found(message)


def _written(asker: RequestContext, page: Page) -> bytes:
    with read_history(asker) as reading:
        return page(reading).encode()


def _index(reading: HistoryView, *, instance: str) -> str:
    running = current_week(reading.history.clock(), reading.history.schedules.default.zone)
    weeks = [str(running.plus(-back)) for back in range(MAX_WEEKS + 1)]
    return render_index((report for week in weeks for report in reports_of_week(reading, week)), instance=instance)


def _report(reading: HistoryView, *, slug: str, week: str | None) -> str:
    return render_page(stored_report(reading, team_of_slug(slug), week))


def _component(reading: HistoryView, *, ref: EntityRef) -> str:
    known = reading.component(ref)
    trend = _trend_of(reading, ref)
    advice = list_recommendations(reading, OpenRecommendationsInput(entity_ref=str(ref), limit=_LISTED))
    alerts = list_alerts(reading, AlertsInput(entity_ref=str(ref), limit=_LISTED))
    return (
        environment("html")
        .get_template("pages/component.html")
        .render(
            ref=str(known.ref),
            title=known.title or known.spelled_name,
            owner=str(known.team),
            currency=reading.history.currency,
            as_of=None if trend is None else trend.as_of,
            chart=None if trend is None else _chart(trend, reading.history.currency),
            alerts=alerts.alerts,
            advice=[
                (one, None if one.savings_available is None else Decimal(repr(one.savings_available)))
                for one in advice.recommendations
            ],
            more_advice=advice.total - len(advice.recommendations),
        )
    )


def _trend_of(reading: HistoryView, ref: EntityRef) -> TrendOutput | None:
    try:
        return get_cost_trend(reading, TrendInput(entity_ref=str(ref)))
    except NotFoundError:  # known to the catalog, and not measured in these weeks
        return None


def _chart(trend: TrendOutput, currency: str) -> Markup | None:
    weeks = tuple(
        content.TrendWeek(
            week=one.week,
            cost=content.Amount(
                amount=None if one.cost is None else Decimal(repr(one.cost)),
                currency=currency,
                period="7 days",
                known=one.workloads_with_cost,
                parts=one.workloads,
                as_of=one.as_of,
                unknown_reason="" if one.cost is not None else "not measured",
            ),
        )
        for one in trend.weeks
    )
    if all(one.cost.amount is None for one in weeks):
        return None
    return draw_trend(content.Trend(weeks=weeks), currency=currency, ident="trend-picture")


def _status(reading: HistoryView) -> str:
    rows = reading.rows
    return (
        environment("html")
        .get_template("pages/status.html")
        .render(
            now=reading.history.clock(),
            newest=rows.sweeps.newest_closed(),
            running=rows.sweeps.open_ones(),
            lost=len(rows.clusters.lost()),
            alerts=len(rows.alerts.states(statuses=OPEN_PHASES)),
            outbox=sorted((str(status), many) for status, many in rows.outbox.counts().items()),
            heartbeats=rows.heartbeats.all(),
        )
    )
