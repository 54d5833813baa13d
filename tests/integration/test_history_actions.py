"""The actions over stored history, on a store that the real stages filled."""

from typing import Any

import pytest

from actions.catalogue import ACTIONS
from actions.context import HistoryContext, allow_all
from actions.errors import InputError, NotAllowedError, NotFoundError
from domain.messages import Json
from domain.refs import PLATFORM, EntityRef
from store import Store
from tests.factories import CHECKOUT, PAYMENTS, SEARCH
from tests.integration.history_sample import FINDER, LEDGER, NOW, fill_history, run
from tests.stage_factories import PartialViewer, make_history_context

ALERT = "under-provisioned:component:default/checkout"


@pytest.fixture
def history(store: Store) -> HistoryContext:
    fill_history(store)
    return make_history_context(store, NOW)


def refs(answer: Any) -> list[str]:
    return [row["entityRef"].partition("/")[2] for row in answer["components"]]


def test_components_are_found_by_owner_system_and_words(history: HistoryContext) -> None:
    assert refs(run(history, "list_components")) == ["checkout", "dns", "finder", "ledger", "mail"]
    assert refs(run(history, "list_components", owner="payments")) == ["checkout", "ledger"]
    assert refs(run(history, "list_components", owner="group:default/search")) == ["finder"]
    assert refs(run(history, "list_components", text="CHECK out")) == ["checkout"]
    assert refs(run(history, "list_components", system="shop")) == ["checkout", "dns", "finder", "ledger", "mail"]
    assert refs(run(history, "list_components", system="system:default/other")) == []


def test_a_found_component_has_its_newest_cost_and_an_unmeasured_one_has_none(history: HistoryContext) -> None:
    costs = {row["title"]: row["costLast7d"] for row in run(history, "list_components")["components"]}
    assert costs == {"Checkout": 140, "Ledger": 15, "Finder": None, "Dns": 0, "Mail": 0}


def test_a_list_is_paged_and_says_how_to_get_the_rest(history: HistoryContext) -> None:
    first = run(history, "list_components", limit=2)
    rest = run(history, "list_components", limit=3, offset=2)
    assert (first["total"], first["truncated"], first["rest"]) == (5, True, "repeat with offset 2")
    assert refs(first) + refs(rest) == ["checkout", "dns", "finder", "ledger", "mail"]
    assert (rest["truncated"], rest["rest"]) == (False, None)


def test_hidden_rows_are_counted(history: HistoryContext) -> None:
    viewer = PartialViewer(CHECKOUT)
    answer = run(history, "list_components", viewer)
    assert refs(answer) == ["checkout"]
    assert (answer["total"], answer["notShown"]) == (1, 4)


def test_the_trend_of_a_team_counts_a_shared_workload_once(history: HistoryContext) -> None:
    answer = run(history, "get_cost_trend", entityRef="group:default/payments")
    assert [(week["week"], week["cost"], week["workloads"]) for week in answer["weeks"]] == [
        ("2026-W46", 117, 3),
        ("2026-W47", 145, 3),
        ("2026-W48", 145, 3),
    ]
    assert (answer["change"], answer["changePercent"]) == (28, 23.9)
    assert [week["running"] for week in answer["weeks"]] == [False, False, True]


def test_the_trend_of_a_team_is_recomputed_over_the_visible_components(history: HistoryContext) -> None:
    answer = run(history, "get_cost_trend", PartialViewer(CHECKOUT), entityRef="group:default/payments")
    assert [week["cost"] for week in answer["weeks"]] == [110, 140, 140]
    assert answer["notShown"] == 1


def test_an_unmeasured_week_is_unknown_not_zero(history: HistoryContext) -> None:
    answer = run(history, "get_cost_trend", entityRef="component:default/finder")
    assert [week["cost"] for week in answer["weeks"]] == [40, None, None]


def test_the_cost_of_an_unmeasured_team_is_unknown_not_zero(history: HistoryContext) -> None:
    compared = run(history, "compare_weeks", entityRef="group:default/search")
    seen = run(history, "get_cost_trend", PartialViewer(FINDER), entityRef="group:default/search")
    assert (compared["costThen"], compared["costNow"]) == (40, None)
    assert compared["notComparable"] == {"workloads": 1, "amount": -40}
    assert [week["cost"] for week in seen["weeks"]] == [40, None, None]


