"""The questions over history, on a store that the real stages filled."""

from __future__ import annotations

from typing import Any

import pytest

from actions.context import Viewer, allow_all
from actions.errors import InputError, NotAllowedError, NotFoundError
from actions.history.context import HistoryContext
from actions.history.definitions import HISTORY_ACTIONS
from domain.messages import Json
from domain.refs import EntityRef
from store import Store
from tests.integration.measured import PAYMENTS, SEARCH
from tests.integration.remembered import CHECKOUT, FINDER, LEDGER, Sees, archive_of, remember

ALERT = "under-provisioned:component:default/checkout"


@pytest.fixture
def archive(store: Store) -> HistoryContext:
    remember(store)
    return archive_of(store)


def ask(archive: HistoryContext, name: str, viewer: Viewer = allow_all, **arguments: Json) -> Any:  # noqa: ANN401 - a document
    return HISTORY_ACTIONS[name].ask(arguments, archive=archive, viewer=viewer).model_dump(mode="json", by_alias=True)


def refs(answer: Any) -> list[str]:  # noqa: ANN401 - a document
    return [row["entityRef"].partition("/")[2] for row in answer["components"]]


def test_components_are_found_by_owner_system_and_words(archive: HistoryContext) -> None:
    assert refs(ask(archive, "list_components")) == ["checkout", "dns", "finder", "ledger", "mail"]
    assert refs(ask(archive, "list_components", owner="payments")) == ["checkout", "ledger"]
    assert refs(ask(archive, "list_components", owner="group:default/search")) == ["finder"]
    assert refs(ask(archive, "list_components", text="CHECK out")) == ["checkout"]
    assert refs(ask(archive, "list_components", system="shop")) == ["checkout", "dns", "finder", "ledger", "mail"]
    assert refs(ask(archive, "list_components", system="system:default/other")) == []


def test_a_found_component_has_its_newest_cost_and_an_unmeasured_one_has_none(archive: HistoryContext) -> None:
    costs = {row["title"]: row["costLast7d"] for row in ask(archive, "list_components")["components"]}

    assert costs == {"Checkout": 140, "Ledger": 15, "Finder": None, "Dns": 0, "Mail": 0}


def test_a_list_comes_in_pages_and_says_how_to_get_the_rest(archive: HistoryContext) -> None:
    first = ask(archive, "list_components", limit=2)
    rest = ask(archive, "list_components", limit=3, offset=2)

    assert (first["total"], first["truncated"], first["rest"]) == (5, True, "ask again with offset 2")
    assert refs(first) + refs(rest) == ["checkout", "dns", "finder", "ledger", "mail"]
    assert (rest["truncated"], rest["rest"]) == (False, None)


def test_who_sees_less_is_told_how_much_is_not_shown(archive: HistoryContext) -> None:
    viewer = Sees(CHECKOUT)
    answer = ask(archive, "list_components", viewer)

    assert refs(answer) == ["checkout"]
    assert (answer["total"], answer["notShown"]) == (1, 4)


def test_the_trend_of_a_team_counts_a_shared_workload_once(archive: HistoryContext) -> None:
    answer = ask(archive, "get_cost_trend", entityRef="group:default/payments")

    assert [(week["week"], week["cost"], week["workloads"]) for week in answer["weeks"]] == [
        ("2026-W46", 117, 3),
        ("2026-W47", 145, 3),
        ("2026-W48", 145, 3),
    ]
    assert (answer["change"], answer["changePercent"]) == (28, 23.9)
    assert [week["running"] for week in answer["weeks"]] == [False, False, True]


def test_the_trend_of_a_team_is_made_again_over_what_remains_visible(archive: HistoryContext) -> None:
    answer = ask(archive, "get_cost_trend", Sees(CHECKOUT), entityRef="group:default/payments")

    assert [week["cost"] for week in answer["weeks"]] == [110, 140, 140]
    assert answer["notShown"] == 1


def test_an_unmeasured_week_is_unknown_not_zero(archive: HistoryContext) -> None:
    answer = ask(archive, "get_cost_trend", entityRef="component:default/finder")

    assert [week["cost"] for week in answer["weeks"]] == [40, None, None]


