"""From the overview to a team, its components and weeks, and back; and what the reader of a signed link may open."""

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from alerts.observations import AlertId
from alerts.policy import Rule
from alerts.states import STATE_JSON
from domain.refs import PLATFORM, UNOWNED, EntityRef
from reports.page_addresses import PageAddresses
from simulator.serving import Simulator
from tests.factories import PAYMENTS, make_component
from tests.integration.history_sample import NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from tests.unit.test_report_golden import compare_with_golden
from wiring.secrets import page_links

TEAM = "/reports/payments"
CHECKOUT = "/components/component/default/checkout"


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(
        serve_gateway,
        simulator,
        worker_secret_key="a-secret-key-of-this-installation",
        backstage_app_url="https://backstage.example.com",
    )


def link(gateway: ServedGateway, about: EntityRef) -> str:
    addresses = PageAddresses(base="https://x.example", links=page_links(gateway.settings))
    page = addresses.page_about(about, origin="Slack C1", now=NOW - timedelta(days=1))
    assert page is not None
    split = urlsplit(page.url)
    return f"{split.path}?{split.query}"


def links_on(html: str) -> list[str]:
    return [one.replace("&amp;", "&") for one in re.findall(r'href="([^"]+)"', html)]


def shown(gateway: ServedGateway, path: str) -> str:
    response = gateway.client.get(path, headers=gateway.as_ci())
    assert response.status_code == 200, path
    return response.text


def open_alert(gateway: ServedGateway, about: EntityRef, rule: Rule) -> str:
    """Store an open alert about a team or the installation, with the incident of the one about checkout."""
    alert = AlertId(rule=rule, about=about)
    with gateway.dependencies.store.transaction() as rows:
        row = rows.alerts.state("under-provisioned:component:default/checkout")
        assert row is not None
        state = replace(STATE_JSON.validate_python(row.state), alert=alert, team=about)
        stored: Any = STATE_JSON.dump_python(state, mode="json")
        rows.alerts.put_states([replace(row, alert=str(alert), ref=about, rule=rule.value, team=about, state=stored)])
    return str(alert)


@pytest.mark.parametrize(
    ("name", "path"), [("component", CHECKOUT), ("team", TEAM), ("status", "/status"), ("overview", "/reports")]
)
def test_a_page_matches_its_golden_file(gateway: ServedGateway, name: str, path: str) -> None:
    compare_with_golden(f"page-{name}.html", shown(gateway, path))


def test_pages_lead_from_the_overview_to_a_workload_and_back(gateway: ServedGateway) -> None:
    steps = {
        "/reports": [TEAM, "/reports/~platform", "/status"],
        TEAM: ["/reports", f"{TEAM}/2026-W47", CHECKOUT, "https://backstage.example.com/catalog/default/group/payments"],
        f"{TEAM}/2026-W47": ["/reports", TEAM, CHECKOUT],
        CHECKOUT: ["/reports", TEAM, f"{TEAM}/2026-W47", "https://backstage.example.com/catalog/default/component/checkout"],
        "/reports/~platform": ["/reports", "/reports/~platform/2026-W47"],
        "/status": ["/reports"],
    }
    for path, expected in steps.items():
        found = links_on(shown(gateway, path))
        assert not [one for one in expected if one not in found], path
        for address in {one for one in found if one.startswith("/")}:
            assert gateway.client.get(address, headers=gateway.as_ci()).status_code == 200, (path, address)
    html = shown(gateway, CHECKOUT)
    anchors = [one[1:] for one in links_on(html) if one.startswith("#w-")]
    assert anchors
    assert all(f'id="{one}"' in html for one in anchors)


def test_a_component_shows_its_month_and_why_it_changed_in_a_week(gateway: ServedGateway) -> None:
    html = shown(gateway, f"{CHECKOUT}?week=2026-W47")
    assert "2026-W47 against 2026-W46" in html
    assert "No monthly budget is set." in html
    assert "November: " in html
    assert "no comparison" in shown(gateway, f"{CHECKOUT}?week=2026-W40")
    assert gateway.client.get(f"{CHECKOUT}?week=monday", headers=gateway.as_ci()).status_code == 400
    unknown = shown(gateway, "/components/component/default/finder")
    assert "Its cost is unknown in one of the two weeks." in unknown


def test_without_addresses_there_is_no_dead_link(serve_gateway: ServeGateway, simulator: Simulator) -> None:
    gateway = serve_with_history(serve_gateway, simulator)
    for path in (TEAM, CHECKOUT):
        html = shown(gateway, path)
        assert "Backstage" not in html
        assert "ScaleOps</a>" not in html
        assert 'href=""' not in html
        assert 'href="None' not in html


