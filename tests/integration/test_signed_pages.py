"""Signed links: from the message in Slack to the one page that they open without a token."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from actions.context import allow_all
from actions.history.models import ReportInput
from actions.history.reports import get_team_report
from actions.history.view import HistoryView
from domain.messages import Variant
from domain.weeks import IsoWeek
from simulator.serving import Simulator
from store import Store
from tasks.report.stage import ReportMade, preview, report_due, send
from tests.factories import PAYMENTS
from tests.integration.history_sample import DUE, NOW, serve_with_history
from tests.integration.test_report_stage import two_weeks
from tests.services.gateways import ServedGateway, ServeGateway
from tests.stage_factories import make_history_context, make_stage_context
from wiring.secrets import page_links
from wiring.settings import Settings

SECRET = "a-secret-key-of-this-installation"
PUBLIC = "https://reports.example.com"
PAGE = "/reports/payments/2026-W47"


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator, worker_secret_key=SECRET)


def links_in(made: ReportMade) -> dict[Variant, str]:
    """Return the link to the page in each rendering of the first message."""
    found: dict[Variant, str] = {}
    for rendering in made.messages[0].renderings:
        payload: Any = rendering.payload
        if rendering.variant is Variant.NATIVE:
            buttons = [one for block in payload["blocks"] if block["type"] == "actions" for one in block["elements"]]
            (found[rendering.variant],) = [button["url"] for button in buttons]
        else:
            (line,) = [line for line in payload["text"].splitlines() if line.startswith("The full report: ")]
            found[rendering.variant] = line.removeprefix("The full report: ").replace("&amp;", "&")
    return found


def sent_link(gateway: ServedGateway, **policy: Any) -> str:
    parts = make_stage_context(
        gateway.dependencies.store, NOW, public_url=PUBLIC, page_links=page_links(gateway.settings), **policy
    )
    made = send(parts, PAYMENTS, IsoWeek.parse("2026-W47"), again=True)
    assert isinstance(made, ReportMade)
    return links_in(made)[Variant.NATIVE]


def target_of(link: str) -> str:
    split = urlsplit(link)
    assert f"{split.scheme}://{split.netloc}" == PUBLIC
    return f"{split.path}?{split.query}"


def test_the_link_in_the_message_opens_the_page(gateway: ServedGateway) -> None:
    target = target_of(sent_link(gateway))
    page = gateway.client.get(target)
    head = gateway.client.head(target)
    assert (page.status_code, head.status_code) == (200, 200)
    assert "Payments" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "private, no-store"
    assert f"{PAGE}?until" not in page.text, "the page does not hand its own authority on"


def test_the_components_in_the_thread_lead_to_their_signed_pages(gateway: ServedGateway) -> None:
    parts = make_stage_context(gateway.dependencies.store, NOW, public_url=PUBLIC, page_links=page_links(gateway.settings))
    made = send(parts, PAYMENTS, IsoWeek.parse("2026-W47"), again=True)
    assert isinstance(made, ReportMade)
    for form in (Variant.NATIVE, Variant.BLOCKS):
        sent = json.dumps([dict(one.payload) for message in made.messages for one in message.renderings if one.variant is form])
        (link,) = re.findall(rf'"({PUBLIC}/components/component/default/checkout\?[^"]+)"', sent)
        page = gateway.client.get(target_of(link))
        assert page.status_code == 200
        assert "<form" in page.text, "its reader can answer the alert"


def test_a_link_opens_no_other_page(gateway: ServedGateway) -> None:
    query = urlsplit(sent_link(gateway)).query
    others = [
        "/reports",
        "/reports/payments",
        "/reports/payments/2026-W46",
        "/reports/~platform/2026-W47",
        "/reports/payments/2026-W47.html",
        "/reports/%70ayments/2026-W47",
        "/components/component/default/checkout",
        "/status",
        "/mcp",
        "/api/scaleops/.backstage/actions/v1/actions",
        "/api/scaleops/api/api/v1/networkCost/networkCostEnabled",
    ]
    statuses = {path: gateway.client.get(f"{path}?{query}").status_code for path in others}

    assert set(statuses.values()) == {401}, statuses
    assert gateway.client.post(f"{PAGE}?{query}").status_code == 401
    assert gateway.client.get(PAGE).status_code == 401


def test_a_changed_link_is_rejected_and_counts_as_a_failure(serve_gateway: ServeGateway, simulator: Simulator) -> None:
    gateway = serve_with_history(serve_gateway, simulator, worker_secret_key=SECRET, timer=lambda: 0.0)
    target = target_of(sent_link(gateway))
    until, signature = target.removeprefix(f"{PAGE}?until=").split("&sig=")
    responses = [gateway.client.get(f"{PAGE}?until={int(until) + number}&sig={signature}") for number in range(1, 602)]
    assert responses[0].json()["error"]["name"] == "AuthenticationError"
    assert [response.status_code for response in responses] == [401] * 600 + [429]
    assert gateway.client.get(target).status_code == 200, "readers behind one ingress are one address"


def test_an_expired_link_says_so(gateway: ServedGateway, simulator: Simulator) -> None:
    target = target_of(sent_link(gateway))
    simulator.state.clock.set(DUE + timedelta(days=35))
    in_time = gateway.client.get(target)
    simulator.state.clock.set(DUE + timedelta(days=35, seconds=1))
    late = gateway.client.get(target)
    assert (in_time.status_code, late.status_code) == (200, 403)
    assert "expired" in late.json()["error"]["message"]


def test_a_link_is_subject_to_the_host_check(gateway: ServedGateway, serve_gateway: ServeGateway) -> None:
    target = target_of(sent_link(gateway))
    named = serve_gateway(worker_secret_key=SECRET, worker_public_url=PUBLIC)
    statuses = [
        named.client.get(target, headers={"host": host}).status_code for host in ("reports.example.com", "evil.example.com")
    ]
    assert statuses == [200, 421]
    assert gateway.client.get(target, headers={"host": "reports.example.com"}).status_code == 421


def test_a_bearer_token_takes_precedence_over_a_link(gateway: ServedGateway) -> None:
    target = target_of(sent_link(gateway))
    assert gateway.client.get(target, headers=gateway.as_user("user:default/bob")).status_code == 404
    assert gateway.client.get(target, headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_the_signature_is_never_logged(gateway: ServedGateway) -> None:
    target = target_of(sent_link(gateway))
    gateway.client.get(target)
    gateway.client.get(f"{target}x")
    gateway.close()
    lines = [json.loads(line) for line in gateway.audit]
    assert [(line["caller"], line["path"], line["status"]) for line in lines] == [(f"link:{PAGE}", PAGE, 200), ("-", PAGE, 401)]
    assert "sig" not in "".join(gateway.audit)


def test_without_the_key_or_with_another_one_no_link_is_accepted(serve_gateway: ServeGateway, gateway: ServedGateway) -> None:
    target = target_of(sent_link(gateway))
    without = serve_gateway()
    other = serve_gateway(worker_secret_key="another-key-of-another-installation")
    assert without.client.get(target).json()["error"]["message"] == "Missing credentials"
    assert other.client.get(target).status_code == 401


def test_a_report_sent_again_has_the_same_link_and_only_its_message_has_it(sqlite_store: Store) -> None:
    two_weeks(sqlite_store)
    policy: dict[str, Any] = {
        "public_url": f"{PUBLIC}/",
        "page_links": page_links(Settings.model_validate({"worker_secret_key": SECRET})),
    }
    first = next(
        one for one in report_due(make_stage_context(sqlite_store, DUE, **policy)).made if one.report.team == str(PAYMENTS)
    )
    made = send(
        make_stage_context(sqlite_store, DUE + timedelta(days=1), **policy), PAYMENTS, IsoWeek.parse("2026-W47"), again=True
    )
    assert isinstance(made, ReportMade)
    shown = preview(make_stage_context(sqlite_store, NOW, **policy), PAYMENTS)

    links = {*links_in(first).values(), *links_in(made).values()}
    assert len(links) == 1
    assert links.pop().startswith(f"{PUBLIC}{PAGE}?until={int((DUE + timedelta(days=35)).timestamp())}&sig=")
    assert shown.page == f"{PUBLIC}{PAGE}"
    with sqlite_store.reading() as rows:
        response = get_team_report(
            HistoryView(rows=rows, history=make_history_context(sqlite_store, NOW), viewer=allow_all),
            ReportInput(team="payments"),
        )
    assert "sig=" not in response.model_dump_json()


def test_without_the_key_the_link_is_plain(sqlite_store: Store) -> None:
    two_weeks(sqlite_store)
    made = report_due(make_stage_context(sqlite_store, DUE, public_url=PUBLIC)).made
    assert [links_in(one)[Variant.NATIVE] for one in made if one.report.team == str(PAYMENTS)] == [f"{PUBLIC}{PAGE}"]