def test_a_team_of_which_nothing_was_learned_has_no_cost_rather_than_none(archive: HistoryContext) -> None:
    compared = ask(archive, "compare_weeks", entityRef="group:default/search")
    seen = ask(archive, "get_cost_trend", Sees(FINDER), entityRef="group:default/search")

    assert (compared["costThen"], compared["costNow"]) == (40, None)
    assert compared["notComparable"] == {"workloads": 1, "amount": -40}
    assert [week["cost"] for week in seen["weeks"]] == [40, None, None]


@pytest.mark.parametrize("question", ["get_cost_trend", "compare_weeks"])
def test_what_may_not_be_seen_is_not_there(archive: HistoryContext, question: str) -> None:
    said: dict[str, str] = {}
    for ref in ("component:default/checkout", "component:default/nope", "group:default/payments", "group:default/nope"):
        with pytest.raises(NotFoundError) as caught:
            ask(archive, question, Sees(FINDER), entityRef=ref)
        said[ref] = str(caught.value).replace(ref, "it")

    assert said["component:default/checkout"] == said["component:default/nope"]
    assert said["group:default/payments"] == said["group:default/nope"], "what is hidden is told like what never was"


def test_two_weeks_are_compared_workload_by_workload_and_the_parts_add_up(archive: HistoryContext) -> None:
    answer = ask(archive, "compare_weeks", entityRef="group:default/payments")

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


def test_weeks_in_the_wrong_order_are_refused(archive: HistoryContext) -> None:
    with pytest.raises(InputError, match="earlier"):
        ask(archive, "compare_weeks", entityRef="group:default/payments", week="2026-W46", before="2026-W47")


def test_a_week_without_a_snapshot_says_where_to_look(archive: HistoryContext) -> None:
    with pytest.raises(NotFoundError, match="get_cost_trend"):
        ask(archive, "compare_weeks", entityRef="group:default/payments", week="2026-W40")


def test_a_stored_report_is_answered_as_it_was_made(archive: HistoryContext) -> None:
    answer = ask(archive, "get_team_report", team="payments")

    assert (answer["team"], answer["week"], answer["weeks"]) == ("group:default/payments", "2026-W47", ["2026-W47"])
    assert answer["report"]["headline"]["cost"]["amount"] == 145


def test_a_report_that_was_not_made_names_the_weeks_that_were(archive: HistoryContext) -> None:
    with pytest.raises(NotFoundError, match=r"2026-W30.*weeks with a report: 2026-W47"):
        ask(archive, "get_team_report", team="payments", week="2026-W30")


def test_a_report_is_shown_only_to_who_may_see_all_that_it_counts(archive: HistoryContext) -> None:
    assert ask(archive, "get_team_report", Sees(CHECKOUT, LEDGER), team="payments")["week"] == "2026-W47"
    with pytest.raises(NotAllowedError, match="counts 1 of 2 components that you may not see"):
        ask(archive, "get_team_report", Sees(CHECKOUT), team="payments")
    with pytest.raises(NotAllowedError):
        ask(archive, "get_team_report", Sees(CHECKOUT, LEDGER), team="platform")
    everything = [EntityRef.parse(row["entityRef"]) for row in ask(archive, "list_components")["components"]]
    assert ask(archive, "get_team_report", Sees(*everything), team="platform")["team"] == "platform"


def test_open_recommendations_come_most_pressing_first_and_can_be_narrowed(archive: HistoryContext) -> None:
    answer = ask(archive, "list_recommendations")

    assert [(row["workloadName"], row["issue"]) for row in answer["recommendations"]] == [("api", "under-provisioned")]
    assert answer["summary"]["highPriority"] == 1
    assert ask(archive, "list_recommendations", team="search")["total"] == 0
    assert ask(archive, "list_recommendations", priority="low")["total"] == 0
    assert ask(archive, "list_recommendations", Sees(LEDGER))["notShown"] == 1


def test_alerts_are_listed_with_what_was_told(archive: HistoryContext) -> None:
    answer = ask(archive, "list_alerts", entityRef="component:default/checkout")

    (alert,) = answer["alerts"]
    assert (alert["id"], alert["phase"], alert["paged"]) == (ALERT, "firing", True)
    assert alert["toldAt"] is not None
    assert ask(archive, "list_alerts", Sees(LEDGER), entityRef="component:default/ledger")["total"] == 0


