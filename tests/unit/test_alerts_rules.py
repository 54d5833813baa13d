"""The five rules, by tables: who meets the condition, who does not, who is unknown."""

from dataclasses import replace
from decimal import Decimal

import pytest

from alerts.observations import AlertId, CostFigures, Observation, Severity, Verdict, dedup_key_of
from alerts.policy import (
    BudgetSettings,
    CostIncreaseSettings,
    OverProvisionedSettings,
    PagingMode,
    Rule,
    Rules,
    UnderProvisionedSettings,
)
from alerts.rules import SweepHistory, observe
from domain.measures import Measured, Unknown
from domain.month_to_date import month_to_date
from domain.snapshots import Measurement, SeriesPoint, WorkloadPoint
from tests.factories import CHECKOUT, PAYMENTS, SLOT, make_key, make_lost_point, make_measurement, make_point, make_ref
from tests.unit.alert_scenario import POLICY, is_clear

KNOWN = SweepHistory(measured_before=True)
UNKNOWN = Unknown("ScaleOps left it out")


def seen(
    rule: Rule,
    measured: Measurement,
    history: SweepHistory = KNOWN,
    *,
    rules: Rules | None = None,
    lifecycle: str = "production",
    non_production: frozenset[str] = frozenset(),
) -> Observation:
    policy = replace(POLICY, rules=rules or Rules(), non_production_clusters=non_production)
    found = {one.alert.rule: one for one in observe(measured, history, policy, lifecycle=lifecycle)}
    return found[rule]


@pytest.mark.parametrize(
    ("starved", "is_found", "is_unknown"), [(True, True, False), (False, False, False), (UNKNOWN, False, True)]
)
def test_under_provisioned_is_what_scaleops_says(starved: Measured[bool], *, is_found: bool, is_unknown: bool) -> None:
    observation = seen(Rule.UNDER_PROVISIONED, make_measurement("checkout", make_point(under_provisioned=starved)))
    assert bool(observation.found) is is_found
    assert observation.unknown == ((str(make_key("api")),) if is_unknown else ())


@pytest.mark.parametrize(
    ("kills", "severity", "has_evidence"),
    [
        (0, Severity.WARNING, False),
        (1, Severity.ERROR, True),
        (2, Severity.ERROR, True),
        (3, Severity.CRITICAL, True),
        (UNKNOWN, Severity.WARNING, False),
    ],
)
def test_evidence_is_an_oom_kill(kills: Measured[int], severity: Severity, *, has_evidence: bool) -> None:
    (found,) = seen(
        Rule.UNDER_PROVISIONED, make_measurement("checkout", make_point(under_provisioned=True, oom_kills_24h=kills))
    ).found
    assert (found.severity, found.has_evidence, found.page) == (severity, has_evidence, PagingMode.WITH_EVIDENCE)


def test_paging_always_makes_the_lack_of_evidence_an_error() -> None:
    rules = Rules(under_provisioned=UnderProvisionedSettings(page=PagingMode.ALWAYS))
    (found,) = seen(Rule.UNDER_PROVISIONED, make_measurement("checkout", make_point(under_provisioned=True)), rules=rules).found
    assert (found.severity, found.page) == (Severity.ERROR, PagingMode.ALWAYS)


WASTE = make_point(over_provisioned=True, savings_available_per_month=Decimal(60), cost_7d=Decimal(60))


@pytest.mark.parametrize(
    ("rule", "point"),
    [(Rule.UNDER_PROVISIONED, make_point(under_provisioned=True, oom_kills_24h=9)), (Rule.OVER_PROVISIONED, WASTE)],
)
@pytest.mark.parametrize(
    ("lifecycle", "cluster", "page"),
    [
        ("production", "east", PagingMode.ALWAYS),
        ("experimental", "east", PagingMode.NEVER),
        ("", "east", PagingMode.NEVER),
        ("production", "staging", PagingMode.NEVER),
    ],
)
def test_only_production_pages(rule: Rule, point: WorkloadPoint, lifecycle: str, cluster: str, page: PagingMode) -> None:
    always = Rules(
        under_provisioned=UnderProvisionedSettings(page=PagingMode.ALWAYS),
        over_provisioned=OverProvisionedSettings(page=PagingMode.ALWAYS),
    )
    measured = make_measurement("checkout", replace(point, key=make_key(cluster=cluster)))
    observation = seen(rule, measured, rules=always, lifecycle=lifecycle, non_production=frozenset({"staging"}))
    assert [one.page for one in observation.found] == [page]


