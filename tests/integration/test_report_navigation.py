"""From a report to its components and the weeks before and after, and its tables as CSV and JSON."""

import csv
import io
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from simulator.serving import Simulator
from tests.integration.history_sample import NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from wiring.secrets import page_links

PAGE = "/reports/payments/2026-W47"


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator, worker_secret_key="a-secret-key-of-this-installation")


def signed(gateway: ServedGateway) -> str:
    links = page_links(gateway.settings)
    assert links is not None
    link = urlsplit(links.sign(f"https://x.example{PAGE}", NOW + timedelta(days=1)))
    return f"{link.path}?{link.query}"


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
