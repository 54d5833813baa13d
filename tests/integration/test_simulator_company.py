"""The demo's company: the same at the same instant, with every event of its story visible when it happens."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from simulator.company import story
from simulator.company.catalog import KUBERNETES_ID, SELECTOR, SERVICES
from simulator.company.scenario import SCENARIO, _world_at_minute, world_at
from simulator.credentials import BACKSTAGE_TOKEN, SCALEOPS_TOKEN
from simulator.serving import Simulator
from tests.services import loopback
from tests.services.loopback import NO_AUTHORITIES

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OOM_LIMIT = 4

Row = dict[str, Any]


class CompanyClient:
    def __init__(self, simulator: Simulator, client: httpx.Client) -> None:
        self._simulator = simulator
        self._client = client

    def move_to(self, now: datetime) -> None:
        response = self._client.put(f"{self._simulator.url}/control/clock", json={"now": now.isoformat()})
        assert response.status_code == 200

    def workloads(self, now: datetime, *labels: str) -> list[Row]:
        self.move_to(now)
        url = f"{self._simulator.scaleops_url}/api/v1/dashboard/byNamespace?multiCluster=true&logicalLabel=AND"
        response = self._client.post(url, json={"label": list(labels)}, headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}"})
        found: list[Row] = response.json()["workloads"]
        return found

    def cost_7d(self, now: datetime, label: str) -> float:
        self.move_to(now)
        body = {"clusterFilters": [], "namespaces": [], "workloadTypes": [], "labels": [label]}
        url = f"{self._simulator.scaleops_url}/detailedCostReport/getWorkloads?multiCluster=true&range=7d"
        response = self._client.post(url, json=body, headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}"})
        rows: list[Row] = response.json()["aggregatedWorkloads"]
        return float(sum(row["totalCost"] for row in rows))

    def entity(self, now: datetime, ref: str) -> httpx.Response:
        self.move_to(now)
        kind, _, rest = ref.partition(":")
        url = f"{self._simulator.backstage_url}/api/catalog/entities/by-name/{kind}/{rest}"
        return self._client.get(url, headers={"Authorization": f"Bearer {BACKSTAGE_TOKEN}"})


@pytest.fixture
def company(simulator: Simulator) -> Iterator[CompanyClient]:
    simulator.load("demo")
    with httpx.Client(verify=NO_AUTHORITIES) as client:
        yield CompanyClient(simulator, client)


def one(rows: list[Row], *, cluster: str = story.US) -> Row:
    found = [row for row in rows if row["clusterName"] == cluster]
    assert len(found) == 1
    return found[0]


def everything_at(now: datetime) -> list[object]:
    world = world_at(now)
    return [
        world.entities,
        world.policies,
        world.silent_clusters,
        [(workload.labels, workload.dash, workload.cost_of(168), workload.network) for workload in world.workloads],
    ]


@pytest.mark.parametrize("now", [story.BEGIN - 30 * DAY, story.BEGIN, story.OOM_FROM + 5 * HOUR, story.LOST_FROM, story.END])
def test_the_same_instant_has_the_same_world(now: datetime) -> None:
    first = everything_at(now)
    _world_at_minute.cache_clear()
    assert everything_at(now) == first


def test_the_company_has_the_size_of_its_story() -> None:
    world = world_at(story.EVENTFUL_BEGIN)
    owners = {service.team for service in SERVICES} - {""}
    services = [entity for entity in world.entities if {SELECTOR, KUBERNETES_ID} & set(entity["metadata"].get("annotations", {}))]
    assert len(owners) == 7
    assert 40 <= len(services) <= 45
    assert 115 <= len(world.workloads) <= 140
    assert {workload.cluster for workload in world.workloads} == set(story.CLUSTERS)
    assert "@" in story.EDGE


def test_a_team_costs_hundreds_to_thousands_a_week() -> None:
    costs: Counter[str] = Counter()
    for workload in world_at(story.EVENTFUL_BEGIN).workloads:
        costs[workload.labels["team"]] += round(workload.cost_of(168)["totalCost"])
    del costs["nobody"]
    assert all(200 <= cost <= 5000 for cost in costs.values())


def test_costs_drift_a_little_from_week_to_week(company: CompanyClient) -> None:
    weeks = [company.cost_7d(story.BEGIN + 7 * DAY * number, "app=kafka-brokers") for number in range(1, 13)]
    assert len(set(weeks)) == 12
    assert all(0.9 < later / earlier < 1.1 for earlier, later in pairwise(weeks))


def test_keys_and_channels_have_the_form_of_the_real_ones() -> None:
    annotations = [entity["metadata"].get("annotations", {}) for entity in world_at(story.END).entities]
    keys = [notes["pagerduty.com/integration-key"] for notes in annotations if "pagerduty.com/integration-key" in notes]
    channels = [notes["slack.com/bot-notify"] for notes in annotations if "slack.com/bot-notify" in notes]
    assert len(keys) == len(set(keys)) == 3
    assert all(len(key) == 32 for key in keys)
    assert all(channel.startswith("C0") and channel.isalnum() and channel.isupper() for channel in channels)


def test_one_components_cost_jumps_in_the_eventful_week(company: CompanyClient) -> None:
    label = "app.kubernetes.io/name=recommendationservice"
    before = [company.cost_7d(story.EVENTFUL_BEGIN - 7 * DAY * number, label) for number in range(4)]
    after = company.cost_7d(story.EVENTFUL_END, label)
    mean = sum(before) / 4
    assert after > 1.25 * mean
    assert after > mean + 50
    assert company.cost_7d(story.END, label) < after
    replicas = [
        one(company.workloads(now, "app=recommendationservice"))["replicas"]
        for now in (story.COST_JUMP_FROM - HOUR, story.COST_JUMP_FROM)
    ]
    assert replicas == [8, 20]


def test_a_rightsizing_is_done_and_its_savings_appear(company: CompanyClient) -> None:
    before = company.workloads(story.RIGHTSIZED_AT - HOUR, "app.kubernetes.io/name=search-indexer")
    after = company.workloads(story.RIGHTSIZED_AT, "app.kubernetes.io/name=search-indexer")
    assert len(before) == len(after) == 3
    for then, now in zip(before, after, strict=True):
        assert then["isOverProvisioned"]
        assert not then["auto"]
        assert (now["cpuRequests"], now["memRequests"]) == (then["cpuRecommended"], then["memRecommended"])
        assert now["auto"]
        assert (then["activeSavings"], now["savingsAvailable"]) == (0, 0)
        assert now["activeSavings"] == pytest.approx(then["savingsAvailable"], rel=0.02)
    label = "app.kubernetes.io/name=search-indexer"
    assert company.cost_7d(story.RIGHTSIZED_AT + 7 * DAY, label) < 0.5 * company.cost_7d(story.RIGHTSIZED_AT, label)


def test_a_production_service_is_oom_killed_until_its_memory_is_raised(company: CompanyClient) -> None:
    instants = [story.OOM_FROM - HOUR, *(story.OOM_FROM + HOUR * hours for hours in (5, 11, 17, 23)), story.OOM_UNTIL]
    seen = [one(company.workloads(now, "app=checkoutservice")) for now in instants]
    assert [row["isUnderProvisioned"] for row in seen] == [False, *[True] * 4, False]
    assert [row["oomCountLast24h"] for row in seen[:-1]] == [0, *[OOM_LIMIT] * 4]
    assert seen[-1]["memRequests"] > 1.5 * seen[0]["memRequests"]
    assert one(company.workloads(story.OOM_UNTIL + DAY, "app=checkoutservice"))["oomCountLast24h"] == 0
    entity = company.entity(story.OOM_FROM, "component:default/checkoutservice").json()
    group = company.entity(story.OOM_FROM, "group:default/payments").json()
    assert entity["spec"]["lifecycle"] == "production"
    assert {"type": "ownedBy", "targetRef": "group:default/payments"} in entity["relations"]
    assert "pagerduty.com/integration-key" in group["metadata"]["annotations"]


def test_nothing_else_in_production_is_ever_oom_killed() -> None:
    instants = (story.BEGIN + 6 * HOUR * number for number in range(84 * 4))
    killed = {
        (workload.dash["workloadName"], workload.cluster)
        for now in instants
        for workload in world_at(now).workloads
        if workload.dash["oomCountLast24h"]
    }
    bad_release = {(part, story.US) for part in story.BAD_RELEASE_PARTS}
    assert killed == {("checkoutservice", story.US), ("load-generator", story.STAGING)} | bad_release


def test_some_workloads_stay_over_provisioned_and_some_under_provisioned() -> None:
    for now in (story.BEGIN, story.EVENTFUL_BEGIN, story.END):
        rows = [workload.dash for workload in world_at(now).workloads]
        assert sum(row["isOverProvisioned"] and not row["auto"] and row["savingsAvailable"] > 50 for row in rows) >= 8
        assert {row["workloadName"] for row in rows if row["isUnderProvisioned"] and row["clusterName"] == story.EDGE} == {
            "search-api",
            "prometheus-server",
        }


def test_one_cluster_is_disconnected_for_eighteen_hours(company: CompanyClient) -> None:
    instants = (story.LOST_FROM - HOUR, story.LOST_FROM, story.LOST_UNTIL - HOUR, story.LOST_UNTIL)
    seen = [{row["clusterName"] for row in company.workloads(now, "app=frontend")} for now in instants]
    assert seen == [set(story.CLUSTERS), {story.US, story.STAGING}, {story.US, story.STAGING}, set(story.CLUSTERS)]
    assert timedelta(hours=18) == story.LOST_UNTIL - story.LOST_FROM
    assert company.workloads(story.LOST_FROM, "app=edge-gateway") == []


def test_a_lost_cluster_is_missing_from_every_response(simulator: Simulator, company: CompanyClient) -> None:
    company.move_to(story.LOST_FROM)
    headers = {"Authorization": f"Bearer {SCALEOPS_TOKEN}"}
    flags = loopback.get(f"{simulator.scaleops_url}/api/v1/networkCost/networkCostEnabled?multiCluster=true", headers=headers)
    policies = loopback.get(f"{simulator.scaleops_url}/api/v1/policies", headers=headers | {"X-Scaleops-Cluster": story.EDGE})
    assert flags.json() == {"networkCostEnabled": {story.US: True, story.STAGING: False}}
    assert policies.status_code == 502


@pytest.mark.parametrize(
    ("name", "absent_at", "present_at"),
    [("giftcardservice", story.NEW_AT - HOUR, story.NEW_AT), ("wishlistservice", story.REMOVED_AT, story.REMOVED_AT - HOUR)],
)
def test_a_component_appears_and_is_removed_with_its_workloads(
    company: CompanyClient, name: str, absent_at: datetime, present_at: datetime
) -> None:
    ref, label = f"component:default/{name}", f"app.kubernetes.io/name={name}"
    assert company.entity(absent_at, ref).status_code == 404
    assert company.workloads(absent_at, label) == []
    assert company.entity(present_at, ref).status_code == 200
    assert len(company.workloads(present_at, label)) == 2


def test_the_unusual_components_exist(company: CompanyClient) -> None:
    def annotation(ref: str) -> str:
        return str(company.entity(story.END, ref).json()["metadata"]["annotations"][SELECTOR])

    assert "owner" not in company.entity(story.END, "component:default/image-resizer").json()["spec"]
    assert company.workloads(story.END, annotation("component:default/loyalty-api")) == []
    assert annotation("component:default/shippingservice") == "app in (shippingservice, shipping-quotes)"
    assert {row["clusterName"] for row in company.workloads(story.END, annotation("component:default/frontend"))} == set(
        story.CLUSTERS
    )
    cart = company.workloads(story.END, annotation("component:default/cartservice"))
    shared = company.workloads(story.END, annotation("resource:default/shared-redis"))
    assert [row["workloadName"] for row in shared] == ["redis-cart"]
    assert shared[0] in cart


def test_monitored_clusters_have_cross_zone_traffic(simulator: Simulator, company: CompanyClient) -> None:
    company.move_to(story.END)
    now_ms = int(story.END.timestamp() * 1000)
    response = loopback.get(
        f"{simulator.scaleops_url}/api/v1/workload-network",
        params={
            "name": "kafka-brokers",
            "namespace": "data",
            "workloadType": "StatefulSet",
            "from": str(now_ms - 7 * 86_400_000),
            "to": str(now_ms),
        },
        headers={"Authorization": f"Bearer {SCALEOPS_TOKEN}", "X-Scaleops-Cluster": story.US},
    )
    crossing = sum(row["crossAZCost"]["total"] for row in response.json()["destinations"])
    assert crossing > 10


def test_policies_of_one_name_differ_between_clusters() -> None:
    policies = world_at(story.END).policies
    used = {workload.dash["policyName"] for workload in world_at(story.END).workloads}
    production = {
        cluster: next(policy for policy in policies[cluster] if policy["metadata"]["name"] == "production")
        for cluster in (story.US, story.EDGE)
    }
    assert production[story.US]["spec"] != production[story.EDGE]["spec"]
    assert used <= {policy["metadata"]["name"] for policy in policies[story.STAGING]}


def test_the_control_api_returns_the_story(simulator: Simulator, company: CompanyClient) -> None:
    del company
    told = loopback.get(f"{simulator.url}/control/story").json()
    assert told == story.STORY == SCENARIO.story
    assert told["weeks"][0] == _iso_week(story.BEGIN)
    assert told["weeks"][-1] == _iso_week(story.END - HOUR)
    assert told["eventful_week"] == _iso_week(story.EVENTFUL_BEGIN)


def test_every_event_of_the_story_falls_into_its_weeks() -> None:
    for event in story.STORY["events"].values():
        instants = [datetime.fromisoformat(event[key]) for key in ("from", "until") if event[key]]
        assert all(story.BEGIN <= instant < story.END for instant in instants)


def _iso_week(day: datetime) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week}"