def test_why_an_alert_was_told_is_explained_with_its_messages_and_events(archive: HistoryContext) -> None:
    answer = ask(archive, "explain_delivery", about=ALERT)

    assert {message["channel"] for message in answer["messages"]} == {"slack", "pagerduty"}
    assert all(message["status"] == "pending" and message["reason"] for message in answer["messages"])
    assert answer["explanation"][0].startswith(f"{ALERT} is firing since")
    assert any("An incident is open in PagerDuty" in sentence for sentence in answer["explanation"])
    assert any(event["what"].startswith("opened: ") for event in answer["events"])
    assert "0123456789abcdef" not in " ".join(answer["explanation"])


def test_why_a_report_went_where_it_went_is_explained(archive: HistoryContext) -> None:
    answer = ask(archive, "explain_delivery", about="payments", week="2026-W47")

    assert "The report for 2026-W47 was due at 2026-11-23 09:00 UTC and was made at" in answer["explanation"][0]
    assert answer["messages"][-1]["key"].startswith("report:weekly:group:default/payments:2026-W47:slack:")
    assert any("In Slack it goes to CPLAT now" in sentence for sentence in answer["explanation"])


def test_why_nothing_was_told_is_explained(archive: HistoryContext) -> None:
    assert "No alert was ever heard of" in ask(archive, "explain_delivery", about="component:default/ledger")["explanation"][0]
    assert "No sweep ever showed" in ask(archive, "explain_delivery", about="budget:component:default/ledger")["explanation"][0]
    assert "is not due before" in ask(archive, "explain_delivery", about="payments", week="2026-W48")["explanation"][0]


def test_one_message_is_explained_by_its_key(archive: HistoryContext) -> None:
    key = ask(archive, "explain_delivery", about=ALERT)["messages"][0]["key"]
    answer = ask(archive, "explain_delivery", about=key)

    assert [message["key"] for message in answer["messages"]] == [key]
    assert answer["explanation"][-1] == "It stands as pending after 0 attempts."


@pytest.mark.parametrize("about", [ALERT, "component:default/checkout", "group:default/payments"])
def test_a_delivery_about_what_may_not_be_seen_is_not_explained(archive: HistoryContext, about: str) -> None:
    with pytest.raises(NotFoundError):
        ask(archive, "explain_delivery", Sees(FINDER, SEARCH), about=about)
    assert ask(archive, "explain_delivery", Sees(CHECKOUT, PAYMENTS), about=about)["explanation"]


@pytest.mark.parametrize("about", ["platform", "storm:platform:default/platform", "report:weekly:platform:2026-W47:slack:1"])
def test_what_the_platform_was_told_is_for_those_who_see_everything(archive: HistoryContext, about: str) -> None:
    everything = [EntityRef.parse(row["entityRef"]) for row in ask(archive, "list_components")["components"]]

    assert ask(archive, "explain_delivery", about=about)["explanation"]
    with pytest.raises(NotAllowedError, match="a component or a team of yours"):
        ask(archive, "explain_delivery", Sees(*everything), about=about)


@pytest.mark.parametrize("name", sorted(HISTORY_ACTIONS))
def test_an_unknown_argument_is_refused_naming_the_valid_ones(archive: HistoryContext, name: str) -> None:
    with pytest.raises(InputError, match=r"there is no argument 'nope'; valid are \w+"):
        ask(archive, name, nope=1)


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
def test_an_argument_of_another_type_than_the_published_one_is_refused(
    archive: HistoryContext, name: str, arguments: dict[str, Json]
) -> None:
    with pytest.raises(InputError, match=r"the argument \w+ is wrong"):
        HISTORY_ACTIONS[name].ask(arguments, archive=archive)


def test_a_whole_number_is_one_however_json_spells_it(archive: HistoryContext) -> None:
    assert refs(ask(archive, "list_components", limit=2.0)) == refs(ask(archive, "list_components", limit=2))


def test_who_sees_less_is_asked_about_in_one_call(archive: HistoryContext) -> None:
    viewer = Sees(CHECKOUT)
    ask(archive, "list_components", viewer)

    assert [ref.name for ref in viewer.asked] == ["checkout", "dns", "finder", "ledger", "mail"]
