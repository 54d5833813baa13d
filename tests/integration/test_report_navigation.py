"""From a report to its components and the weeks before and after, and its tables as CSV and JSON."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from domain.refs import PLATFORM, EntityRef
from domain.weeks import WEEKLY_REPORT, IsoWeek
from reports.builders.report import build_platform_report
from reports.page_addresses import PageAddresses
from simulator.serving import Simulator
from tasks.report.stage import ReportMade, send
from tests.factories import PAYMENTS, SEARCH, make_component, make_ref
from tests.integration.history_sample import NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from tests.stage_factories import make_stage_context
from tests.unit import report_samples as samples
from wiring.secrets import page_links

PAGE = "/reports/payments/2026-W47"
CHECKOUT = make_ref("checkout")
SECRET = "a-secret-key-of-this-installation"


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator, worker_secret_key=SECRET)


def signed(gateway: ServedGateway, page: str = PAGE) -> str:
    links = page_links(gateway.settings)
    assert links is not None
    return target_of(links.sign(f"https://x.example{page}", NOW + timedelta(days=1)))


def signed_about(gateway: ServedGateway, about: EntityRef) -> str:
    """Return the link in an alert about a team or component."""
    addresses = PageAddresses(base="https://x.example", links=page_links(gateway.settings))
    page = addresses.page_about(about, origin="Slack C1", now=NOW)
    assert page is not None
    return target_of(page.url)


def target_of(url: str) -> str:
    link = urlsplit(url)
    return f"{link.path}?{link.query}"


def checkout_links(text: str) -> list[str]:
    found: list[str] = re.findall(r'(/components/component/default/checkout\?[^"]+)"', text)
    return [one.replace("&amp;", "&") for one in found]


def messages_of(gateway: ServedGateway, team: EntityRef) -> str:
    """Return the messages of the report of a team, sent again."""
    parts = make_stage_context(
        gateway.dependencies.store, NOW, public_url="https://x.example", page_links=page_links(gateway.settings)
    )
    made = send(parts, team, IsoWeek.parse("2026-W47"), again=True)
    assert isinstance(made, ReportMade)
    return json.dumps([dict(one.payload) for message in made.messages for one in message.renderings])


def links_to_pages(html: str) -> list[str]:
    return re.findall(r'href="[^?"]*(?:/reports|/components|/status)[^"]*"', html)


def move_checkout(gateway: ServedGateway) -> None:
    with gateway.dependencies.store.transaction() as rows:
        rows.components.record_page([make_component("checkout", team=SEARCH)], [], as_of=NOW)


def answer_links(html: str) -> list[str]:
    found = re.findall(r'href="(/components/[^"]+)">Acknowledge, snooze or dismiss', html)
    return [one.replace("&amp;", "&") for one in found]


def test_the_reader_of_a_signed_report_can_answer_its_alerts(gateway: ServedGateway) -> None:
    (link,) = answer_links(gateway.client.get(signed(gateway)).text)
    page = gateway.client.get(link)
    assert page.status_code == 200
    assert "<form" in page.text


def test_a_caller_gets_plain_links_to_components_and_the_overview(gateway: ServedGateway) -> None:
    html = gateway.client.get(PAGE, headers=gateway.as_ci()).text
    assert answer_links(html) == ["/components/component/default/checkout"]
    assert '<a href="/reports">All reports</a>' in html
    assert '<a href="/reports">' not in gateway.client.get(signed(gateway)).text


def test_tables_of_a_report_are_exported(gateway: ServedGateway) -> None:
    document = gateway.client.get(f"{PAGE}?format=csv", headers=gateway.as_ci())
    assert list(csv.reader(io.StringIO(document.content.decode("utf-8-sig"))))[1:]
    alerts = gateway.client.get(f"{signed(gateway)}&format=json&table=alerts-open").json()
    assert [row["about"] for row in alerts["rows"]] == ["component:default/checkout"]
    assert gateway.client.get(f"{PAGE}?format=csv", headers=gateway.as_user("user:default/bob")).status_code == 404


def test_no_link_of_a_team_opens_a_component_that_it_does_not_own_any_more(gateway: ServedGateway) -> None:
    sources = [signed(gateway), signed_about(gateway, PAYMENTS)]
    links = [link for source in sources for link in checkout_links(gateway.client.get(source).text)[:1]]
    links += checkout_links(messages_of(gateway, PAYMENTS))[:1]
    assert [gateway.client.get(link).status_code for link in links] == [200, 200, 200]
    token = re.search(r'name="token" value="([^"]+)"', gateway.client.get(links[0]).text)
    assert token is not None

    move_checkout(gateway)
    assert not any(checkout_links(gateway.client.get(source).text) for source in sources)
    assert not checkout_links(messages_of(gateway, PAYMENTS))
    for link in links:
        response = gateway.client.get(link)
        assert response.status_code == 403
        assert "payments, which does not own component:default/checkout any more" in response.json()["error"]["message"]
    fields = {"alert": f"under-provisioned:{CHECKOUT}", "token": token[1], "answer": "acknowledge"}
    assert gateway.client.post(links[0], data=fields, headers={"origin": gateway.url}).status_code == 403


def test_a_component_with_a_new_owner_is_opened_by_the_links_of_that_owner_and_of_its_alerts(gateway: ServedGateway) -> None:
    move_checkout(gateway)
    (link,) = checkout_links(gateway.client.get(signed_about(gateway, SEARCH)).text)
    assert [gateway.client.get(one).status_code for one in (link, signed_about(gateway, CHECKOUT))] == [200, 200]
    assert gateway.client.get("/components/component/default/checkout", headers=gateway.as_ci()).status_code == 200


def test_the_reader_of_a_signed_roll_up_gets_no_link_to_another_page(gateway: ServedGateway) -> None:
    roll_up = build_platform_report(samples.platform_facts())
    with gateway.dependencies.store.transaction() as rows:
        (run,) = rows.reports.runs_of(PLATFORM, WEEKLY_REPORT)
        rows.reports.claim(replace(run, again=1, content=json.loads(roll_up.model_dump_json())))
    page = "/reports/~platform/2026-W47"
    assert links_to_pages(gateway.client.get(page, headers=gateway.as_ci()).text)
    assert links_to_pages(gateway.client.get(signed(gateway, page)).text) == []
