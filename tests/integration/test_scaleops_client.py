"""The ScaleOps client against the simulator: logins, the five endpoints, and the forms of their responses."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from clients.http.client import HttpClient, HttpOptions
from clients.http.errors import ErrorKind, ServiceError
from clients.scaleops.auth import AzureLogin
from clients.scaleops.client import ScaleOpsClient
from clients.scaleops.links import DashboardLinks
from clients.scaleops.tokens import CachedLogin, FixedToken
from domain.workload import WorkloadKey, set_aside_of
from simulator import credentials
from simulator.serving import Simulator
from tests.services.clients import NOW, Sleeps, password_login, scaleops_of
from tests.stage_factories import ManualClock

LABELS = ("app.kubernetes.io/name=index-033",)
KEY = WorkloadKey(cluster="prod-us-east-1", namespace="ns-team-11", type="Deployment", name="index-033-web")
LOGIN = "POST /auth/callback"


@pytest.fixture
def client(simulator: Simulator) -> Iterator[ScaleOpsClient]:
    with scaleops_of(simulator) as scaleops:
        yield scaleops


def calls_to(simulator: Simulator, route: str) -> int:
    return simulator.state.calls["scaleops"][route]


def respond_with(simulator: Simulator, body: object, *, route: str | None = None) -> None:
    simulator.plan_fault("scaleops", route=route, status=200, body=body)


@pytest.mark.parametrize("token", ["jwt", "opaque"])
@pytest.mark.parametrize("location", ["absolute", "relative", "crowded"])
def test_every_form_of_redirect_logs_in(simulator: Simulator, client: ScaleOpsClient, location: str, token: str) -> None:
    simulator.set_modes(location=location, token=token)
    assert len(client.workloads(LABELS)) == 2
    assert calls_to(simulator, LOGIN) == 1


def test_two_hundred_concurrent_calls_make_one_login(simulator: Simulator, client: ScaleOpsClient) -> None:
    with ThreadPoolExecutor(200) as threads:
        results = list(threads.map(client.workloads, [LABELS] * 200))
    assert [len(result) for result in results] == [2] * 200
    assert calls_to(simulator, LOGIN) == 1


def test_a_revoked_token_is_replaced_once_for_all_callers(simulator: Simulator, client: ScaleOpsClient) -> None:
    client.workloads(LABELS)
    simulator.state.tokens.clear()
    with ThreadPoolExecutor(50) as threads:
        results = list(threads.map(client.workloads, [LABELS] * 50))
    assert [len(result) for result in results] == [2] * 50
    assert calls_to(simulator, LOGIN) == 2


def test_an_expired_token_is_replaced_before_it_is_rejected(simulator: Simulator) -> None:
    clock = ManualClock(NOW, simulator)
    with scaleops_of(simulator, clock=clock) as client:
        client.workloads(LABELS)
        clock.advance(timedelta(hours=2))
        client.workloads(LABELS)
    assert calls_to(simulator, LOGIN) == 2
    assert calls_to(simulator, "POST /api/v1/dashboard/byNamespace") == 2


def test_a_token_rejected_twice_is_an_auth_error(simulator: Simulator, client: ScaleOpsClient) -> None:
    simulator.plan_fault("scaleops", route="byNamespace", status=401)
    with pytest.raises(ServiceError, match="401: our credentials were not accepted") as error:
        client.workloads(LABELS)
    assert error.value.kind is ErrorKind.AUTH
    assert error.value.service_down
    assert calls_to(simulator, LOGIN) == 2


@pytest.mark.parametrize("login_failure", ["401", "302", "html"])
def test_a_wrong_password_is_an_auth_error_in_every_form_of_response(simulator: Simulator, login_failure: str) -> None:
    simulator.set_modes(login_failure=login_failure)
    http = HttpClient("ScaleOps", simulator.scaleops_url, HttpOptions(), sleep=Sleeps())
    client = ScaleOpsClient(http, password_login(simulator, http, clock=lambda: NOW, password="not-the-pass"))
    for _ in range(3):
        with pytest.raises(ServiceError, match="SCALEOPS_USER, SCALEOPS_PASSWORD and SCALEOPS_BASE_URL") as error:
            client.workloads(LABELS)
        assert error.value.kind is ErrorKind.AUTH
        assert error.value.service_down
        assert "not-the-pass" not in str(error.value)
    client.close()
    assert calls_to(simulator, LOGIN) == 1
    assert calls_to(simulator, "POST /api/v1/dashboard/byNamespace") == 0


def test_an_installation_without_login_is_reported(simulator: Simulator, client: ScaleOpsClient) -> None:
    simulator.set_modes(auth="none")
    with pytest.raises(ServiceError, match="POST /auth/callback with 404"):
        client.workloads(LABELS)


def test_an_installation_without_authentication_needs_no_credentials(simulator: Simulator) -> None:
    simulator.set_modes(auth="none")
    with scaleops_of(simulator, credentials=FixedToken(None)) as client:
        assert len(client.workloads(LABELS)) == 2
    assert calls_to(simulator, LOGIN) == 0


def test_a_fixed_token_is_never_replaced(simulator: Simulator) -> None:
    with scaleops_of(simulator, credentials=FixedToken(credentials.SCALEOPS_TOKEN)) as client:
        assert len(client.workloads(LABELS)) == 2
    with scaleops_of(simulator, credentials=FixedToken("wrong")) as client, pytest.raises(ServiceError) as error:
        client.workloads(LABELS)
    assert error.value.kind is ErrorKind.AUTH
    assert calls_to(simulator, LOGIN) == 0
    assert calls_to(simulator, "POST /api/v1/dashboard/byNamespace") == 2


@pytest.mark.parametrize("secret", [credentials.AZURE_CLIENT_SECRET, "wrong"])
def test_azure_credentials_log_in(simulator: Simulator, secret: str) -> None:
    http = HttpClient("Azure AD", simulator.azure_url, HttpOptions(), sleep=Sleeps())
    login = AzureLogin(http=http, tenant_id=credentials.AZURE_TENANT, client_id=credentials.AZURE_CLIENT_ID, client_secret=secret)
    with scaleops_of(simulator, credentials=CachedLogin(login, clock=lambda: NOW)) as client:
        if secret == "wrong":
            with pytest.raises(ServiceError, match="Azure AD rejected the login") as error:
                client.workloads(LABELS)
            assert error.value.kind is ErrorKind.AUTH
        else:
            assert len(client.workloads(LABELS)) == 2
    http.close()


def test_workloads_without_a_label_are_never_requested(simulator: Simulator, client: ScaleOpsClient) -> None:
    with pytest.raises(ServiceError, match="no label was given"):
        client.workloads(())
    assert not simulator.state.calls["scaleops"]


def test_workloads_have_our_units(client: ScaleOpsClient) -> None:
    found = {workload.key: workload for workload in client.workloads(LABELS)}
    web = found[KEY]
    assert web.id == "ns-team-11_Deployment_index-033-web"
    assert (web.cpu_request_millicores, web.memory_request_bytes) == (500, 8589934592)
    assert web.savings_available_per_month == Decimal(0)
    assert web.automated is False


def test_money_has_no_float_noise(simulator: Simulator, client: ScaleOpsClient) -> None:
    respond_with(
        simulator,
        {"aggregatedWorkloads": [{"id": "a", "totalCost": 0.1, "hourlyCost": 1e-7, "savingsAvailable": 12345678.91}]},
        route="getWorkloads",
    )
    [row] = client.costs(cluster="c", namespaces=("n",), types=("t",), labels=("a=b",), cost_range="7d")
    assert (row.total_cost, row.hourly_cost, row.savings_available) == (Decimal("0.1"), Decimal("1E-7"), Decimal("12345678.91"))
    assert (row.spot_percent, row.workload_name) == (None, None)


@pytest.mark.parametrize("empty", ["list", "null", "missing"])
def test_no_match_is_an_empty_list_in_every_form(simulator: Simulator, client: ScaleOpsClient, empty: str) -> None:
    simulator.set_modes(workloads_when_empty=empty, costs_when_empty=empty, policies=empty)
    assert client.workloads(("app=missing",)) == ()
    assert client.costs(cluster="staging", namespaces=("x",), types=("y",), labels=("app=missing",), cost_range="7d") == ()
    assert (client.policies("staging") == ()) == (empty != "list")


@pytest.mark.parametrize("body", [{"workloads": {}}, {"workloads": "none"}, {"workloads": 0}, [], None, "no", {"workloads": [7]}])
def test_workloads_that_are_not_a_list_are_an_error(simulator: Simulator, client: ScaleOpsClient, body: object) -> None:
    respond_with(simulator, body if isinstance(body, dict | list) else json.dumps(body), route="byNamespace")
    with pytest.raises(ServiceError, match="of an unexpected schema") as error:
        client.workloads(LABELS)
    assert error.value.kind is ErrorKind.INVALID_RESPONSE


def test_a_row_without_its_cluster_is_set_aside(simulator: Simulator, client: ScaleOpsClient) -> None:
    row = {"clusterName": "c", "namespace": "n", "workloadName": "w", "type": "t"}
    respond_with(simulator, {"workloads": [row, {**row, "clusterName": None}]}, route="byNamespace")
    found = client.workloads(LABELS)
    assert [str(workload.key) for workload in found] == ["c/n/t/w"]
    assert [str(aside) for aside in set_aside_of(found)] == ["row 2 (w): clusterName is missing"]


@pytest.mark.parametrize("form", ["object", "array", "null", "partial"])
def test_network_is_parsed_in_every_form(simulator: Simulator, client: ScaleOpsClient, form: str) -> None:
    simulator.set_modes(network=form)
    peers = client.network(KEY, start=NOW - timedelta(hours=24), end=NOW)
    assert bool(peers) == (form != "null")
    assert all((peer.cross_az_cost is None) == (form == "partial") for peer in peers)
    assert all(peer.name and peer.total_traffic is not None for peer in peers)


@pytest.mark.parametrize("body", [{"destinations": 1}, {"destinations": [1]}, 7])
def test_network_of_another_schema_is_an_error(simulator: Simulator, client: ScaleOpsClient, body: object) -> None:
    respond_with(simulator, body if isinstance(body, dict) else "7", route="workload-network")
    with pytest.raises(ServiceError, match="of an unexpected schema"):
        client.network(KEY, start=NOW - timedelta(hours=24), end=NOW)


def test_flags_name_the_monitored_clusters(client: ScaleOpsClient) -> None:
    assert client.network_flags() == {"prod-eu-west-1": True, "prod-us-east-1": True, "staging": False}


@pytest.mark.parametrize("form", ["null", "missing"])
def test_a_missing_map_of_flags_is_an_error(simulator: Simulator, client: ScaleOpsClient, form: str) -> None:
    simulator.set_modes(network_flags=form)
    with pytest.raises(ServiceError, match="networkCostEnabled"):
        client.network_flags()


def test_policies_are_returned_unchanged_for_one_cluster(simulator: Simulator, client: ScaleOpsClient) -> None:
    raw = simulator.state.world().policies["staging"]
    assert [dict(policy.definition) for policy in client.policies("staging")] == list(raw)
    assert len(client.policies("prod-us-east-1")) == 8


def test_names_with_special_characters_are_encoded(simulator: Simulator, client: ScaleOpsClient) -> None:
    odd = "we&b=?/ü#+% "
    key = WorkloadKey(cluster="admin@eu & co", namespace=odd, type="Deploy/ment", name=odd)
    simulator.plan_fault("scaleops", contains="admin@eu & co", status=200, body={"destinations": []})
    simulator.add_fault("scaleops", route="workload-network", status=500)
    assert client.network(key, start=NOW, end=NOW) == ()


def test_a_trailing_slash_of_the_base_url_is_ignored(simulator: Simulator) -> None:
    http = HttpClient("ScaleOps", f"{simulator.scaleops_url}//", HttpOptions(), sleep=Sleeps())
    client = ScaleOpsClient(http, FixedToken(credentials.SCALEOPS_TOKEN))
    assert len(client.workloads(LABELS)) == 2
    client.close()


def test_a_link_searches_the_dashboard_for_the_workload() -> None:
    link = DashboardLinks("https://scaleops.example.com/")
    assert link("web & co", ("app=we b", "env=prod")) == (
        "https://scaleops.example.com/cost-report/compute?searchTerms=web%20%26%20co&selectedTable=Workloads&groupByCluster=0"
        "&groupByNamespace=0&logicalLabel=AND&labels=app%3Dwe%20b&labels=env%3Dprod"
    )


def test_repr_shows_no_secret() -> None:
    http = HttpClient("Azure AD", "http://127.0.0.1:1", HttpOptions())
    texts = repr(FixedToken("hidden")) + repr(AzureLogin(http=http, tenant_id="t", client_id="c", client_secret="hidden"))
    assert "hidden" not in texts
