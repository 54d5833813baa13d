"""The routes of a component's page: a GET shows it and changes nothing, a POST carries out the form of one of its alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from urllib.parse import unquote

from starlette.requests import Request
from starlette.routing import Route

from actions.context import RequestContext
from actions.history.view import parse_ref, read_history
from domain.refs import EntityRef
from gateway.auth.callers import Caller
from gateway.auth.request_contexts import RequestContexts
from gateway.request import GatewayRequest
from gateway.responses import GatewayResponse
from gateway.web.alert_forms import AlertForms, AnswerRejected, read_form
from gateway.web.component_page import read_component_page, render_component_page
from gateway.web.page_responses import SAFE_HEADERS, export_response, html_response

_PATH = "/components/{kind}/{namespace}/{name}"


def component_routes(contexts: RequestContexts, forms: AlertForms) -> Sequence[Route]:
    """Return the routes of the page."""

    def visit_of(request: Request) -> _Visit:
        kind, namespace, name = (unquote(request.path_params[part]) for part in ("kind", "namespace", "name"))
        asked: GatewayRequest = request.state.gateway_request
        return _Visit(
            context=contexts.context_for(asked),
            caller=asked.require_caller(),
            ref=parse_ref(f"{kind}:{namespace}/{name}"),
            forms=forms,
            request=asked,
        )

    async def show(request: Request) -> GatewayResponse:
        return await contexts.pools.run(visit_of(request).show, is_live=False)

    async def submit(request: Request) -> GatewayResponse:
        visit = visit_of(request)
        fields = await read_form(visit.request)
        return await contexts.pools.run(partial(visit.submit, fields), is_live=False)

    shown = [Route(spelling, show, name="components", methods=["GET"]) for spelling in (_PATH, f"{_PATH}/")]
    return [*shown, Route(_PATH, submit, name="components", methods=["POST"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """One request for the page of a component."""

    context: RequestContext
    caller: Caller
    ref: EntityRef
    forms: AlertForms
    request: GatewayRequest

    def show(self, problem: AnswerRejected | None = None) -> GatewayResponse:
        with read_history(self.context.history, self.context.viewer) as view:
            page = read_component_page(view, self.ref, self.context, self.forms, self.caller)
        exported = None if problem is not None else export_response(page.tables(), self.request.query)
        if exported is not None:
            return exported
        query = self.request.query.decode("latin-1")
        html = render_component_page(page, self.caller, query=query, problem="" if problem is None else str(problem))
        return html_response(html.encode(), status=HTTPStatus.OK if problem is None else problem.status, has_form=True)

    def submit(self, fields: Mapping[str, str]) -> GatewayResponse:
        with read_history(self.context.history, self.context.viewer) as view:
            about = view.component(self.ref).ref
        try:
            self.forms.submit(self.context.history, about, fields, self.caller)
        except AnswerRejected as problem:
            return self.show(problem)
        asked = self.request
        location = b"?" + asked.query if asked.query else asked.target.rpartition(b"/")[2]
        headers = ((b"location", location + b"#alerts"), (b"referrer-policy", b"same-origin"), *SAFE_HEADERS)
        return GatewayResponse(status=HTTPStatus.SEE_OTHER, headers=headers)
