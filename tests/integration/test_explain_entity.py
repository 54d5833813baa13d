"""`explain`: of a component or a team everything that decides what it gets, and why."""

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.http.errors import ServiceError
from domain.refs import UNOWNED
from domain.routes import Route, RoutePolicy
from store import HeartbeatKind, Store
from tasks.entity_lookup import UnknownEntity
from tasks.maintenance.explain import ComponentExplanation, TeamExplanation, explain
from tests.factories import SEARCH, make_component, make_measurement, make_ref, make_workload
from tests.integration.history_sample import MONDAY, NOW, fill_history
from tests.services.commands import Run
from tests.stage_factories import FakeServices, OneEntity, PlannedScaleOps, make_service_error, make_stage_context, record_sweep


@pytest.fixture
def history(sqlite_store: Store) -> Store:
    fill_history(sqlite_store)
    return sqlite_store


def component_of(store: Store, text: str, **policy: Any) -> ComponentExplanation:
    found = explain(make_stage_context(store, NOW, **policy), text)
    assert isinstance(found, ComponentExplanation)
    return found


def test_a_measured_component(history: Store) -> None:
    found = component_of(history, "checkout")
    assert (found.selector.annotation, found.selector.text) == ("backstage.io/kubernetes-label-selector", "app=checkout")
    assert found.selector.queries == (("app=checkout",),)
    assert [key.name for key in found.workloads] == ["api", "shared"]
    assert (found.unmeasured_because, found.newest_sweep, found.next_slot) == ("", MONDAY, MONDAY + timedelta(hours=36))
    assert (str(found.owner.team), found.owner.in_catalog) == ("group:default/payments", True)
    assert isinstance(found.slack, Route)
    assert found.slack.rule == "the annotation slack.com/bot-notify on the component component:default/checkout"
    assert isinstance(found.pagerduty, Route)
    assert found.pagerduty.target == "0123456789abcdef"
    assert [str(alert.alert) for alert in found.alerts] == ["under-provisioned:component:default/checkout"]
    assert found.pages == "when its workloads are OOM-killed"
    assert found.report.last is not None
    assert (found.report.last.week, str(found.report.week)) == ("2026-W47", "2026-W48")
    assert found.report.due_at == MONDAY + timedelta(days=7, hours=9)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("finder", "ScaleOps did not answer"),
        ("dns", "no workload matches its selector: if it runs on Kubernetes, correct its annotations"),
    ],
)
def test_why_a_component_is_not_measured(history: Store, text: str, reason: str) -> None:
    assert component_of(history, text).unmeasured_because == reason


def test_before_the_first_sweep_it_is_said_why_there_is_none(sqlite_store: Store) -> None:
    record_sweep(sqlite_store, MONDAY, components=[make_component()], close=False)
    assert (
        component_of(sqlite_store, "checkout").unmeasured_because == "no sweep was closed yet; `scaleops-worker collect` measures"
    )
    with sqlite_store.transaction() as transaction:
        transaction.heartbeats.record("collect", HeartbeatKind.FAILED, at=MONDAY, details={"reason": "401"})
    reason = "no sweep was closed yet; collect failed at 2026-11-23 00:00 UTC: 401"
    assert component_of(sqlite_store, "checkout").unmeasured_because == reason


def test_a_component_that_left_the_catalog(history: Store) -> None:
    for hours in (6, 12):
        record_sweep(history, MONDAY + timedelta(hours=hours), components=[make_component("ledger")])
    found = component_of(history, "dns")
    assert found.left_at == MONDAY + timedelta(hours=12)
    assert found.unmeasured_because.startswith("two catalog listings in a row were without it")


def test_what_narrows_the_selector_and_what_never_pages(history: Store) -> None:
    record_sweep(
        history,
        MONDAY + timedelta(hours=6),
        components=[make_component("web", namespace_limit="shop", lifecycle="experimental", label_selector="app=web,tier!=x")],
    )
    found = component_of(history, "web", namespaces_allowed={make_ref("payments", "group"): ("shop", "pay")})
    assert found.selector.limits == (
        "namespace shop, by the annotation backstage.io/kubernetes-namespace",
        "namespaces shop, pay, by selectors.namespaces of group:default/payments",
    )
    assert "ScaleOps does not support 'tier!=x'" in found.selector.problems[0]
    assert found.pages == "never: its lifecycle is experimental, not production"
    assert found.unmeasured_because.startswith("the catalog listing of the newest sweep, 2026-11-23 06:00 UTC, was without it")


