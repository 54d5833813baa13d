"""The HTML pages of the gateway."""

from decimal import Decimal

import pytest

from actions.context import allow_all
from actions.history.lists import list_alerts
from actions.history.models import AlertsInput
from actions.history.view import HistoryView
from domain.bulk_trust import BulkCheck, BulkSubject
from domain.inventory import InventoryWorkload, allocate_costs
from domain.months import Month
from simulator.serving import Simulator
from tasks.maintenance.status import read_status
from tasks.report.stage import send_month
from tests.factories import make_component, make_key, make_measurement, make_point
from tests.integration.history_sample import MONDAY, NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from tests.stage_factories import make_history_context, make_stage_context

EVIL = '<script>alert("x")</script>'


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator)


def page(gateway: ServedGateway, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    response = gateway.client.get(path, headers=headers or gateway.as_ci())
    return response.status_code, response.text


def shown(gateway: ServedGateway, path: str, headers: dict[str, str] | None = None) -> str:
    status, html = page(gateway, path, headers)
    assert status == 200
    return html


def test_the_index_links_to_every_report(gateway: ServedGateway) -> None:
    html = shown(gateway, "/reports")
    for address in ("reports/payments/2026-W47.html", "reports/~platform/2026-W47.html"):
        assert address in html
        assert page(gateway, f"/{address}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/reports/payments", "/reports/payments/2026-W47", "/reports/default~payments", "/reports/group~default~payments"]
)
def test_a_report_is_found_by_its_team_and_week(gateway: ServedGateway, path: str) -> None:
    html = shown(gateway, path)
    assert "Payments" in html
    assert "2026-W47" in html


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/reports/payments/2026-W30", 404, "NotFoundError"),
        ("/reports/payments/monday", 400, "InputError"),
        ("/reports/nobody", 404, "NotFoundError"),
        ("/reports/payments/2026-W47/more", 404, "NotFoundError"),
        ("/components/component/default/nope", 404, "NotFoundError"),
        ("/components/component/default", 404, "NotFoundError"),
        ("/status/more", 404, "NotFoundError"),
    ],
)
def test_a_missing_page_is_an_error_in_the_form_of_backstage(gateway: ServedGateway, path: str, status: int, name: str) -> None:
    response = gateway.client.get(path, headers=gateway.as_ci())
    assert (response.status_code, response.json()["error"]["name"]) == (status, name)


def test_the_page_of_a_component_shows_trend_alerts_and_recommendations(gateway: ServedGateway) -> None:
    html = shown(gateway, "/components/Component/default/Checkout")
    assert "trend-picture" in html
    assert "under-provisioned" in html
    assert "api" in html


def test_the_page_of_an_unknown_component_claims_nothing_of_it(gateway: ServedGateway) -> None:
    html = shown(gateway, "/components/component/default/finder")
    assert "Could not be measured in the newest sweep: ScaleOps did not answer" in html
    assert "No workload was measured in the newest sweep." in html
    assert "No open alerts are known." in html


def test_the_page_of_a_component_without_measurements_says_so(gateway: ServedGateway) -> None:
    with gateway.dependencies.store.transaction() as rows:
        rows.components.record_page([make_component("fresh")], [], as_of=NOW)
    html = shown(gateway, "/components/component/default/fresh")
    assert "No cost data in the last twelve weeks." in html


def test_names_from_the_catalog_and_the_clusters_are_escaped(gateway: ServedGateway) -> None:
    as_of = MONDAY.replace(hour=12)
    with gateway.dependencies.store.transaction() as rows:
        rows.sweeps.open(as_of, opened_at=as_of)
        rows.components.record_page([make_component("evil", title=EVIL)], [], as_of=as_of)
        rows.snapshots.put_all([make_measurement("evil", make_point("api"), as_of=as_of)])
        rows.sweeps.close(as_of, closed_at=as_of)
    html = shown(gateway, "/components/component/default/evil")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_page_of_a_month_is_for_callers_who_see_everything(gateway: ServedGateway) -> None:
    due = MONDAY.replace(month=12, day=1, hour=9)
    send_month(make_stage_context(gateway.dependencies.store, due), Month(2026, 11))
    assert "All teams, November 2026" in shown(gateway, "/reports/~platform/2026-11")
    assert page(gateway, "/reports/~platform/2026-10")[0] == 404
    assert page(gateway, "/reports/~platform/2026-11", gateway.as_user("user:default/bob"))[0] == 403
    assert page(gateway, "/reports/payments/2026-11")[0] == 400


def test_the_status_names_no_entity(gateway: ServedGateway) -> None:
    html = shown(gateway, "/status", gateway.as_user("user:default/bob"))
    assert "measured" in html
    for name in ("checkout", "ledger", "finder", "payments", "search"):
        assert name not in html.lower()