@pytest.mark.parametrize(
    ("wasteful", "is_found", "is_unknown"),
    [
        (WASTE, True, False),
        (replace(WASTE, automated=True), False, False),
        (replace(WASTE, under_provisioned=True), False, False),
        (replace(WASTE, savings_available_per_month=Decimal(50), cost_7d=Decimal(50)), True, False),
        (replace(WASTE, savings_available_per_month=Decimal("49.99")), False, False),
        (replace(WASTE, cost_7d=Decimal(70)), True, False),  # 60 is exactly a fifth of 300 a month
        (replace(WASTE, cost_7d=Decimal("70.01")), False, False),
        (replace(WASTE, cost_7d=UNKNOWN), False, True),
        (replace(WASTE, savings_available_per_month=Decimal(10), cost_7d=UNKNOWN), False, False),
        (replace(WASTE, savings_available_per_month=UNKNOWN), False, True),
        (replace(WASTE, automated=UNKNOWN), False, True),
        (replace(WASTE, automated=UNKNOWN, over_provisioned=False), False, False),
        (replace(WASTE, automated=True, over_provisioned=UNKNOWN), False, False),
        (replace(WASTE, over_provisioned=UNKNOWN), False, True),
    ],
)
def test_over_provisioned_needs_both_minimums_and_no_automation(
    wasteful: WorkloadPoint, *, is_found: bool, is_unknown: bool
) -> None:
    observation = seen(Rule.OVER_PROVISIONED, make_measurement("checkout", wasteful))
    assert (bool(observation.found), bool(observation.unknown)) == (is_found, is_unknown)


def test_over_provisioning_may_be_raised_to_a_warning_page() -> None:
    rules = Rules(over_provisioned=OverProvisionedSettings(page=PagingMode.ALWAYS))
    (found,) = seen(Rule.OVER_PROVISIONED, make_measurement("checkout", WASTE), rules=rules).found
    assert found.may_page(from_first_sweep=False)
    assert not found.may_page(from_first_sweep=True)
    assert found.severity is Severity.WARNING


def weeks(*costs: Measured[Decimal] | int) -> SweepHistory:
    known = tuple(Decimal(cost) if isinstance(cost, int) else cost for cost in costs)
    return SweepHistory(measured_before=True, closing_costs_7d=known)


@pytest.mark.parametrize(
    ("cost", "history", "is_found", "verdict"),
    [
        (Decimal(250), weeks(200, 200, 200, 200), True, Verdict.MEASURED),
        (Decimal("249.99"), weeks(200, 200, 200, 200), False, Verdict.MEASURED),
        (Decimal(300), weeks(260, 260), False, Verdict.MEASURED),  # 40 more is under the floor of 50
        (Decimal(450), weeks(400, 400), False, Verdict.MEASURED),  # an eighth more is under a quarter
        (Decimal(250), weeks(200, UNKNOWN, UNKNOWN, 200), True, Verdict.MEASURED),
        (Decimal(250), weeks(200), False, Verdict.UNKNOWN),
        (Decimal(250), weeks(200, UNKNOWN), False, Verdict.UNKNOWN),
        (Decimal(250), weeks(), False, Verdict.UNKNOWN),
        (UNKNOWN, weeks(200, 200), False, Verdict.UNKNOWN),
        (Decimal(250), weeks(200, 200, 200, 200, 9000), True, Verdict.MEASURED),  # the fifth is too long ago
    ],
)
def test_cost_increase_compares_with_the_mean_of_the_weeks_before(
    cost: Measured[Decimal], history: SweepHistory, *, is_found: bool, verdict: Verdict
) -> None:
    observation = seen(Rule.COST_INCREASE, make_measurement("checkout", make_point(cost_7d=cost)), history)
    assert (bool(observation.found), observation.verdict) == (is_found, verdict)


def test_an_incomplete_cost_never_clears_but_may_already_be_too_high() -> None:
    low = make_measurement("checkout", make_point("api", cost_7d=Decimal(100)), make_point("worker", cost_7d=UNKNOWN))
    assert seen(Rule.COST_INCREASE, low, weeks(200, 200)).verdict is Verdict.UNKNOWN
    high = make_measurement("checkout", make_point("api", cost_7d=Decimal(300)), make_point("worker", cost_7d=UNKNOWN))
    (found,) = seen(Rule.COST_INCREASE, high, weeks(200, 200)).found
    assert found.figures == CostFigures(cost_7d=Decimal(300), usual_cost_7d=Decimal(200), weeks=2)
    assert found.amount == Decimal(100)


def test_a_component_without_a_budget_has_no_budget_observation() -> None:
    measured = make_measurement("checkout", make_point())
    assert Rule.BUDGET not in {one.alert.rule for one in observe(measured, KNOWN, POLICY, lifecycle="production")}
    with_month = replace(KNOWN, month=month_to_date([SeriesPoint.of_component(measured.snapshot)], until=SLOT))
    own = replace(POLICY, monthly_budgets={CHECKOUT: Decimal(1)})
    assert Rule.BUDGET in {one.alert.rule for one in observe(measured, with_month, own, lifecycle="production")}
    everybody = Rules(budget=BudgetSettings(monthly_budget=Decimal(1)))
    assert seen(Rule.BUDGET, measured, with_month, rules=everybody).found


def test_unmeasured_needs_a_measurement_before() -> None:
    failed = make_measurement(reason="ScaleOps answered with status 503")
    assert seen(Rule.UNMEASURED, failed).found
    assert is_clear(seen(Rule.UNMEASURED, failed, SweepHistory(measured_before=False)))
    assert is_clear(seen(Rule.UNMEASURED, make_measurement("checkout", make_point())))


