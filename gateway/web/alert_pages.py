"""The routes of pages with alerts: a GET shows the page and changes nothing, a POST carries out the form of one of its alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.routing import Route

from actions.context import RequestContext
from actions.history.view import HistoryView, read_history
from domain.messages import Json
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse
from gateway.web.alert_forms import AlertForms, AnswerRejected, read_form
from gateway.web.page_responses import SAFE_HEADERS, export_response, html_response
from reports.render.tables import PageTable


class AlertPage(Protocol):
    """A page with the alerts about one entity."""

    @property
    def about(self) -> EntityRef:
        """The entity whose alerts are answered there."""

    def tables(self) -> Sequence[PageTable]:
        """Return the tables of the page, for CSV and JSON."""

    def as_json(self) -> Mapping[str, Json] | None:
        """Return the page as one JSON object; None: it has none."""

    def render(self, *, problem: str) -> str:
        """Return the HTML. `problem`: why a submitted form was not carried out."""


@dataclass(frozen=True, kw_only=True)
class PageVisit:
    """One request for a page with alerts."""

    context: RequestContext
    caller: Caller
    request: GatewayRequest
    forms: AlertForms
    parameters: Mapping[str, str]
    """Of the path, decoded."""

    @property
    def week(self) -> str | None:
        """The week that `?week=` asks for."""
        return next(iter(parse_qs(self.request.query.decode("latin-1")).get("week", [])), None)


ReadPage = Callable[[HistoryView, PageVisit], AlertPage]
"""Reads a page as its caller may see it. Raises ActionError."""


def alert_page_routes(contexts: RequestContexts, forms: AlertForms, path: str, read: ReadPage) -> Sequence[Route]:
    """Return the routes of one kind of page. `path` begins with the name of the routes."""

    def visit_of(request: Request) -> PageVisit:
        asked: GatewayRequest = request.state.gateway_request
        return PageVisit(
            context=contexts.context_for(asked),
            caller=asked.require_caller(),
            request=asked,
            forms=forms,
            parameters={name: unquote(value) for name, value in request.path_params.items()},
        )

    async def show(request: Request) -> GatewayResponse:
        return await contexts.pools.run(partial(_show, visit_of(request), read), is_live=False)

    async def submit(request: Request) -> GatewayResponse:
        visit = visit_of(request)
        fields = await read_form(visit.request)
        return await contexts.pools.run(partial(_submit, visit, read, fields), is_live=False)

    name = path.split("/")[1]
    served = {"GET": show, "POST": submit}
    return [
        Route(spelling, serve, name=name, methods=[method]) for spelling in (path, f"{path}/") for method, serve in served.items()
    ]


def _show(visit: PageVisit, read: ReadPage, problem: AnswerRejected | None = None) -> GatewayResponse:
    with read_history(visit.context.history, visit.context.viewer) as view:
        page = read(view, visit)
    exported = None if problem is not None else export_response(page.tables(), visit.request.query, whole=page.as_json)
    if exported is not None:
        return exported
    html = page.render(problem="" if problem is None else str(problem))
    return html_response(html.encode(), status=HTTPStatus.OK if problem is None else problem.status, has_form=True)


def _submit(visit: PageVisit, read: ReadPage, fields: Mapping[str, str]) -> GatewayResponse:
    with read_history(visit.context.history, visit.context.viewer) as view:
        about = read(view, visit).about
    try:
        visit.forms.submit(visit.context.history, about, fields, visit.caller)
    except AnswerRejected as problem:
        return _show(visit, read, problem)
    location = f"{visit.request.url}#alerts".encode("latin-1")
    headers = ((b"location", location), (b"referrer-policy", b"same-origin"), *SAFE_HEADERS)
    return GatewayResponse(status=HTTPStatus.SEE_OTHER, headers=headers)