def test_the_status_names_clusters_and_unallocated_cost_only_to_callers_who_see_everything(gateway: ServedGateway) -> None:
    checks = [
        BulkCheck(as_of=MONDAY, subject=BulkSubject.INVENTORY, cluster="east", trusted=True, reason=""),
        BulkCheck(as_of=MONDAY, subject=BulkSubject.COSTS, cluster="west", trusted=False, reason="it is empty"),
    ]
    workload = InventoryWorkload(key=make_key(), cost_7d=Decimal(12))
    with gateway.dependencies.store.transaction() as rows:
        rows.bulk_checks.record(checks)
        rows.unallocated.put(MONDAY, allocate_costs([workload], [], shared=()))
    everything = shown(gateway, "/status")
    assert "<dt>Inventory</dt><dd>trusted since 2026-11-23 00:00 UTC</dd>" in everything
    assert "<dt>Bulk costs</dt><dd>not trusted since 2026-11-23 00:00 UTC on west: it is empty</dd>" in everything
    assert "12.00 for the 7 days to 2026-11-23 00:00 UTC, 100% of all cost" in everything
    html = shown(gateway, "/status", gateway.as_user("user:default/bob"))
    assert "<dt>Inventory</dt><dd>trusted for 1 of 1 cluster</dd>" in html
    assert not [word for word in ("on west", "12.00", "nallocated") if word in html]


def test_page_status_cli_and_action_count_the_same_open_alerts(gateway: ServedGateway) -> None:
    store = gateway.dependencies.store
    parts = make_stage_context(store, NOW)
    with store.reading() as rows:
        phases = sorted(row.status for row in rows.alerts.states())
        action = list_alerts(HistoryView(rows=rows, history=make_history_context(store, NOW), viewer=allow_all), AlertsInput())
    assert phases == ["firing", "pending"]
    assert "<dt>Open alerts</dt><dd>1</dd>" in shown(gateway, "/status")
    assert (read_status(parts).open_alerts, action.total) == (1, 1)


def test_a_stored_page_is_shown_only_to_callers_who_may_see_all_its_components(gateway: ServedGateway) -> None:
    outsider = gateway.as_user("user:default/bob")
    assert page(gateway, "/reports/payments/2026-W47", outsider)[0] == 404
    html = shown(gateway, "/reports", outsider)
    assert "payments" not in html.lower()
    assert page(gateway, "/components/component/default/checkout", outsider)[0] == 404


@pytest.mark.parametrize("path", ["/reports", "/reports/payments", "/components/component/default/checkout", "/status"])
def test_pages_need_a_token(gateway: ServedGateway, path: str) -> None:
    assert gateway.client.get(path).status_code == 401


def test_a_page_runs_no_script_and_cannot_be_framed(gateway: ServedGateway) -> None:
    headers = gateway.client.get("/reports", headers=gateway.as_ci()).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("kind_of_database", ["sqlite_url", "postgres_url"])
@pytest.mark.parametrize(
    "path",
    [
        "/components/component/default/check%00out",
        "/components/component/%00/checkout",
        "/components/%00/default/checkout",
        "/components/component/default/check%0aout",
        "/components/component:a/default/checkout",
        "/components/component/default/a%2Fb",
        "/reports/pay%00ments",
        "/reports/pay%00ments/2026-W47",
        "/reports/payments/2026-W47%00",
        "/reports/a~b%00~c",
    ],
)
def test_an_invalid_name_is_rejected_whatever_the_database(
    serve_gateway: ServeGateway, request: pytest.FixtureRequest, kind_of_database: str, path: str
) -> None:
    gateway = serve_gateway(database_url=request.getfixturevalue(kind_of_database))
    response = gateway.client.get(path, headers=gateway.as_ci())
    assert (response.status_code, response.json()["error"]["name"]) == (400, "InputError")


def test_pages_are_read_only(gateway: ServedGateway) -> None:
    assert gateway.client.post("/reports", headers=gateway.as_ci()).status_code == 405


@pytest.mark.parametrize("path", ["/status", "/reports", "/reports/payments", "/components/component/default/checkout"])
def test_head_has_the_headers_of_get(gateway: ServedGateway, path: str) -> None:
    headers = {**gateway.as_ci(), "accept-encoding": "identity"}
    whole = gateway.client.get(path, headers=headers)
    head = gateway.client.head(path, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(whole.content) > 0
    assert {name: value for name, value in head.headers.items() if name != "date"} == {
        name: value for name, value in whole.headers.items() if name != "date"
    }
