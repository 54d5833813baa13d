"""What a finding, a notice and an event carry: every figure and reason that a message is written from."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from alerts.cost_rules import begin_of_open_alert, observe_budget, observe_cost_increase
from alerts.lifecycle import Notice, Paging, move, record, step
from alerts.observations import AlertId, Finding, RequestFigures, Severity
from alerts.policy import BudgetSettings, CostIncreaseSettings, OverProvisionedSettings, PagingMode, Rule, Rules
from alerts.rules import SweepHistory, observe
from alerts.states import Acknowledged, AlertState, Dismissed, NoticeKind, NotificationSent, OpenIncident, SlackPost
from domain.measures import Unknown
from domain.month_to_date import month_to_date
from domain.snapshots import SeriesPoint, WorkloadPoint
from tests.factories import CHECKOUT, PAYMENTS, SLOT, make_key, make_measurement, make_point
from tests.unit.alert_scenario import ALERT, POLICY, AlertScenario, clear, finding, met, sweep

HISTORY = SweepHistory(measured_before=True)
STORM = AlertId(rule=Rule.STORM, about=PAYMENTS)
FIRST_POST = SlackPost(target="C1", route="by default", root="root")
FIRST_PAGE = OpenIncident(target="f" * 16, route="by default", dedup_key=str(ALERT))
"""Where the scenario sends its notices."""
POST = SlackPost(target="C2", route="by annotation", root="other")
PAGE = OpenIncident(target="e" * 16, route="by annotation", dedup_key="key")
UNKNOWN = Unknown("ScaleOps left it out")


def found_by(rule: Rule, point: WorkloadPoint, *, rules: Rules | None = None) -> Finding:
    policy = replace(POLICY, rules=rules or Rules())
    observed = observe(make_measurement("checkout", point), HISTORY, policy, lifecycle="production")
    ((found,),) = (one.found for one in observed if one.alert.rule is rule)
    return found


def test_a_finding_of_danger_has_the_figures_of_its_workload() -> None:
    point = make_point(under_provisioned=True, oom_kills_24h=3, memory_recommended_bytes=3.0 * 2**30)

    assert found_by(Rule.UNDER_PROVISIONED, point) == Finding(
        subject=str(make_key("api")),
        workload=make_key("api"),
        severity=Severity.CRITICAL,
        amount=Decimal(3),
        has_evidence=True,
        page=PagingMode.WITH_EVIDENCE,
        figures=RequestFigures(
            cpu_request_millicores=1000.0,
            cpu_recommended_millicores=400.0,
            memory_request_bytes=2.0 * 2**30,
            memory_recommended_bytes=3.0 * 2**30,
            keeps_memory=False,
            oom_kills_24h=3,
            savings_available_per_month=Decimal(0),
            cost_7d=Decimal(35),
        ),
    )


def test_a_finding_of_savings_has_the_figures_of_its_workload() -> None:
    point = make_point(over_provisioned=True, savings_available_per_month=Decimal(90))
    rules = Rules(over_provisioned=OverProvisionedSettings(page=PagingMode.ALWAYS))

    assert found_by(Rule.OVER_PROVISIONED, point, rules=rules) == Finding(
        subject=str(make_key("api")),
        workload=make_key("api"),
        amount=Decimal(90),
        page=PagingMode.ALWAYS,
        figures=RequestFigures(
            cpu_request_millicores=1000.0,
            cpu_recommended_millicores=400.0,
            memory_request_bytes=2.0 * 2**30,
            memory_recommended_bytes=1.0 * 2**30,
            keeps_memory=False,
            oom_kills_24h=0,
            savings_available_per_month=Decimal(90),
            cost_7d=Decimal(35),
        ),
    )


@pytest.mark.parametrize(
    ("measure", "figure"),
    [
        ("cpu_request_millicores", "cpu_request_millicores"),
        ("cpu_recommended_millicores", "cpu_recommended_millicores"),
        ("memory_request_bytes", "memory_request_bytes"),
        ("memory_recommended_bytes", "memory_recommended_bytes"),
        ("oom_kills_24h", "oom_kills_24h"),
        ("savings_available_per_month", "savings_available_per_month"),
        ("cost_7d", "cost_7d"),
    ],
)
def test_an_unknown_figure_is_none(measure: str, figure: str) -> None:
    unknown: dict[str, Any] = {measure: UNKNOWN}
    raised = 3.0 * 2**30  # no reason to keep its memory
    figures = found_by(
        Rule.UNDER_PROVISIONED, make_point(**{"under_provisioned": True, "memory_recommended_bytes": raised} | unknown)
    ).figures

    assert isinstance(figures, RequestFigures)
    assert getattr(figures, figure) is None
    assert [name for name in figures.__slots__ if getattr(figures, name) is None] == [figure]


def test_after_an_oom_kill_a_finding_advises_no_less_memory() -> None:
    figures = found_by(Rule.UNDER_PROVISIONED, make_point(under_provisioned=True, oom_kills_24h=1)).figures

    assert isinstance(figures, RequestFigures)
    assert (figures.keeps_memory, figures.memory_recommended_bytes) == (True, 2.0 * 2**30)


def test_what_cannot_be_compared_says_why() -> None:
    unknown = make_measurement("checkout", make_point(cost_7d=UNKNOWN)).snapshot
    observed = observe_cost_increase(unknown, (Decimal(1), Decimal(1)), CostIncreaseSettings(), alerted_usual_cost_7d=None)
    few = observe_cost_increase(
        make_measurement("checkout", make_point()).snapshot, (Decimal(1),), CostIncreaseSettings(), alerted_usual_cost_7d=None
    )
    half = make_measurement("checkout", make_point(cost_7d=Decimal(100)), make_point("worker", cost_7d=UNKNOWN)).snapshot
    incomplete = observe_cost_increase(half, (Decimal(200), Decimal(200)), CostIncreaseSettings(), alerted_usual_cost_7d=None)

    assert observed.reason == "ScaleOps left it out"
    assert few.reason == "there are too few weeks to compare with"
    assert incomplete.reason == "the cost of 1 of 2 workloads is not known"


@pytest.mark.parametrize(("cost", "is_found"), [("250.00", True), ("249.99", False)])
def test_an_increase_of_exactly_both_minimums_counts(cost: str, *, is_found: bool) -> None:
    settings = CostIncreaseSettings(min_increase=Decimal(50), min_ratio=Decimal("0.25"))
    snapshot = make_measurement("checkout", make_point(cost_7d=Decimal(cost))).snapshot
    observed = observe_cost_increase(snapshot, (Decimal(200), Decimal(200)), settings, alerted_usual_cost_7d=None)

    assert bool(observed.found) is is_found


def test_a_budget_alert_ends_with_its_month_and_names_both() -> None:
    today = SeriesPoint.of_component(make_measurement("checkout", make_point()).snapshot)
    month = month_to_date([today], until=SLOT)
    observed = observe_budget(
        about=CHECKOUT,
        team=PAYMENTS,
        today=today,
        month=month,
        monthly_budget=Decimal(1),
        alerted_since=datetime(2026, 10, 30, tzinfo=timezone.utc),
    )

    assert (observed.alert, observed.team, observed.as_of) == (AlertId(rule=Rule.BUDGET, about=CHECKOUT), PAYMENTS, SLOT)
    assert observed.reason == "October 2026 is over. The budget of November is checked on its own."


def test_a_budget_of_a_component_knows_since_when_its_alert_is_open() -> None:
    measured = make_measurement("checkout", make_point())
    month = month_to_date([SeriesPoint.of_component(measured.snapshot)], until=SLOT)
    policy = replace(POLICY, monthly_budgets={CHECKOUT: Decimal(1)})
    reasons = {
        since: one.reason
        for since in (None, SLOT - timedelta(days=40))
        for one in observe(measured, replace(HISTORY, month=month, budget_alerted_since=since), policy, lifecycle="production")
        if one.alert.rule is Rule.BUDGET
    }

    assert reasons == {None: "", SLOT - timedelta(days=40): "October 2026 is over. The budget of November is checked on its own."}


@pytest.mark.parametrize("page", [PagingMode.NEVER, PagingMode.ALWAYS])
def test_a_budget_pages_as_its_rule_says(page: PagingMode) -> None:
    measured = make_measurement("checkout", make_point())
    month = month_to_date([SeriesPoint.of_component(measured.snapshot)], until=SLOT)
    rules = Rules(budget=BudgetSettings(monthly_budget=Decimal(1), page=page))
    policy = replace(POLICY, rules=rules)
    for lifecycle, expected in (("production", page), ("experimental", PagingMode.NEVER)):
        observed = observe(measured, replace(HISTORY, month=month, measured_before=False), policy, lifecycle=lifecycle)
        (budget,) = (one for one in observed if one.alert.rule is Rule.BUDGET)
        assert [found.page for found in budget.found] == [expected]
        assert (budget.team, budget.as_of, budget.first_sweep) == (PAYMENTS, SLOT, True)


def test_a_budget_is_not_judged_without_a_month() -> None:
    rules = Rules(budget=BudgetSettings(monthly_budget=Decimal(1)))
    observed = observe(make_measurement("checkout", make_point()), HISTORY, replace(POLICY, rules=rules), lifecycle="production")

    assert Rule.BUDGET not in {one.alert.rule for one in observed}


def test_an_alert_begins_with_its_incident_or_the_sweep_that_may_open_it() -> None:
    alert = AlertScenario()
    assert begin_of_open_alert(None) is None
    assert begin_of_open_alert(alert.state) is None
    alert.observe(met(0, finding(kills=0)))
    assert begin_of_open_alert(alert.state) == sweep(0)
    alert.observe(met(1, finding(kills=0)), clear(2))
    assert alert.state.streaks == ()
    assert begin_of_open_alert(alert.state) == sweep(1)


def notice_of(alert: AlertScenario) -> Notice:
    return alert.notices[-1]


def sent(notice: Notice, **changes: Any) -> NotificationSent:
    return replace(record(notice, now=notice.as_of, post=POST, page=PAGE), **changes)


def opened() -> AlertScenario:
    alert = AlertScenario()
    alert.observe(met(0))
    return alert


def test_the_event_of_a_notice_has_what_it_said_and_where_it_went() -> None:
    notice = notice_of(opened())
    now = sweep(0) + timedelta(minutes=7)
    event = record(notice, now=now, post=POST, page=PAGE)

    assert (event.at, event.as_of, event.notice, event.reason) == (now, sweep(0), NoticeKind.OPENED, "Seen in this check.")
    assert (event.extent.subjects, event.extent.severity, event.extent.amount) == (
        (str(make_key("api")),),
        Severity.ERROR,
        Decimal(1),
    )
    assert event.paged == event.extent
    assert (event.post, event.page, event.storm) == (POST, PAGE, None)
    assert record(replace(notice, paging_findings=()), now=now, post=None, page=None, storm=STORM).storm == STORM


def test_an_incident_that_moves_says_why_and_may_page_elsewhere() -> None:
    alert = opened()
    now = sweep(1)
    event = move(notice_of(alert), now=now)
    alert.apply(event)

    assert (event.notice, event.at, event.post, event.page) == (NoticeKind.MOVED, now, None, None)
    assert event.reason == (
        "Pages about this now go to another PagerDuty service: the incident is resolved here and opened there."
    )
    last = last_of(alert.state)
    assert (last.page, last.post) == (None, FIRST_POST)


def last_of(state: AlertState) -> Any:
    assert state.incident is not None
    assert state.incident.last_notification is not None
    return state.incident.last_notification


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"posted_as_of": sweep(2), "paged_as_of": sweep(2), "post": POST, "page": PAGE, "storm": None}),
        ({"post": None}, {"posted_as_of": sweep(0), "paged_as_of": sweep(2), "post": FIRST_POST, "page": PAGE}),
        ({"page": None}, {"posted_as_of": sweep(2), "paged_as_of": sweep(0), "post": POST, "page": FIRST_PAGE}),
        ({"storm": STORM}, {"storm": STORM}),
    ],
)
def test_a_later_notice_replaces_only_what_it_did(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    alert = opened()
    paged = last_of(alert.state).paged
    alert.apply(sent(replace(notice_of(alert), as_of=sweep(2)), **{"paged": None} | changes))
    last = last_of(alert.state)

    assert {name: getattr(last, name) for name in expected} == expected
    assert (last.at, last.paged) == (sweep(2), paged)


def test_a_storm_is_remembered_until_the_end() -> None:
    alert = opened()
    alert.apply(sent(notice_of(alert), storm=STORM))
    alert.apply(sent(notice_of(alert), post=None))

    assert last_of(alert.state).storm == STORM


def test_a_change_ends_a_dismissal_and_a_repeat_does_not() -> None:
    alert = opened()
    dismissed = Dismissed(at=sweep(0) + timedelta(hours=1), by="ann", reason="known")
    alert.apply(dismissed)
    alert.apply(sent(replace(notice_of(alert), kind=NoticeKind.REPEATED)))
    assert alert.state.incident is not None
    assert alert.state.incident.dismissed == dismissed
    (changed,) = alert.observe(met(1, finding(), finding("worker")))

    assert (changed.kind, changed.dismissed) == (NoticeKind.CHANGED, None)
    assert alert.state.incident is not None
    assert alert.state.incident.dismissed is None


def test_an_end_is_posted_only_if_the_alert_was() -> None:
    quiet = AlertScenario()
    quiet.state = step(quiet.state, met(0), sweep(0), POLICY).state
    opening = replace(notice_of(opened()), posts=False)
    quiet.apply(record(opening, now=sweep(0), post=None, page=PAGE))
    (over,) = quiet.observe(clear(1), clear(2))
    (loud,) = opened().observe(clear(1), clear(2))

    assert (over.kind, over.posts, over.paging) == (NoticeKind.RESOLVED, False, Paging.RESOLVE)
    assert (loud.kind, loud.posts) == (NoticeKind.RESOLVED, True)


@pytest.mark.parametrize(("hours", "has_evidence", "severity"), [(23, True, Severity.CRITICAL), (24, False, Severity.ERROR)])
def test_evidence_counts_for_a_day(hours: int, severity: Severity, *, has_evidence: bool) -> None:
    alert = AlertScenario()
    alert.observe(met(0, finding(kills=3, page=PagingMode.ALWAYS)))
    (streak,) = alert.state.streaks
    found = streak.paging_finding(sweep(0) + timedelta(hours=hours))

    assert found is not None
    assert (found.has_evidence, found.severity) == (has_evidence, severity)


def test_a_notice_shows_who_acknowledged() -> None:
    alert = opened()
    acknowledged = Acknowledged(at=sweep(0) + timedelta(hours=1), by="ann", note="on it")
    alert.apply(acknowledged)
    (changed,) = alert.observe(met(1, finding(), finding("worker")))

    assert changed.acknowledged == acknowledged
    assert changed.kind is NoticeKind.CHANGED
