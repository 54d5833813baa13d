"""What a question over history says of what whoever asks may not see: nothing that could be told by asking again, otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from actions.errors import ActionError
from actions.history.context import HistoryContext
from actions.history.definitions import HISTORY_ACTIONS
from domain.messages import Json
from store import Store
from tests.integration.measured import PAYMENTS
from tests.integration.remembered import CHECKOUT, FINDER, LEDGER, Sees, archive_of, remember


@pytest.fixture
def archive(store: Store) -> HistoryContext:
    remember(store)
    return archive_of(store)


def ask(archive: HistoryContext, question: str, viewer: Sees, **arguments: Json) -> Any:  # noqa: ANN401 - a document
    return HISTORY_ACTIONS[question].ask(arguments, archive=archive, viewer=viewer).model_dump(mode="json", by_alias=True)


def refusal(archive: HistoryContext, question: str, viewer: Sees, **arguments: Json) -> str:
    with pytest.raises(ActionError) as caught:
        ask(archive, question, viewer, **arguments)
    return f"{caught.value.name}: {caught.value}"


@pytest.mark.parametrize(
    ("question", "not_shown", "searches"),
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
def test_how_much_is_not_shown_says_nothing_of_what_it_is(
    archive: HistoryContext, question: str, not_shown: int, searches: list[dict[str, Json]]
) -> None:
    told = [ask(archive, question, Sees(CHECKOUT), **search)["notShown"] for search in searches]

    assert set(told) == {not_shown}


@pytest.mark.parametrize(("question", "not_shown"), [("list_recommendations", 1), ("list_alerts", 1)])
def test_advice_and_alerts_of_a_hidden_team_are_not_counted_by_team(
    archive: HistoryContext, question: str, not_shown: int
) -> None:
    told = {team: ask(archive, question, Sees(LEDGER), team=team)["notShown"] for team in ("payments", "search", "nobody")}

    assert set(told.values()) == {not_shown}


@pytest.mark.parametrize("question", ["list_recommendations", "list_alerts"])
def test_of_one_entity_that_may_be_seen_nothing_is_hidden(archive: HistoryContext, question: str) -> None:
    assert ask(archive, question, Sees(LEDGER), entityRef=str(LEDGER))["notShown"] == 0


@pytest.mark.parametrize(
    "about",
    ["group:default/payments", "budget:group:default/payments", "report:weekly:group:default/payments:2026-W47:slack:1"],
)
def test_what_a_team_was_told_is_for_those_who_see_some_of_it(archive: HistoryContext, about: str) -> None:
    """Catalogs list every group to everybody; that somebody sees a team says nothing of what it owns."""
    hidden = refusal(archive, "explain_delivery", Sees(FINDER, PAYMENTS), about=about)
    unknown = refusal(archive, "explain_delivery", Sees(FINDER), about=about.replace("payments", "nobody"))

    assert hidden.replace("payments", "nobody") == unknown
    assert ask(archive, "explain_delivery", Sees(LEDGER, PAYMENTS), about=about)["explanation"]


@pytest.mark.parametrize("week", [{}, {"week": "2026-W47"}, {"week": "2026-W30"}])
def test_reports_of_a_hidden_team_are_told_like_those_of_none(archive: HistoryContext, week: dict[str, Json]) -> None:
    hidden = refusal(archive, "get_team_report", Sees(FINDER, PAYMENTS), team="payments", **week)
    unknown = refusal(archive, "get_team_report", Sees(FINDER), team="nobody", **week)

    assert hidden.replace("payments", "nobody") == unknown
    assert "2026-W47" in refusal(archive, "get_team_report", Sees(LEDGER), team="payments", week="2026-W30")