def test_a_failed_component_is_unknown_to_every_other_rule() -> None:
    failed = make_measurement(reason="ScaleOps answered with status 503")
    for rule in (Rule.UNDER_PROVISIONED, Rule.OVER_PROVISIONED, Rule.COST_INCREASE):
        observation = seen(rule, failed, weeks(1, 1))
        assert (observation.verdict, observation.reason) == (Verdict.UNKNOWN, "ScaleOps answered with status 503")


def test_a_workload_of_a_lost_cluster_is_unknown() -> None:
    for rule in (Rule.UNDER_PROVISIONED, Rule.OVER_PROVISIONED):
        assert seen(rule, make_measurement("checkout", make_lost_point())).unknown == (str(make_key("api")),)


def test_a_first_sweep_says_so() -> None:
    starved = make_measurement("checkout", make_point(under_provisioned=True))
    assert seen(Rule.UNDER_PROVISIONED, starved, SweepHistory(measured_before=False)).first_sweep
    assert not seen(Rule.UNDER_PROVISIONED, starved).first_sweep


@pytest.mark.parametrize("reason", ["", "ScaleOps answered with status 503"])
def test_each_rule_observes_its_component_in_the_sweep_for_its_owner(reason: str) -> None:
    measured = make_measurement("checkout", *([] if reason else [make_point()]), reason=reason)
    history = replace(KNOWN, month=month_to_date([SeriesPoint.of_component(measured.snapshot)], until=SLOT))
    policy = replace(POLICY, monthly_budgets={CHECKOUT: Decimal(1)})
    observed = observe(measured, history, policy, lifecycle="production")

    assert {(one.alert.about, one.team, one.as_of) for one in observed} == {(CHECKOUT, PAYMENTS, SLOT)}
    assert {one.alert.rule for one in observed} == {
        Rule.UNDER_PROVISIONED,
        Rule.OVER_PROVISIONED,
        Rule.COST_INCREASE,
        Rule.UNMEASURED,
        Rule.BUDGET,
    }


def test_an_open_cost_increase_is_compared_with_what_was_usual_when_it_opened() -> None:
    measured = make_measurement("checkout", make_point(cost_7d=Decimal(250)))
    history = replace(weeks(250, 200), alerted_usual_cost_7d=Decimal(150))
    (found,) = seen(Rule.COST_INCREASE, measured, history).found
    assert found.figures == CostFigures(cost_7d=Decimal(250), usual_cost_7d=Decimal(150), weeks=2)


def test_the_settings_of_one_component_hold_for_it_alone() -> None:
    own = Rules(
        under_provisioned=UnderProvisionedSettings(page=PagingMode.NEVER),
        over_provisioned=OverProvisionedSettings(min_monthly_savings=Decimal(61)),
        budget=BudgetSettings(monthly_budget=Decimal(1)),
    )
    policy = replace(POLICY, component_rules={CHECKOUT: own})
    starved = make_point("db", under_provisioned=True, oom_kills_24h=3)

    def found_of(name: str) -> dict[Rule, list[PagingMode]]:
        observed = observe(make_measurement(name, WASTE, starved), KNOWN, policy, lifecycle="production")
        return {one.alert.rule: [finding.page for finding in one.found] for one in observed}

    assert found_of("checkout")[Rule.UNDER_PROVISIONED] == [PagingMode.NEVER]
    assert found_of("cart")[Rule.UNDER_PROVISIONED] == [PagingMode.WITH_EVIDENCE]
    assert (len(found_of("checkout")[Rule.OVER_PROVISIONED]), len(found_of("cart")[Rule.OVER_PROVISIONED])) == (0, 1)
    assert policy.monthly_budget_of(CHECKOUT) == 1
    assert policy.monthly_budget_of(make_ref("cart")) is None


def test_a_rule_can_be_disabled_for_one_component_only() -> None:
    off = Rules(over_provisioned=OverProvisionedSettings(enabled=False), cost_increase=CostIncreaseSettings(enabled=False))
    policy = replace(POLICY, component_rules={CHECKOUT: off})
    rules = {one.alert.rule for one in observe(make_measurement("checkout", make_point()), KNOWN, policy, lifecycle="production")}
    assert rules == {Rule.UNDER_PROVISIONED, Rule.UNMEASURED}
    elsewhere = make_measurement("cart", make_point())
    assert Rule.OVER_PROVISIONED in {one.alert.rule for one in observe(elsewhere, KNOWN, policy, lifecycle="production")}


def test_a_dedup_key_names_installation_rule_and_entity_and_never_grows_too_long() -> None:
    alert = AlertId(rule=Rule.UNDER_PROVISIONED, about=CHECKOUT)
    assert dedup_key_of(alert, "scaleops.example") == "scaleops.example:under-provisioned:component:default/checkout"
    just_fits = "x" * (255 - len(f":{alert}"))
    assert dedup_key_of(alert, just_fits) == f"{just_fits}:{alert}"
    assert len(dedup_key_of(alert, f"{just_fits}x")) == 64
    long = dedup_key_of(alert, "x" * 300)
    assert len(long) == 64
    assert long != dedup_key_of(alert, "y" * 300)