def test_the_reader_of_a_signed_link_to_a_team_reaches_its_report_and_components_only(gateway: ServedGateway) -> None:
    html = gateway.client.get(link(gateway, PAYMENTS)).text
    inside = [one for one in links_on(html) if one.startswith("/")]
    assert {urlsplit(one).path for one in inside} == {
        f"{TEAM}/2026-W47", CHECKOUT, "/components/component/default/ledger",
    }  # fmt: skip
    for address in inside:
        page = gateway.client.get(address)
        assert page.status_code == 200, address
        assert address.split("sig=")[1] not in page.text.replace(address.partition("?")[2].replace("&", "&amp;"), "")
    query = link(gateway, PAYMENTS).partition("?")[2]
    paths = ["/reports/search", f"{TEAM}/2026-W47", "/reports", "/status", CHECKOUT, "/mcp"]
    assert {path: gateway.client.get(f"{path}?{query}").status_code for path in paths} == dict.fromkeys(paths, 401)
    component = links_on(gateway.client.get(link(gateway, EntityRef.parse("component:default/checkout"))).text)
    assert not [one for one in component if one.startswith("/")], "a component's link leads nowhere else"


@pytest.mark.parametrize(
    ("about", "rule"), [(PAYMENTS, Rule.COST_INCREASE), (PLATFORM, Rule.OUTAGE)], ids=["team", "installation"]
)
def test_alerts_about_a_team_and_the_installation_are_answered_on_their_page(
    gateway: ServedGateway, about: EntityRef, rule: Rule
) -> None:
    alert, target = open_alert(gateway, about, rule), link(gateway, about)
    page = gateway.client.get(target)
    assert page.headers["referrer-policy"] == "same-origin"
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token is not None
    fields = {"alert": alert, "token": token[1], "answer": "acknowledge", "name": "ann"}
    response = gateway.client.post(target, data=fields, headers={"origin": gateway.url})
    assert (response.status_code, response.headers["location"]) == (303, f"{target}#alerts")
    assert "Acknowledged by ann (link in Slack C1)" in gateway.client.get(target).text
    other = link(gateway, EntityRef.parse("component:default/checkout"))
    assert gateway.client.post(other, data=fields, headers={"origin": gateway.url}).status_code == 403


def test_callers_see_of_a_team_what_they_may_see(gateway: ServedGateway) -> None:
    bob = gateway.as_user("user:default/bob")
    assert gateway.client.get(TEAM, headers=bob).status_code == 404
    assert gateway.client.get("/reports/~platform", headers=bob).status_code == 403


TABLES = [
    ("/reports", "teams", {"team", "cost", "workloads_with_cost", "workloads", "currency", "period", "as_of"}),
    ("/reports", "weeks", {"week", "measured_at", "cost", "like_for_like"}),
    (TEAM, "components", {"component", "cost", "workloads_with_cost", "workloads", "currency", "as_of"}),
    (TEAM, "weeks", {"week", "measured_at", "cost", "share"}),
    ("/status", "status", {"section", "what", "status", "as_of"}),
    ("/status", "outbox", {"status", "messages", "oldest"}),
    ("/status", "reports", {"team", "outcome", "next_due"}),
]


def test_tables_are_csv_and_json(gateway: ServedGateway) -> None:
    for path, table, columns in TABLES:
        document = gateway.client.get(f"{path}?format=csv&table={table}", headers=gateway.as_ci())
        rows = list(csv.DictReader(io.StringIO(document.content.decode("utf-8-sig"))))
        assert rows, table
        assert columns <= rows[0].keys()
        exported = gateway.client.get(f"{path}?format=json&table={table}", headers=gateway.as_ci()).json()
        assert len(rows) == len(exported["rows"])


def test_a_component_that_was_not_measured_has_an_unknown_number_of_workloads(gateway: ServedGateway) -> None:
    (row,) = re.findall(r"<tr>\s*<th[^>]*>.*?Finder.*?</tr>", shown(gateway, "/reports/search"), re.DOTALL)
    assert re.findall(r'data-label="(Cost|Workloads)">([^<]*)<', row) == [("Cost", "unknown"), ("Workloads", "unknown")]
    document = gateway.client.get("/reports/search?format=csv&table=components", headers=gateway.as_ci())
    (exported,) = csv.DictReader(io.StringIO(document.content.decode("utf-8-sig")))
    assert (exported["cost"], exported["workloads_with_cost"], exported["workloads"]) == ("", "", "")
    ops = gateway.client.get("/reports/ops?format=csv&table=components", headers=gateway.as_ci())
    measured = list(csv.DictReader(io.StringIO(ops.content.decode("utf-8-sig"))))
    assert [(one["cost"], one["workloads"]) for one in measured] == [("0", "0"), ("0", "0")]


def test_components_without_an_owner_are_never_shown_as_those_of_a_group(gateway: ServedGateway) -> None:
    with gateway.dependencies.store.transaction() as rows:
        rows.components.record_page([make_component("orphan", team=UNOWNED)], [], as_of=NOW)
    component, team = shown(gateway, "/components/component/default/orphan"), shown(gateway, "/reports/unowned")
    assert "Without an owner." in component
    assert '<a href="/reports/unowned">Components without an owner</a>' in component
    assert "<h1>Components without an owner</h1>" in team
    assert not [html for html in (component, team) if str(UNOWNED) in html]
