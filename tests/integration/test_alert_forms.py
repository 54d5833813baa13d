"""People answer an alert on its component's page: by a signed link or with credentials, by POST only, bound to that alert."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from alerts.lifecycle import decide
from alerts.observations import Observation
from alerts.policy import RuleSettings
from alerts.states import STATE_JSON, AlertState, OpenIncident, SlackPost
from reports.render.tables import BOM
from reports.signed_links import COMPONENT_PAGE
from simulator.serving import Simulator
from tasks.evaluate.decisions import Decision, PageDecision, PostDecision, TriggerDecision
from tasks.evaluate.notice_messages import NoticeRenderer
from tests.factories import PAYMENTS
from tests.integration.history_sample import NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from tests.stage_factories import make_stage_context
from wiring.secrets import page_links

SECRET = "a-secret-key-of-this-installation"
PUBLIC = "https://reports.example.com"
PAGE = "/components/component/default/checkout"
ALERT = "under-provisioned:component:default/checkout"


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator, worker_secret_key=SECRET)


def link(gateway: ServedGateway, *, days: int = 1, page: str = PAGE) -> str:
    links = page_links(gateway.settings)
    assert links is not None
    signed = urlsplit(
        links.sign(f"https://x.example{page}", NOW + timedelta(days=days), page=COMPONENT_PAGE, origin="Slack #payments")
    )
    return f"{signed.path}?{signed.query}"


def state(gateway: ServedGateway) -> AlertState:
    with gateway.dependencies.store.reading() as rows:
        row = rows.alerts.state(ALERT)
    assert row is not None
    return STATE_JSON.validate_python(row.state)


def token_in(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found is not None
    return found[1]


def send(gateway: ServedGateway, target: str, *, headers: Any = None, **fields: str) -> Any:
    return gateway.client.post(target, data={"alert": ALERT, **fields}, headers=headers or {"origin": gateway.url})


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"answer": "acknowledge", "name": "ann"}, "Acknowledged by ann (link in Slack #payments)"),
        ({"answer": "snooze", "snooze": "1 week"}, "Snoozed by link in Slack #payments until Tue 1 Dec 2026, 10:00 UTC"),
        ({"answer": "dismiss", "reason": "a load test"}, "Dismissed by link in Slack #payments: a load test"),
    ],
)
def test_a_signed_link_opens_the_page_and_its_form(gateway: ServedGateway, fields: dict[str, str], shown: str) -> None:
    target = link(gateway)
    page = gateway.client.get(target)
    assert page.status_code == 200
    assert "form-action 'self'" in page.headers["content-security-policy"]
    response = send(gateway, target, token=token_in(page.text), **fields)
    assert response.status_code == 303
    assert response.headers["location"] == f"{target}#alerts"
    assert shown in gateway.client.get(target).text


def test_opening_the_page_changes_nothing(gateway: ServedGateway) -> None:
    before, target = state(gateway), link(gateway)
    token = token_in(gateway.client.get(target).text)
    gateway.client.get(f"{target}&answer=dismiss&token={token}&alert={ALERT}&reason=x")
    gateway.client.head(target)
    gateway.client.get(PAGE, params={"answer": "acknowledge", "alert": ALERT, "token": token}, headers=gateway.as_ci())
    assert state(gateway) == before


def test_a_form_is_bound_to_its_alert_its_caller_and_its_hour(gateway: ServedGateway, simulator: Simulator) -> None:
    before, target = state(gateway), link(gateway)
    token = token_in(gateway.client.get(target).text)
    token_of_ci = token_in(gateway.client.get(PAGE, headers=gateway.as_ci()).text)
    answers = {
        "forged": send(gateway, target, token=f"{token[:-1]}!", answer="acknowledge"),
        "of another caller": send(gateway, target, token=token_of_ci, answer="acknowledge"),
        "of another page": gateway.client.post(
            link(gateway, page="/components/component/default/ledger"),
            data={"alert": ALERT, "token": token, "answer": "acknowledge"},
            headers={"origin": gateway.url},
        ),
        "from another site": send(gateway, target, headers={"origin": "https://evil.example"}, token=token, answer="acknowledge"),
        "without Origin": gateway.client.post(target, data={"alert": ALERT, "token": token, "answer": "acknowledge"}),
    }
    simulator.state.clock.set(NOW + timedelta(hours=1, seconds=1))
    answers["expired"] = send(gateway, target, token=token, answer="acknowledge")
    assert {name: one.status_code for name, one in answers.items()} == dict.fromkeys(answers, 403)
    assert "the form has expired" in answers["expired"].text
    simulator.state.clock.set(NOW)
    assert state(gateway) == before


@pytest.mark.parametrize(
    ("fields", "status"), [({"answer": "dismiss"}, 400), ({"answer": "snooze", "snooze": "10 years"}, 400), ({"answer": ""}, 400)]
)
def test_what_cannot_be_carried_out_is_said_on_the_page(gateway: ServedGateway, fields: dict[str, str], status: int) -> None:
    before, target = state(gateway), link(gateway)
    response = send(gateway, target, token=token_in(gateway.client.get(target).text), **fields)
    assert (response.status_code, "Nothing was changed: " in response.text) == (status, True)
    assert state(gateway) == before


def test_a_user_may_answer_alerts_of_what_they_may_see(gateway: ServedGateway) -> None:
    bob = gateway.as_user("user:default/bob")
    assert send(gateway, PAGE, headers=bob, token="1.x", answer="acknowledge").status_code == 404
    ci = gateway.as_ci()
    token = token_in(gateway.client.get(PAGE, headers=ci).text)
    assert send(gateway, PAGE, headers=ci, token=token, answer="acknowledge").status_code == 303
    incident = state(gateway).incident
    assert incident is not None
    assert incident.acknowledged is not None
    assert incident.acknowledged.by == "static:ci"


@pytest.mark.parametrize("target", [PAGE, f"{PAGE}/", f"{PAGE}?week=2026-W47", f"{PAGE}/?week=2026-W47"])
def test_a_form_leads_back_to_the_page_that_it_was_on(gateway: ServedGateway, target: str) -> None:
    ci = gateway.as_ci()
    token = token_in(gateway.client.get(target, headers=ci).text)
    response = send(gateway, target, headers=ci, token=token, answer="acknowledge")
    assert (response.status_code, response.headers["location"]) == (303, f"{target}#alerts")


def test_a_link_opens_the_page_of_its_component_only(gateway: ServedGateway) -> None:
    query = link(gateway).partition("?")[2]
    paths = ["/components/component/default/ledger", "/reports/payments/2026-W47", "/reports", "/status", "/mcp", f"{PAGE}/"]
    assert {path: gateway.client.get(f"{path}?{query}").status_code for path in paths} == dict.fromkeys(paths, 401)
    assert gateway.client.get(link(gateway, days=-1)).status_code == 403


def test_without_the_key_there_is_no_form(serve_gateway: ServeGateway, simulator: Simulator) -> None:
    gateway = serve_with_history(serve_gateway, simulator)
    html = gateway.client.get(PAGE, headers=gateway.as_ci()).text
    assert "<form" not in html
    assert "Answer it on the command line" in html


def test_every_answer_is_in_the_audit_log(gateway: ServedGateway) -> None:
    target = link(gateway)
    send(gateway, target, token=token_in(gateway.client.get(target).text), answer="acknowledge")
    gateway.close()
    lines = [json.loads(line) for line in gateway.audit]
    assert [(one["caller"], one["method"], one["status"]) for one in lines] == [
        (f"link:{PAGE}", "GET", 200),
        (f"link:{PAGE}", "POST", 303),
    ]
    assert "sig" not in "".join(gateway.audit)


def test_the_page_shows_cost_change_requests_and_why_each_notice_was_sent(gateway: ServedGateway) -> None:
    html = gateway.client.get(PAGE, headers=gateway.as_ci()).text
    for text in (
        "$140.00",
        "7 days to Mon 23 Nov 2026, 00:00 UTC",
        "Why it changed",
        "Notified: opened",
        "Slack C1: post pending",
    ):
        assert text in html, text
    assert 'href="/reports/payments"' in html
    assert '"/reports' not in gateway.client.get(link(gateway)).text, "a link opens no report"


@pytest.mark.parametrize("table", ["workloads", "trend", "changes", "alerts"])
def test_every_table_is_exported_with_the_same_visibility(gateway: ServedGateway, table: str) -> None:
    query = f"format=csv&table={table}"
    exported = gateway.client.get(f"{PAGE}?{query}", headers=gateway.as_ci())
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    assert exported.content.decode().startswith(BOM)
    rows = list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))
    document = gateway.client.get(f"{link(gateway)}&format=json&table={table}").json()
    assert len(rows) == len(document["rows"]) > 0
    assert gateway.client.get(f"{PAGE}?{query}", headers=gateway.as_user("user:default/bob")).status_code == 404
    assert gateway.client.get(f"{PAGE}?format=xlsx", headers=gateway.as_ci()).status_code == 400
    assert gateway.client.get(f"{PAGE}?format=csv&table=nope", headers=gateway.as_ci()).status_code == 404


def test_the_message_about_an_alert_and_its_page_have_a_link_that_opens_the_form(gateway: ServedGateway) -> None:
    store = gateway.dependencies.store
    parts = make_stage_context(store, NOW, public_url=PUBLIC, page_links=page_links(gateway.settings))
    with store.reading() as rows:
        components = {one.ref: one for one in rows.components.all()}
        teams = rows.components.teams()
    (notice,) = decide(
        replace_incident(state(gateway)),
        Observation(alert=state(gateway).alert, team=PAYMENTS, as_of=NOW),
        NOW,
        RuleSettings(),
        is_watch=False,
    )
    renderer = NoticeRenderer(now=NOW, policy=parts.policy, components=components, teams=teams)
    post = SlackPost(target="C1", route="by default", root="root")
    page = OpenIncident(target="f" * 16, route="by default", dedup_key="key")
    decisions: tuple[Decision, ...] = (
        PostDecision(notice=notice, number=1, post=post, page=PageDecision()),
        TriggerDecision(notice=notice, number=2, page=page),
    )
    for decision, origin in zip(decisions, ("Slack C1", "PagerDuty"), strict=True):
        payload = json.dumps(dict(renderer.render(decision).renderings[0].payload))
        found = re.search(rf"{PUBLIC}(/components/[^\"\\|>]+)", payload)
        assert found is not None
        target = found[1].replace("&amp;", "&")
        response = send(gateway, target, token=token_in(gateway.client.get(target).text), answer="acknowledge")
        assert response.status_code == 303
        incident = state(gateway).incident
        assert incident is not None
        assert incident.acknowledged is not None
        assert incident.acknowledged.by == f"link in {origin}"


def replace_incident(known: AlertState) -> AlertState:
    """Return the state as before its first notification, so that its notice is due."""
    assert known.incident is not None
    return replace(known, incident=replace(known.incident, last_notification=None))
