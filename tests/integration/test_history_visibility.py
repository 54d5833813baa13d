"""What the actions over history reveal of hidden entities: nothing that repeated queries could disclose."""

import pytest

from actions.context import HistoryContext
from actions.errors import ActionError
from domain.messages import Json
from store import Store
from tests.factories import CHECKOUT, PAYMENTS
from tests.integration.history_sample import FINDER, LEDGER, NOW, fill_history, run
from tests.stage_factories import PartialViewer, make_history_context


@pytest.fixture
def history(store: Store) -> HistoryContext:
    fill_history(store)
    return make_history_context(store, NOW)


def error_of(history: HistoryContext, name: str, viewer: PartialViewer, **arguments: Json) -> str:
    with pytest.raises(ActionError) as caught:
        run(history, name, viewer, **arguments)
    return f"{caught.value.name}: {caught.value}"


@pytest.mark.parametrize(
    ("name", "not_shown", "searches"),
    [
        (
            "list_components",
            4,
            [
                {},
                {"text": "ledge"},
                {"text": "ledgy"},
                {"owner": "payments"},
                {"owner": "search"},
                {"owner": "nobody"},
                {"system": "shop"},
                {"system": "other"},
            ],
        ),
        ("list_recommendations", 0, [{}, {"team": "payments"}, {"team": "nobody"}, {"priority": "high"}, {"priority": "low"}]),
        ("list_alerts", 1, [{"quiet": True}, {"quiet": True, "team": "payments"}, {"quiet": True, "team": "nobody"}]),
    ],
)
def test_the_number_of_hidden_rows_does_not_depend_on_the_filter(
    history: HistoryContext, name: str, not_shown: int, searches: list[dict[str, Json]]
) -> None:
    told = [run(history, name, PartialViewer(CHECKOUT), **search)["notShown"] for search in searches]
    assert set(told) == {not_shown}


@pytest.mark.parametrize(("name", "not_shown"), [("list_recommendations", 1), ("list_alerts", 1)])
def test_hidden_recommendations_and_alerts_are_not_counted_by_team(history: HistoryContext, name: str, not_shown: int) -> None:
    told = {team: run(history, name, PartialViewer(LEDGER), team=team)["notShown"] for team in ("payments", "search", "nobody")}
    assert set(told.values()) == {not_shown}


@pytest.mark.parametrize("name", ["list_recommendations", "list_alerts"])
def test_nothing_is_hidden_of_one_visible_entity(history: HistoryContext, name: str) -> None:
    assert run(history, name, PartialViewer(LEDGER), entityRef=str(LEDGER))["notShown"] == 0


@pytest.mark.parametrize(
    "about", ["group:default/payments", "budget:group:default/payments", "report:weekly:group:default/payments:2026-W47:slack:1"]
)
def test_messages_to_a_team_need_a_caller_who_sees_a_component(history: HistoryContext, about: str) -> None:
    """Catalogs list every group to everyone, so seeing a team does not reveal what it owns."""
    hidden = error_of(history, "explain_delivery", PartialViewer(FINDER, PAYMENTS), about=about)
    unknown = error_of(history, "explain_delivery", PartialViewer(FINDER), about=about.replace("payments", "nobody"))
    assert hidden.replace("payments", "nobody") == unknown
    assert run(history, "explain_delivery", PartialViewer(LEDGER, PAYMENTS), about=about)["explanation"]


@pytest.mark.parametrize("week", [{}, {"week": "2026-W47"}, {"week": "2026-W30"}])
def test_reports_of_a_hidden_team_look_like_those_of_an_unknown_team(history: HistoryContext, week: dict[str, Json]) -> None:
    hidden = error_of(history, "get_team_report", PartialViewer(FINDER, PAYMENTS), team="payments", **week)
    unknown = error_of(history, "get_team_report", PartialViewer(FINDER), team="nobody", **week)
    assert hidden.replace("payments", "nobody") == unknown
    assert "2026-W47" in error_of(history, "get_team_report", PartialViewer(LEDGER), team="payments", week="2026-W30")


@pytest.mark.parametrize("about", ["payments", "group:default/payments", "report:weekly:group:default/payments:2026-W47:slack:1"])
def test_a_team_is_visible_by_its_components_where_the_catalog_hides_groups(history: HistoryContext, about: str) -> None:
    assert run(history, "explain_delivery", PartialViewer(CHECKOUT, LEDGER), about=about)["messages"]


@pytest.mark.parametrize(
    "about",
    [
        "report:weekly:group:default/payments:2026-W01:slack:1",
        "alert:under-provisioned:component:default/checkout:99:slack",
        "watch:2026-11-23:0123456789ab:slack",
        "nonsense:group:default/payments",
    ],
)
def test_an_unknown_message_key_is_not_found(history: HistoryContext, about: str) -> None:
    assert error_of(history, "explain_delivery", PartialViewer(CHECKOUT), about=about).startswith(
        f"NotFoundError: there is no message or alert '{about}' that you may see"
    )
