"""Why the cost changed, for agents and on the command line: what the report says, to the cent, and only what the caller may see."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from actions.context import HistoryContext
from actions.errors import InputError, NotFoundError
from actions.history.explanation_models import ExplainOutput
from cli.reports import explanation_json, show_explanation
from domain.refs import EntityRef
from store import Store
from tests.factories import CHECKOUT, PAYMENTS, SEARCH, make_component, make_measurement, make_point, make_ref, make_team
from tests.integration.history_sample import FINDER, MONDAY, NOW, fill_history, run
from tests.stage_factories import PartialViewer, make_history_context, record_sweep

TEAM = "group:default/payments"


@pytest.fixture
def history(store: Store) -> HistoryContext:
    fill_history(store)
    return make_history_context(store, NOW)


def amounts(causes: list[dict[str, Any]]) -> dict[str, float]:
    return {part["cause"]: part["amount"] for part in causes}


def test_the_action_says_what_the_stored_report_says(history: HistoryContext) -> None:
    answer = run(history, "explain_cost_change", entityRef=TEAM)
    sections = run(history, "get_team_report", team="payments")["report"]["sections"]
    [why] = [section["body"] for section in sections if section["body"]["kind"] == "why"]
    assert answer["causes"] == amounts(why["causes"])
    assert (answer["amount"], answer["smallWorkloads"], answer["smallAmount"]) == (
        why["amount"],
        why["small_workloads"],
        why["small_amount"],
    )
    assert [(row["workloadName"], row["amount"], row["causes"], row["explanation"]) for row in answer["movers"]] == [
        (row["name"], row["amount"], amounts(row["causes"]), row["sentence"]) for row in why["movers"]
    ]


def test_the_parts_of_two_weeks_add_up(history: HistoryContext) -> None:
    answer = run(history, "explain_cost_change", entityRef=TEAM)
    assert (answer["week"], answer["before"], answer["amount"]) == ("2026-W47", "2026-W46", 28)
    assert answer["causes"] == {"unit price": 30, "added": 5, "removed": -7}
    assert [(row["workloadName"], row["amount"], row["explanation"]) for row in answer["movers"]] == [
        ("api", 30, "price per pod-hour +30%")
    ]
    assert (answer["smallWorkloads"], answer["smallAmount"]) == (2, -2)
    assert answer["explanation"] == [
        "Higher unit price +€30.00, added +€5.00, removed \N{MINUS SIGN}€7.00.",
        "2 other workloads changed by less than 2% or €10.00 each: \N{MINUS SIGN}€2.00 in all.",
    ]


def test_a_team_is_explained_over_the_visible_components(history: HistoryContext) -> None:
    answer = run(history, "explain_cost_change", PartialViewer(CHECKOUT), entityRef=TEAM)
    assert (answer["amount"], answer["notShown"]) == (30, 1)
    assert answer["causes"] == {"unit price": 30}


@pytest.mark.parametrize("ref", ["component:default/checkout", TEAM])
def test_what_is_hidden_is_not_found(history: HistoryContext, ref: str) -> None:
    with pytest.raises(NotFoundError):
        run(history, "explain_cost_change", PartialViewer(FINDER), entityRef=ref)


@pytest.mark.parametrize(
    ("weeks", "error"), [({"week": "2026-W46", "before": "2026-W47"}, InputError), ({"week": "2026-W40"}, NotFoundError)]
)
def test_weeks_that_cannot_be_compared(history: HistoryContext, weeks: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(history, "explain_cost_change", entityRef=TEAM, **weeks)


@pytest.mark.parametrize(("seen", "owner"), [((CHECKOUT, FINDER), str(FINDER)), ((CHECKOUT,), None)], ids=["visible", "hidden"])
def test_the_other_owner_of_a_moved_workload_is_named_to_who_may_see_it(
    store: Store, seen: tuple[EntityRef, ...], owner: str | None
) -> None:
    for as_of, holder in ((MONDAY - timedelta(days=7), "finder"), (MONDAY, "checkout")):
        moved = [make_point("moved", cost_7d=Decimal(50))]
        record_sweep(
            store,
            as_of,
            *(
                make_measurement(name, *(moved if name == holder else []), as_of=as_of, team=team)
                for name, team in (("checkout", PAYMENTS), ("finder", SEARCH))
            ),
            components=[make_component("checkout"), make_component("finder", team=SEARCH)],
            teams=[make_team(PAYMENTS), make_team(SEARCH)],
        )
    history = make_history_context(store, NOW)
    answer = run(history, "explain_cost_change", PartialViewer(*seen), entityRef=str(make_ref("checkout")))
    assert answer["causes"] == {"moved": 50}
    [mover] = answer["movers"]
    assert (mover["otherOwner"], mover["explanation"]) == (owner, f"moved from {owner or 'another owner'}")


def test_the_command_line_shows_the_sentences_and_the_movers(history: HistoryContext, capsys: pytest.CaptureFixture[str]) -> None:
    found = ExplainOutput.model_validate(run(history, "explain_cost_change", entityRef=TEAM))
    show_explanation(found)
    shown = capsys.readouterr().out
    assert "2026-W47 against 2026-W46: +€28.00 for 7 days." in shown
    assert "price per pod-hour +30%" in shown
    assert explanation_json(found)["why"] == found.model_dump(mode="json", by_alias=True)


def test_the_command_line_says_why_there_is_no_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    missing = NotFoundError("no closing snapshot")
    show_explanation(missing)
    assert "Why: no closing snapshot" in capsys.readouterr().out
    assert explanation_json(missing) == {"why": None, "whyReason": "no closing snapshot"}