@pytest.mark.parametrize("question", ["get_cost_trend", "compare_weeks"])
def test_hidden_entities_are_not_found(history: HistoryContext, question: str) -> None:
    said: dict[str, str] = {}
    for ref in ("component:default/checkout", "component:default/nope", "group:default/payments", "group:default/nope"):
        with pytest.raises(NotFoundError) as caught:
            run(history, question, PartialViewer(FINDER), entityRef=ref)
        said[ref] = str(caught.value).replace(ref, "it")
    assert said["component:default/checkout"] == said["component:default/nope"]
    assert said["group:default/payments"] == said["group:default/nope"], "what is hidden is told like what never was"


def test_two_weeks_are_compared_workload_by_workload_and_the_parts_add_up(history: HistoryContext) -> None:
    answer = run(history, "compare_weeks", entityRef="group:default/payments")
    assert (answer["week"], answer["before"], answer["costThen"], answer["costNow"]) == ("2026-W47", "2026-W46", 117, 145)
    assert answer["likeForLike"] == {"workloads": 2, "amount": 30}
    assert (answer["added"], answer["removed"]) == ({"workloads": 1, "amount": 5}, {"workloads": 1, "amount": -7})
    parts = sum(answer[group]["amount"] for group in ("likeForLike", "added", "removed", "notComparable"))
    assert parts == answer["costNow"] - answer["costThen"]
    assert [(row["workloadName"], row["comparison"], row["amount"]) for row in answer["changes"]] == [
        ("api", "like for like", 30),
        ("old-job", "removed", -7),
        ("new-job", "added", 5),
    ]


