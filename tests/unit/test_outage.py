"""Outages: what is one, of which kind of figure, and what it holds back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.lifecycle import Paging
from alerts.observations import AlertId, Finding, Observation, OutageFigures, Severity, Verdict
from alerts.outage import OUTAGE, FigureCoverage, began_at, observe_outage, suppress_in_outage
from alerts.policy import Rule
from alerts.states import NoticeKind
from domain.figures import FigureKind
from domain.refs import PLATFORM
from tests.factories import CHECKOUT
from tests.unit.alert_scenario import POLICY, AlertScenario, clear, finding, gone, met, sweep

EVERYTHING = FigureKind.WORKLOADS


def outage(unknown: int, components: int, kind: FigureKind = EVERYTHING, *, number: float = 1) -> Observation:
    coverage = FigureCoverage(kind=kind, before=components, unknown=unknown)
    return observe_outage([coverage], as_of=sweep(number), policy=POLICY)


@pytest.mark.parametrize(
    ("unknown", "components", "is_outage"),
    [(3, 10, False), (4, 10, True), (1, 1, False), (2, 2, False), (3, 3, True), (1, 3, False), (2, 3, False), (0, 0, False)],
)
def test_an_outage_is_more_than_thirty_percent_and_at_least_three(unknown: int, components: int, *, is_outage: bool) -> None:
    for kind in (EVERYTHING, FigureKind.COST):
        observation = outage(unknown, components, kind)
        figures = OutageFigures(unknown=unknown, components=components, what=kind)
        expected = Finding(subject=str(kind), figures=figures, severity=Severity.ERROR, has_evidence=True)
        assert observation.found == ((expected,) if is_outage else ())
        assert (observation.alert, observation.team, observation.as_of) == (OUTAGE, PLATFORM, sweep(1))


def test_an_outage_is_reported_once_never_pages_and_ends_by_itself() -> None:
    scenario = AlertScenario(OUTAGE)
    (opened,) = scenario.observe(outage(5, 10, number=1))
    assert (opened.kind, opened.paging) == (NoticeKind.OPENED, Paging.NONE)
    assert scenario.observe(outage(6, 10, number=2)) == ()
    assert began_at(scenario.state, EVERYTHING, as_of=sweep(2)) == sweep(1), "its components are those measured before it began"
    assert began_at(scenario.state, FigureKind.COST, as_of=sweep(2)) == sweep(2)
    assert began_at(None, EVERYTHING, as_of=sweep(2)) == sweep(2)
    (over,) = scenario.observe(outage(0, 10, number=3))
    assert (over.kind, over.reason) == (NoticeKind.RESOLVED, "Cleared in one check.")


def test_an_outage_of_one_kind_is_undecided_while_nothing_is_measured() -> None:
    scenario = AlertScenario(OUTAGE)
    scenario.observe(outage(9, 9, FigureKind.COST, number=1))
    scenario.observe(outage(9, 9, number=2))
    scenario.observe(outage(9, 9, FigureKind.COST, number=3))
    assert began_at(scenario.state, FigureKind.COST, as_of=sweep(3)) == sweep(1)


def of_rule(rule: Rule, observation: Observation) -> Observation:
    return replace(observation, alert=AlertId(rule=rule, about=CHECKOUT))


MONEY = (Rule.OVER_PROVISIONED, Rule.COST_INCREASE, Rule.BUDGET)


@pytest.mark.parametrize("rule", [*MONEY, Rule.UNMEASURED])
@pytest.mark.parametrize("shown", [met(1), clear(1), gone(1)])
def test_an_outage_holds_back_money_and_measuring(rule: Rule, shown: Observation) -> None:
    (_, held) = suppress_in_outage([outage(9, 9), of_rule(rule, shown)])
    assert (held.verdict, held.team) == (Verdict.UNKNOWN, shown.team)
    assert held.reason == "so much could not be measured that nothing resolves, and no alert about money opens, until that ends"


def test_a_watch_sweep_is_held_back_by_the_outage_before_it_and_a_full_sweep_by_its_own() -> None:
    before = AlertScenario(OUTAGE)
    before.observe(outage(9, 9, number=0))
    safe = clear(1)

    assert suppress_in_outage([safe], before.state)[0].verdict is Verdict.UNKNOWN
    assert suppress_in_outage([outage(0, 9), safe], before.state)[1] == safe
    assert suppress_in_outage([safe])[0] == safe


def test_an_outage_holds_back_a_resolve_and_never_a_danger_that_was_measured() -> None:
    danger, safe = met(1, finding(kills=3)), clear(1)
    assert suppress_in_outage([outage(9, 9), danger])[1] == danger
    assert suppress_in_outage([outage(9, 9), safe])[1].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        (FigureKind.COST, {*MONEY, Rule.UNMEASURED}),
        (FigureKind.SAVINGS, {Rule.OVER_PROVISIONED, Rule.UNMEASURED}),
        (FigureKind.OOM_KILLS, {Rule.UNDER_PROVISIONED, Rule.UNMEASURED}),
        (FigureKind.NETWORK, {Rule.UNMEASURED}),
    ],
)
def test_an_outage_of_one_kind_of_figure_holds_back_what_depends_on_it(kind: FigureKind, held: set[Rule]) -> None:
    rules = (*MONEY, Rule.UNMEASURED, Rule.UNDER_PROVISIONED)
    shown = suppress_in_outage([outage(9, 9, kind), *(of_rule(rule, clear(1)) for rule in rules)])
    assert {one.alert.rule for one in shown if one.verdict is Verdict.UNKNOWN} == held