def test_a_component_without_an_owner(run: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    with closing(Store.open(url)) as store:
        record_sweep(store, MONDAY, make_measurement(as_of=MONDAY, team=UNOWNED), components=[make_component(team=UNOWNED)])
    shown = run("explain", "checkout", DATABASE_URL=url).out
    assert "none: the entity names no owner; its report goes to the platform channel" in shown
    assert shown.count("no workload matches its selector") == 1


def test_live_asks_the_catalog_and_scaleops(history: Store) -> None:
    web = make_component("web", owner_rule="spec.owner; there is no ownedBy relation")
    scaleops = PlannedScaleOps(workloads_by_labels={("app=web",): (make_workload(),)})
    context = make_stage_context(history, NOW, FakeServices(catalog=OneEntity(web), scaleops=scaleops))
    found = explain(context, "component:default/web", live=True)
    assert isinstance(found, ComponentExplanation)
    assert [key.name for key in found.workloads] == ["web"]
    assert found.owner.rule == "spec.owner; there is no ownedBy relation"


def test_live_says_what_the_catalog_lacks_and_what_failed(history: Store) -> None:
    lacking = make_stage_context(history, NOW, FakeServices(catalog=OneEntity()))
    with pytest.raises(
        UnknownEntity, match="the catalog has no entity component:default/chekout; did you mean component:default/checkout"
    ):
        explain(lacking, "component:default/chekout", live=True)
    with pytest.raises(ServiceError):
        explain(make_stage_context(history, NOW, FakeServices(catalog=OneEntity(make_service_error()))), "checkout", live=True)
    failing = PlannedScaleOps(workloads_by_labels={("app=checkout",): make_service_error()})
    services = FakeServices(catalog=OneEntity(make_component("checkout")), scaleops=failing)
    found = explain(make_stage_context(history, NOW, services), "checkout", live=True)
    assert isinstance(found, ComponentExplanation)
    assert (found.live_problem, found.unmeasured_because, found.workloads) == ("ScaleOps returned an error", "", ())


def test_live_says_what_an_entity_without_a_selector_needs(history: Store) -> None:
    lacking = make_component("docs", label_selector=None)
    found = explain(
        make_stage_context(history, NOW, FakeServices(catalog=OneEntity(lacking))), "component:default/docs", live=True
    )
    assert isinstance(found, ComponentExplanation)
    assert found.live_problem.startswith("component:default/docs has no workload selector: annotate the entity with")
    assert found.unmeasured_because == "only entities with a selector of workloads are measured"


def test_a_team(history: Store) -> None:
    routes = RoutePolicy(slack_by_team={SEARCH: "C0SEARCH"}, platform_channel="C0PLATFORM")
    found = explain(make_stage_context(history, NOW, routes=routes), "search")
    assert isinstance(found, TeamExplanation)
    assert [str(ref) for ref in found.components] == ["component:default/finder"]
    assert found.unmeasured == (make_ref("finder"),)
    assert isinstance(found.slack, Route)
    assert found.slack.rule == "slack_channel of group:default/search in the configuration file"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "component:default/chekout",
            "no component or team 'component:default/chekout' is known; did you mean component:default/checkout?",
        ),
        ("zzzzzz", "no component or team 'zzzzzz' is known; `scaleops-worker explain REF --live` asks the catalog for it"),
    ],
)
def test_an_unknown_reference_is_a_question(history: Store, text: str, message: str) -> None:
    with pytest.raises(UnknownEntity) as caught:
        explain(make_stage_context(history, NOW), text)
    assert str(caught.value) == message


def test_a_name_of_several_entities_is_a_question(history: Store) -> None:
    record_sweep(history, MONDAY + timedelta(hours=6), components=[make_component("payments")])
    with pytest.raises(
        UnknownEntity, match="'payments' names 2 entities; did you mean component:default/payments or group:default/payments"
    ):
        explain(make_stage_context(history, NOW), "payments")


def test_the_command_prints_it_for_people_and_for_programs(run: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    store = Store.open(url)
    fill_history(store)
    store.close()
    shown = run("explain", "checkout", DATABASE_URL=url)
    as_json = run("explain", "checkout", "--json", DATABASE_URL=url)
    team = run("explain", "group:default/payments", DATABASE_URL=url)
    unknown = run("explain", "chekout", DATABASE_URL=url)

    assert (shown.status, as_json.status, team.status, unknown.status) == (0, 0, 0, 1)
    for text in (
        "Checkout (component:default/checkout)",
        "app=checkout",
        "measured    2026-11-23 00:00 UTC",
        "$140.00 for 7 days",
        "C1, by the annotation",
    ):
        assert text in shown.out
    document = json.loads(as_json.out)
    assert document["slack"]["target"] == "C1"
    assert [row["workloadName"] for row in document["workloads"]] == ["api", "shared"]
    assert document["alerts"][0]["rule"] == "under-provisioned"
    assert "component:default/checkout, component:default/ledger" in team.out
    assert unknown.err == "scaleops-worker: no component or team 'chekout' is known; did you mean component:default/checkout?\n"


def test_other_commands_take_a_name_and_suggest_one(run: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.db'}"
    store = Store.open(url)
    fill_history(store)
    store.close()
    trend = run("trend", "checkout", DATABASE_URL=url)
    nonsense = run("trend", "two words", DATABASE_URL=url)
    misspelled = run("report", "--team", "paymnts", DATABASE_URL=url)

    assert (trend.status, misspelled.status, nonsense.status) == (0, 1, 2)
    assert "2026-W4" in trend.out
    assert (
        misspelled.err
        == "scaleops-worker: no component is owned by group:default/paymnts; did you mean group:default/payments?\n"
    )