@pytest.mark.parametrize(
    ("weeks", "error", "said"),
    [
        ({"week": "2026-W46", "before": "2026-W47"}, InputError, "earlier"),
        ({"week": "2026-W40"}, NotFoundError, "get_cost_trend"),
    ],
    ids=["weeks in the wrong order are rejected", "a week without a snapshot says where to look"],
)
def test_weeks_that_cannot_be_compared(history: HistoryContext, weeks: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        run(history, "compare_weeks", allow_all, entityRef="group:default/payments", **weeks)


def test_a_stored_report_is_returned_as_it_was_made(history: HistoryContext) -> None:
    answer = run(history, "get_team_report", team="payments")
    assert (answer["team"], answer["week"], answer["weeks"]) == ("group:default/payments", "2026-W47", ["2026-W47"])
    assert answer["report"]["headline"]["cost"]["amount"] == 145


def test_a_missing_report_names_the_weeks_with_one(history: HistoryContext) -> None:
    with pytest.raises(NotFoundError, match=r"2026-W30.*weeks with a report: 2026-W47"):
        run(history, "get_team_report", team="payments", week="2026-W30")


def test_a_report_needs_a_caller_who_may_see_all_its_components(history: HistoryContext) -> None:
    assert run(history, "get_team_report", PartialViewer(CHECKOUT, LEDGER), team="payments")["week"] == "2026-W47"
    with pytest.raises(NotAllowedError, match="counts 1 of 2 components that you may not see"):
        run(history, "get_team_report", PartialViewer(CHECKOUT), team="payments")
    with pytest.raises(NotAllowedError):
        run(history, "get_team_report", PartialViewer(CHECKOUT, LEDGER), team="all")
    everything = [EntityRef.parse(row["entityRef"]) for row in run(history, "list_components")["components"]]
    assert run(history, "get_team_report", PartialViewer(*everything), team="all")["team"] == "all"


def test_open_recommendations_are_sorted_by_priority_and_filtered(history: HistoryContext) -> None:
    answer = run(history, "list_recommendations")
    assert [(row["workloadName"], row["issue"]) for row in answer["recommendations"]] == [("api", "under-provisioned")]
    assert answer["summary"]["highPriority"] == 1
    assert run(history, "list_recommendations", team="search")["total"] == 0
    assert run(history, "list_recommendations", priority="low")["total"] == 0
    assert run(history, "list_recommendations", PartialViewer(LEDGER))["notShown"] == 1


def test_alerts_are_listed_with_their_notification(history: HistoryContext) -> None:
    answer = run(history, "list_alerts", entityRef="component:default/checkout")
    (alert,) = answer["alerts"]
    assert (alert["id"], alert["phase"], alert["paged"]) == (ALERT, "firing", True)
    assert alert["notifiedAt"] is not None
    assert run(history, "list_alerts", PartialViewer(LEDGER), entityRef="component:default/ledger")["total"] == 0


def test_the_delivery_of_an_alert_is_explained_with_messages_and_events(history: HistoryContext) -> None:
    answer = run(history, "explain_delivery", about=ALERT)
    assert {message["channel"] for message in answer["messages"]} == {"slack", "pagerduty"}
    assert all(message["status"] == "pending" and message["reason"] for message in answer["messages"])
    assert answer["explanation"][0].startswith(f"{ALERT} is firing since")
    assert any("An incident is open in PagerDuty" in sentence for sentence in answer["explanation"])
    assert any(event["what"].startswith("opened: ") for event in answer["events"])
    assert "0123456789abcdef" not in " ".join(answer["explanation"])


def test_the_route_of_a_report_is_explained(history: HistoryContext) -> None:
    answer = run(history, "explain_delivery", about="payments", week="2026-W47")
    assert "The report for 2026-W47 was due at 2026-11-23 09:00 UTC and was made at" in answer["explanation"][0]
    assert answer["messages"][-1]["key"].startswith("report:weekly:group:default/payments:2026-W47:slack:")
    assert any("Slack now: C0PLATFORM" in sentence for sentence in answer["explanation"])


def test_a_missing_notification_is_explained(history: HistoryContext) -> None:
    assert (
        "There was never an alert about" in run(history, "explain_delivery", about="component:default/ledger")["explanation"][0]
    )
    assert (
        "No sweep ever met the condition"
        in run(history, "explain_delivery", about="budget:component:default/ledger")["explanation"][0]
    )
    assert "is not due before" in run(history, "explain_delivery", about="payments", week="2026-W48")["explanation"][0]


def test_one_message_is_explained_by_its_key(history: HistoryContext) -> None:
    key = run(history, "explain_delivery", about=ALERT)["messages"][0]["key"]
    answer = run(history, "explain_delivery", about=key)
    assert [message["key"] for message in answer["messages"]] == [key]
    assert answer["explanation"][-1] == "Status: pending after 0 attempts."


@pytest.mark.parametrize("about", [ALERT, "component:default/checkout", "group:default/payments"])
def test_the_delivery_about_a_hidden_entity_is_not_explained(history: HistoryContext, about: str) -> None:
    with pytest.raises(NotFoundError):
        run(history, "explain_delivery", PartialViewer(FINDER, SEARCH), about=about)
    assert run(history, "explain_delivery", PartialViewer(CHECKOUT, PAYMENTS), about=about)["explanation"]


@pytest.mark.parametrize("about", ["all", f"storm:{PLATFORM}", "report:weekly:platform:2026-W47:slack:1"])
def test_platform_notices_need_a_caller_who_sees_everything(history: HistoryContext, about: str) -> None:
    everything = [EntityRef.parse(row["entityRef"]) for row in run(history, "list_components")["components"]]
    assert run(history, "explain_delivery", about=about)["explanation"]
    with pytest.raises(NotAllowedError, match="a component or a team of yours"):
        run(history, "explain_delivery", PartialViewer(*everything), about=about)


@pytest.mark.parametrize("name", sorted(name for name, action in ACTIONS.items() if not action.is_live))
def test_an_unknown_argument_is_rejected_with_the_valid_ones(history: HistoryContext, name: str) -> None:
    with pytest.raises(InputError, match=r"unknown argument 'nope'; valid arguments are \w+"):
        run(history, name, nope=1)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list_components", {"limit": "5"}),
        ("list_components", {"limit": True}),
        ("list_components", {"limit": 5.5}),
        ("list_components", {"text": 5}),
        ("list_alerts", {"quiet": "yes"}),
        ("list_alerts", {"quiet": 1}),
    ],
)
def test_an_argument_of_another_type_is_rejected(history: HistoryContext, name: str, arguments: dict[str, Json]) -> None:
    with pytest.raises(InputError, match=r"the argument \w+ is invalid"):
        run(history, name, allow_all, **arguments)


def test_a_float_without_fraction_is_an_integer(history: HistoryContext) -> None:
    assert refs(run(history, "list_components", limit=2.0)) == refs(run(history, "list_components", limit=2))


def test_visibility_is_checked_in_one_call(history: HistoryContext) -> None:
    viewer = PartialViewer(CHECKOUT)
    run(history, "list_components", viewer)
    assert [ref.name for ref in viewer.queried] == ["checkout", "dns", "finder", "ledger", "mail"]
