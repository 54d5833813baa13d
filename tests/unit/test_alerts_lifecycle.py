"""The state machine of one alert, by examples; `test_alerts_properties` has what always holds."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from alerts.folding import apply
from alerts.lifecycle import Paging, record, step
from alerts.observations import (
    AlertId,
    BudgetFigures,
    CostFigures,
    Figures,
    Finding,
    InvalidAlertId,
    MemberFigures,
    Observation,
    Severity,
)
from alerts.policy import PagingMode, Rule, Rules, UnderProvisionedSettings
from alerts.states import Acknowledged, AlertState, Dismissed, NoticeKind, Phase, SlackPost, Snoozed, Streak
from tests.factories import PAYMENTS, SEARCH, make_key, make_ref
from tests.unit.alert_scenario import ALERT, POLICY, SLOT, AlertScenario, clear, finding, gone, met, sweep, unknown

MILD = finding(kills=0)


def opened(*findings: Finding) -> AlertScenario:
    alert = AlertScenario()
    alert.observe(met(0, *findings), met(1, *findings))
    return alert


def budget_of(monthly_budget: int) -> BudgetFigures:
    return BudgetFigures(
        month_to_date=Decimal(0), forecast=Decimal(0), monthly_budget=Decimal(monthly_budget), known_days=14, days=14
    )


def usual_of(usual_cost_7d: int) -> CostFigures:
    return CostFigures(cost_7d=Decimal(0), usual_cost_7d=Decimal(usual_cost_7d), weeks=4)


def resolved() -> AlertScenario:
    alert = opened()
    alert.observe(clear(2), clear(3))
    return alert


def kinds(alert: AlertScenario) -> list[NoticeKind]:
    return [notice.kind for notice in alert.notices]


def test_the_first_sweep_that_meets_the_condition_without_evidence_sends_nothing() -> None:
    alert = AlertScenario()
    assert alert.observe(met(0, MILD)) == ()
    assert (alert.state.phase, alert.state.team) == (Phase.PENDING, PAYMENTS)


def test_the_first_sweep_with_evidence_opens_and_pages() -> None:
    alert = opened()
    (notice,) = alert.notices
    assert notice.kind is NoticeKind.OPENED
    assert notice.paging is Paging.TRIGGER
    assert notice.is_new_page
    assert notice.severity is Severity.ERROR
    assert notice.since == sweep(0)
    assert notice.reason == "Seen in this check."
    assert alert.state.phase is Phase.FIRING
    assert alert.state.team == PAYMENTS


def test_without_evidence_it_goes_to_slack_only() -> None:
    alert = AlertScenario()
    (notice,) = alert.observe(met(0, finding(kills=0)), met(1, finding(kills=0)))
    assert notice.paging is Paging.NONE
    assert notice.posts


def test_always_paging_needs_no_evidence() -> None:
    always = finding(kills=0, page=PagingMode.ALWAYS)
    alert = AlertScenario()
    assert alert.observe(met(0, always), met(1, always))[0].paging is Paging.TRIGGER


def test_what_a_first_sweep_shows_pages_only_with_evidence() -> None:
    always = finding(kills=0, page=PagingMode.ALWAYS)
    alert = AlertScenario()
    (notice,) = alert.observe(met(0, always, first=True), met(1, always))
    assert notice.from_first_sweep
    assert notice.paging is Paging.NONE
    assert AlertScenario().observe(met(0, finding(kills=2), first=True))[0].paging is Paging.TRIGGER


def test_a_clear_sweep_between_restarts_the_count() -> None:
    alert = AlertScenario()
    alert.observe(met(0, MILD))
    alert.observe(clear(1))
    assert alert.state.phase is Phase.QUIET
    assert alert.observe(met(2, MILD)) == ()
    assert alert.observe(met(3, MILD))[0].kind is NoticeKind.OPENED


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ([met(0, MILD), unknown(1)], met(2, MILD)),  # an unknown sweep neither counts nor resets
        ([met(0, MILD), met(4.5, MILD)], met(8.5, MILD)),  # more than a day apart the count restarts
        ([met(0, MILD)], met(4, MILD)),  # exactly a day apart is still consecutive
    ],
)
def test_two_consecutive_measured_sweeps_open_it(before: list[Observation], last: Observation) -> None:
    alert = AlertScenario()
    assert [alert.observe(observation) for observation in before] == [()] * len(before)
    assert alert.observe(last)[0].kind is NoticeKind.OPENED


def test_it_resolves_after_two_measured_sweeps_in_a_row_that_find_nothing() -> None:
    alert = opened(finding(kills=3))
    assert alert.observe(clear(2)) == ()
    assert alert.state.phase is Phase.RESOLVING
    (notice,) = alert.observe(clear(3))
    assert notice.kind is NoticeKind.RESOLVED
    assert (notice.severity, notice.findings) == (Severity.CRITICAL, ()), "of the incident that ended"
    assert notice.seen_as_of == sweep(3)
    assert notice.paging is Paging.RESOLVE
    assert notice.last_notification is not None
    assert notice.last_notification.page is not None
    assert notice.last_notification.page.dedup_key == str(ALERT)
    assert notice.open_incident == notice.last_notification.page
    assert alert.state.streaks == ()
    assert not alert.state.is_open


def test_an_alert_that_never_paged_resolves_no_page() -> None:
    alert = opened(finding(kills=0))
    assert alert.observe(clear(2), clear(3))[0].paging is Paging.NONE


def test_clear_met_clear_is_not_two_in_a_row() -> None:
    alert = opened()
    assert alert.observe(clear(2), met(3), clear(4)) == ()
    assert alert.observe(clear(5))[0].kind is NoticeKind.RESOLVED


def test_a_sweep_that_meets_it_again_restarts_the_count_of_clear_sweeps() -> None:
    alert = AlertScenario()
    alert.observe(met(1), clear(2))
    assert alert.state.incident is not None
    assert (alert.state.incident.clear_sweeps, alert.state.incident.cleared_as_of) == (1, sweep(2))
    alert.observe(met(3))
    assert alert.state.incident is not None
    assert (alert.state.incident.clear_sweeps, alert.state.incident.cleared_as_of) == (0, None)


def test_a_lost_cluster_resolves_nothing() -> None:
    alert = opened()
    alert.observe(*(clear(number, unknown=(str(make_key("api")),)) for number in range(2, 12)))
    assert alert.state.phase is Phase.FIRING
    assert NoticeKind.RESOLVED not in kinds(alert)


def test_an_unknown_workload_keeps_it_open_though_the_others_are_clear() -> None:
    alert = opened()
    alert.observe(met(2, finding("api"), finding("worker")))
    alert.observe(met(3, finding("api"), finding("worker")))
    for number in (4, 5):
        assert alert.observe(clear(number, unknown=(str(make_key("worker")),))) == ()
    assert alert.state.is_open


def test_unknown_sweeps_never_resolve() -> None:
    alert = opened()
    for number in range(2, 4):
        assert alert.observe(unknown(number)) == ()
    assert alert.state.phase is Phase.FIRING


def test_unchanged_it_is_sent_once_in_ten_sweeps_except_the_daily_page() -> None:
    alert = AlertScenario()
    alert.observe(*(met(number) for number in range(10)))
    assert kinds(alert) == [NoticeKind.OPENED, NoticeKind.REPEATED, NoticeKind.REPEATED]
    opening, first, second = alert.notices
    assert (first.as_of - opening.as_of, second.as_of - first.as_of) == (timedelta(days=1), timedelta(days=1))
    assert (first.posts, first.paging) == (False, Paging.TRIGGER)


@pytest.mark.parametrize(("rule", "repeats"), [(Rule.UNDER_PROVISIONED, 0), (Rule.COST_INCREASE, 0), (Rule.UNMEASURED, 1)])
def test_what_the_weekly_report_lists_is_posted_to_slack_once(rule: Rule, repeats: int) -> None:
    about = AlertId(rule=rule, about=ALERT.about)
    alert = AlertScenario(about)
    alert.observe(*(replace(met(number, finding(kills=0)), alert=about) for number in range(1 + 28 * 2)))
    assert kinds(alert) == [NoticeKind.OPENED, *[NoticeKind.REPEATED] * repeats]


def test_a_workload_that_joins_is_a_change_and_one_that_returns_is_not() -> None:
    alert = opened()
    both = finding("api"), finding("worker")
    (notice,) = alert.observe(met(2, *both))
    assert notice.kind is NoticeKind.CHANGED
    assert notice.reason == "east/shop/Deployment/worker joined."
    assert not notice.is_new_page
    alert.observe(met(3, finding("api")))
    assert alert.observe(met(4, *both)) == ()
    (more,) = alert.observe(met(5, *both, finding("a"), finding("b"), finding("c")))
    assert more.reason == "east/shop/Deployment/a and 2 more joined."
    (two,) = opened().observe(met(2, finding("api"), finding("x"), finding("y")))
    assert two.reason == "east/shop/Deployment/x and 1 more joined."


def test_a_storm_counts_the_alerts_that_join_it() -> None:
    def member(number: int) -> Finding:
        name = f"c{number}"
        figures = MemberFigures(alert=AlertId(rule=Rule.UNDER_PROVISIONED, about=make_ref(name)), workloads=1)
        return replace(finding(), subject=name, workload=None, page=PagingMode.ALWAYS, figures=figures)

    alert = AlertScenario(AlertId(rule=Rule.STORM, about=PAYMENTS))
    first, one_more, two_more = (replace(met(0, *map(member, range(many))), alert=alert.state.alert) for many in (6, 7, 9))
    alert.observe(first)
    assert [one.reason for one in alert.observe(replace(one_more, as_of=sweep(1)))] == ["1 more alert joined."]
    assert [one.reason for one in alert.observe(replace(two_more, as_of=sweep(2)))] == ["2 more alerts joined."]


def test_a_workload_that_becomes_dangerous_is_a_reason_to_page() -> None:
    alert = opened(MILD)
    (notice,) = alert.observe(met(2, replace(MILD, has_evidence=True)))
    assert (notice.paging, notice.reason) == (Paging.TRIGGER, "It has become a reason to page.")


@pytest.mark.parametrize(
    ("before", "now", "has_grown"),
    [((1,), (2,), True), ((1, 1), (1, 2), True), ((2,), (3,), True), ((3,), (4,), False), ((0,), (5,), False)],
)
def test_half_as_much_again_is_a_change(before: tuple[int, ...], now: tuple[int, ...], *, has_grown: bool) -> None:
    def found(amounts: tuple[int, ...]) -> list[Finding]:
        return [finding(f"w{at}", kills=0, amount=amount) for at, amount in enumerate(amounts)]

    notices = opened(*found(before)).observe(met(2, *found(now)))
    assert [one.reason for one in notices] == (["It grew by half or more since the last notification."] if has_grown else [])


def test_slack_is_reminded_without_a_page_that_is_not_due() -> None:
    settings = UnderProvisionedSettings(slack_repeat_after=timedelta(hours=12))
    alert = AlertScenario(policy=replace(POLICY, rules=Rules(under_provisioned=settings)))
    alert.observe(met(0), met(1))
    (reminder,) = alert.observe(met(2))
    assert (reminder.kind, reminder.posts, reminder.paging) == (NoticeKind.REPEATED, True, Paging.NONE)
    assert alert.observe(met(3), clear(4)) == (), "it is clear"


def test_a_snooze_that_ended_before_the_last_notice_is_not_named_again() -> None:
    alert = opened()
    sent = alert.state.last_notification
    assert sent is not None
    alert.apply(Snoozed(at=sweep(0), by="ann", until=sent.at))
    (repeated,) = alert.observe(met(4))
    assert repeated.reason == "Still open. It has not been acknowledged."


def test_a_higher_severity_is_a_change_and_may_open_the_page() -> None:
    alert = opened(finding(kills=0))
    (notice,) = alert.observe(met(2, finding(kills=3)))
    assert notice.kind is NoticeKind.CHANGED
    assert notice.reason == "It rose from warning to critical."
    assert notice.is_new_page


def test_an_amount_that_grows_by_half_is_a_change() -> None:
    alert = AlertScenario()
    saving = [finding(kills=0, amount=amount) for amount in (100, 149, 150)]
    assert alert.observe(met(0, saving[0]), met(1, saving[0]), met(2, saving[1])) == ()
    (notice,) = alert.observe(met(3, saving[2]))
    assert notice.reason == "It grew by half or more since the last notification."
    assert notice.amount == Decimal(150)


@pytest.mark.parametrize(
    ("figures", "before", "after", "is_change"),
    [
        pytest.param(budget_of(3400), 5, 28, False, id="less than 2 % of the budget"),
        pytest.param(budget_of(3400), 5, 72, False, id="still less than 2 % more"),
        pytest.param(budget_of(3400), 5, 73, True, id="2 % of the budget"),
        pytest.param(budget_of(3400), 200, 299, False, id="less than half"),
        pytest.param(budget_of(100), 5, 14, False, id="less than 10 units of a small budget"),
        pytest.param(budget_of(100), 5, 15, True, id="10 units of a small budget"),
        pytest.param(usual_of(1000), 30, 49, False, id="less than 2 % of the usual cost"),
        pytest.param(usual_of(1000), 30, 50, True, id="2 % of the usual cost"),
    ],
)
def test_an_amount_of_money_has_not_grown_within_the_noise_floor(
    *, figures: Figures, before: int, after: int, is_change: bool
) -> None:
    small, large = (Finding(amount=Decimal(amount), figures=figures) for amount in (before, after))
    alert = opened(small)
    assert [notice.reason for notice in alert.observe(met(2, large))] == [
        "It grew by half or more since the last notification."
    ] * is_change


def test_a_page_repeated_while_unmeasured_says_when_it_was_last_measured() -> None:
    alert = opened()
    sent = [notice for number in range(2, 8) for notice in alert.observe(unknown(number))]
    (repeated,) = sent
    assert (repeated.kind, repeated.paging) == (NoticeKind.REPEATED, Paging.TRIGGER)
    assert repeated.reason == (
        f"Still open when last measured, {sweep(1):%Y-%m-%d %H:%M} UTC; not measured since. It has not been acknowledged."
    )
    assert (repeated.as_of, repeated.seen_as_of) == (sweep(4), sweep(1))
    (again,) = alert.observe(met(8))
    assert again.reason == "Still open. It has not been acknowledged."
    assert again.seen_as_of == again.as_of == sweep(8)


def test_acknowledging_stops_repeats_but_not_changes_or_the_resolve() -> None:
    alert = opened()
    alert.apply(Acknowledged(at=sweep(1), by="ana"))
    alert.observe(*(met(number) for number in range(2, 20)))
    assert kinds(alert) == [NoticeKind.OPENED]
    assert alert.observe(met(20, finding(kills=3)))[0].kind is NoticeKind.CHANGED
    assert alert.observe(clear(21), clear(22))[0].kind is NoticeKind.RESOLVED


def test_an_acknowledgement_ends_with_its_incident() -> None:
    alert = opened()
    alert.apply(Acknowledged(at=sweep(1), by="ana"))
    alert.observe(clear(2), clear(3), *(met(number) for number in range(10, 16)))
    assert kinds(alert)[-2:] == [NoticeKind.OPENED, NoticeKind.REPEATED]


def test_a_snoozed_alert_sends_nothing_until_the_snooze_ends_and_then_says_so() -> None:
    alert = opened()
    alert.apply(Snoozed(at=sweep(1), by="ana", until=sweep(9)))
    for number in range(2, 9):
        assert alert.observe(met(number, finding(kills=4))) == ()
    (notice,) = alert.observe(met(9, finding(kills=1)))
    assert (notice.kind, notice.reason) == (NoticeKind.REPEATED, "ana's snooze ended. Still open.")
    assert alert.observe(met(10)) == ()


def test_a_snoozed_alert_still_resolves() -> None:
    alert = opened()
    alert.apply(Snoozed(at=sweep(1), by="ana", until=sweep(90)))
    assert alert.observe(clear(2), clear(3))[0].kind is NoticeKind.RESOLVED


def test_returning_within_a_day_of_resolving_needs_four_sweeps_and_says_so() -> None:
    alert = resolved()
    for number in (4, 5, 6):
        assert alert.observe(met(number)) == ()
    (notice,) = alert.observe(met(7))
    assert notice.kind is NoticeKind.REOPENED
    assert "flapping" in notice.reason
    assert notice.is_new_page


def test_returning_later_is_an_opening_like_the_first() -> None:
    alert = resolved()
    alert.observe(met(8, MILD))
    assert alert.observe(met(9, MILD))[0].kind is NoticeKind.OPENED
    assert resolved().observe(met(8))[0].kind is NoticeKind.OPENED


def test_leaving_the_catalog_closes_with_that_reason() -> None:
    alert = opened()
    (notice,) = alert.observe(gone(2))
    assert (notice.kind, notice.reason) == (NoticeKind.CLOSED, "The component left the catalog.")
    assert notice.paging is Paging.RESOLVE
    assert alert.state.phase is Phase.QUIET


def test_leaving_the_catalog_while_pending_sends_nothing() -> None:
    alert = AlertScenario()
    alert.observe(met(0, MILD))
    assert alert.observe(gone(1)) == ()
    assert alert.state.phase is Phase.QUIET


def test_a_page_without_a_route_is_not_a_change_every_sweep() -> None:
    alert = opened()
    assert alert.state.incident is not None
    assert alert.state.incident.last_notification is not None
    homeless = replace(alert.state.incident.last_notification, page=None)
    alert.state = replace(alert.state, incident=replace(alert.state.incident, last_notification=homeless))
    assert alert.observe(met(2)) == ()


def dismiss(alert: AlertScenario, number: float) -> None:
    alert.apply(Dismissed(at=sweep(number), by="ann", reason="known"))


def test_a_dismissal_covers_what_joined_during_a_snooze() -> None:
    api, db, worker = (finding(name, kills=0) for name in ("api", "db", "worker"))
    alert = opened(api)
    alert.apply(Snoozed(at=sweep(1), by="ann", until=sweep(4)))
    alert.observe(met(2, api, db), met(3, api, db))
    dismiss(alert, 3)
    assert alert.observe(met(5, api, db), met(6, api, db, worker)) == ()
    assert [one.reason for one in alert.observe(met(7, api, db, worker))] == [f"{worker.subject} joined."]


def test_what_comes_back_after_a_dismissal_is_no_change() -> None:
    alert = opened(finding("api"), finding("db"))
    alert.observe(met(2, finding("api")))
    dismiss(alert, 2)
    assert alert.observe(met(3, finding("api"), finding("db"))) == ()


def test_after_a_dismissal_only_growth_beyond_the_largest_amount_so_far_is_a_change() -> None:
    alert = opened(finding(kills=0, amount=100), finding("db", kills=0, amount=100))
    alert.observe(met(2, finding(kills=0, amount=20), finding("db", kills=0, amount=20)))
    dismiss(alert, 2)
    assert alert.observe(met(3, finding(kills=0, amount=90), finding("db", kills=0, amount=90))) == ()
    assert alert.observe(met(4, finding(kills=0, amount=150), finding("db", kills=0, amount=150)))


def test_a_dismissal_counts_growth_from_the_amount_that_was_dismissed() -> None:
    alert = opened(finding(kills=0, amount=100))
    alert.apply(Snoozed(at=sweep(1), by="ann", until=sweep(3)))
    alert.observe(met(2, finding(kills=0, amount=200)))
    dismiss(alert, 2)
    assert alert.observe(met(4, finding(kills=0, amount=299))) == ()
    assert [one.reason for one in alert.observe(met(5, finding(kills=0, amount=300)))] == [
        "It grew by half or more since the last notification."
    ]


def test_an_alert_is_as_severe_as_the_worst_of_its_workloads() -> None:
    assert opened(finding("api"), finding("db", kills=3)).state.severity is Severity.CRITICAL
    assert opened(MILD).state.severity is Severity.WARNING


def test_a_component_that_left_the_catalog_ends_its_alert_for_its_last_owner() -> None:
    (notice,) = opened().observe(replace(gone(2), team=SEARCH))
    assert (notice.kind, notice.team) == (NoticeKind.CLOSED, SEARCH)


def test_what_is_recorded_of_an_alert_that_is_not_open_opens_nothing() -> None:
    sent = record(opened().notices[0], now=sweep(0), post=None, page=None)
    for event in (sent, Acknowledged(at=sweep(0), by="ann"), Snoozed(at=sweep(0), by="ann", until=sweep(9))):
        assert apply(AlertState(alert=ALERT), event) == AlertState(alert=ALERT, events=1)


def test_a_full_sweep_that_ends_after_a_later_watch_sweep_cleared_changes_nothing() -> None:
    alert = opened()
    alert.observe(clear(3))
    events = len(alert.events)
    assert alert.observe(met(2.5)) == ()
    assert (len(alert.events), alert.state.phase) == (events, Phase.RESOLVING)


def test_a_notice_names_what_the_newest_sweep_could_not_decide() -> None:
    alert = opened()
    (first,) = alert.observe(met(2, finding("api"), finding("db"), unknown=("east/shop/Deployment/x",)))
    (second,) = alert.observe(met(3, finding("api"), finding("db"), finding("worker")))
    assert (first.unknown, second.unknown) == (("east/shop/Deployment/x",), ())


def test_the_end_of_an_incident_says_what_a_person_did_about_it() -> None:
    alert = opened()
    snoozed = Snoozed(at=sweep(1), by="ann", until=sweep(9))
    dismissed = Dismissed(at=sweep(1), by="bob", reason="known")
    alert.apply(snoozed)
    alert.apply(dismissed)
    (ended,) = alert.observe(clear(2), clear(3))
    assert (ended.snoozed, ended.dismissed) == (snoozed, dismissed)


def test_an_alert_that_clears_before_it_was_notified_is_never_notified() -> None:
    state = AlertState(alert=ALERT)
    for shown, is_due in ((met(0), True), (clear(1), False), (met(2), True), (clear(3), False), (clear(4), False)):
        stepped = step(state, shown, shown.as_of, POLICY)
        assert bool(stepped.notices) is is_due
        state = stepped.state
    assert state.phase is Phase.QUIET


def test_a_condition_that_held_says_for_how_many_checks() -> None:
    (notice,) = opened(MILD).notices
    assert notice.reason == "Seen in 2 consecutive checks."


def test_the_opening_names_what_could_not_be_decided() -> None:
    (notice,) = AlertScenario().observe(met(0, unknown=("east/shop/Deployment/x",)))
    assert notice.unknown == ("east/shop/Deployment/x",)


def test_an_open_alert_whose_workload_is_unknown_is_repeated_and_says_so() -> None:
    alert, subject = opened(), str(make_key("api"))
    (repeated,) = alert.observe(*(clear(number, unknown=(subject,)) for number in (2, 3, 4)))
    assert (repeated.kind, repeated.unknown) == (NoticeKind.REPEATED, (subject,))
    (ended,) = alert.observe(clear(5), clear(6))
    assert (ended.kind, ended.unknown) == (NoticeKind.RESOLVED, ())


def test_an_alert_that_is_clear_is_not_repeated() -> None:
    alert = opened()
    assert alert.observe(met(2), met(3), clear(4)) == ()


@pytest.mark.parametrize(("second", "is_resolved"), [(6, True), (6.1, False)])
def test_sweeps_up_to_a_day_apart_are_consecutive(second: float, *, is_resolved: bool) -> None:
    alert = opened()
    assert bool(alert.observe(clear(2), clear(second))) is is_resolved


def test_the_settings_of_a_component_decide_when_it_opens() -> None:
    own = Rules(under_provisioned=UnderProvisionedSettings(for_sweeps=1))
    alert = AlertScenario(policy=replace(POLICY, component_rules={ALERT.about: own}))
    assert [notice.kind for notice in alert.observe(met(0, MILD))] == [NoticeKind.OPENED]


def test_what_changes_without_danger_pages_nobody() -> None:
    (notice,) = opened(finding(kills=3)).observe(
        met(2, finding(kills=3), mild := finding("db", kills=0)), met(3, finding(kills=3), mild)
    )
    assert (notice.kind, notice.posts, notice.paging) == (NoticeKind.CHANGED, True, Paging.NONE)


@pytest.mark.parametrize(
    ("before", "now", "by_watch", "by_full"),
    [
        pytest.param([finding()], [finding(), finding("db")], [], [Paging.TRIGGER], id="more danger of a page"),
        pytest.param([MILD], [replace(MILD, has_evidence=True)], [Paging.TRIGGER], [Paging.TRIGGER], id="the first danger"),
        pytest.param([MILD], [MILD, finding("db", kills=0, amount=9)], [], [], id="no danger"),
    ],
)
def test_a_watch_sweep_pages_and_leaves_changes_to_the_full_sweep(
    before: list[Finding], now: list[Finding], by_watch: list[Paging], by_full: list[Paging]
) -> None:
    state = opened(*before).state
    shown = {is_watch: step(state, met(2, *now), sweep(2), POLICY, is_watch=is_watch).notices for is_watch in (True, False)}
    assert [one.paging for one in shown[True]] == by_watch
    assert [one.paging for one in shown[False]] == by_full


def test_what_came_back_must_hold_for_three_intervals_of_full_sweeps_whatever_watch_sweeps_see() -> None:
    alert = AlertScenario(policy=replace(POLICY, full_sweep_every=SLOT))
    alert.observe(met(0), clear(1), clear(2), *(met(3 + number / 4) for number in range(20)))
    assert [(notice.kind, notice.as_of) for notice in alert.notices[2:3]] == [(NoticeKind.REOPENED, sweep(6))]


def test_old_evidence_is_no_danger_and_keeps_a_lower_severity() -> None:
    for severity, later in (
        (Severity.CRITICAL, Severity.ERROR),
        (Severity.ERROR, Severity.ERROR),
        (Severity.WARNING, Severity.WARNING),
    ):
        seen = replace(finding(kills=3, page=PagingMode.ALWAYS), severity=severity)
        streak = Streak(finding=seen, count=2, since=sweep(0), last=sweep(0), from_first_sweep=False, is_confirmed=True)
        assert streak.paging_finding(sweep(3)) == seen
        assert streak.paging_finding(sweep(4)) == replace(seen, severity=later, has_evidence=False)


def test_nothing_was_sent_about_an_alert_that_is_not_open() -> None:
    assert AlertState(alert=ALERT).last_notification is None


def test_an_observation_without_effect_leaves_no_event() -> None:
    alert = AlertScenario()
    alert.observe(clear(0), unknown(1))
    assert alert.events == []


def test_one_sweep_is_enough_where_the_rule_says_so() -> None:
    alert = AlertScenario(policy=replace(POLICY, rules=Rules(under_provisioned=UnderProvisionedSettings(for_sweeps=1))))
    (notice,) = alert.observe(met(0))
    assert notice.reason == "Seen in this check."


def test_an_alert_is_named_by_rule_and_entity() -> None:
    assert AlertId.parse(str(ALERT)) == ALERT
    with pytest.raises(InvalidAlertId) as raised:
        AlertId.parse("checkout")
    assert str(raised.value) == (
        "'checkout' is not an alert id; write RULE:ENTITY, for example under-provisioned:component:default/checkout "
        "(`scaleops-worker alerts list` shows them)"
    )
    assert timedelta(hours=6) == SLOT


def test_full_sweeps_reopen_after_as_many_of_them_whatever_their_interval() -> None:
    def reopened(full_sweep_every: timedelta) -> list[tuple[NoticeKind, datetime]]:
        alert = AlertScenario(policy=replace(POLICY, full_sweep_every=full_sweep_every))
        alert.observe(met(0), clear(1), clear(2), *map(met, range(3, 10)))
        return [(notice.kind, notice.as_of) for notice in alert.notices[2:3]]

    assert reopened(SLOT) == reopened(timedelta(0)) != []


def test_exactly_a_day_after_resolving_is_still_flapping() -> None:
    alert = resolved()
    for number in (7, 8, 9):
        assert alert.observe(met(number)) == ()
    assert alert.observe(met(10))[0].kind is NoticeKind.REOPENED


def test_clear_sweeps_more_than_a_day_apart_are_not_consecutive() -> None:
    alert = opened()
    assert alert.observe(clear(2), clear(7)) == ()
    assert alert.observe(clear(8))[0].kind is NoticeKind.RESOLVED


def test_an_incident_that_was_never_notified_ends_without_a_notice() -> None:
    unsent = step(AlertState(alert=ALERT), met(1), sweep(1), POLICY).state
    assert unsent.is_open
    ended = step(unsent, gone(2), sweep(2), POLICY)
    assert (ended.notices, ended.state.phase) == ((), Phase.QUIET)


def test_a_workload_that_was_named_once_is_not_a_change_after_a_notice_without_it() -> None:
    alert = opened()
    both = finding("api"), finding("worker")
    assert alert.observe(met(2, *both))[0].kind is NoticeKind.CHANGED
    assert alert.observe(met(4, finding("api", kills=3)))[0].kind is NoticeKind.CHANGED
    worst = finding("api", kills=3), finding("worker", kills=1)
    assert alert.observe(met(5, *worst), met(6, *worst)) == ()


def test_a_severity_that_falls_and_returns_is_not_a_change() -> None:
    alert = opened(finding(kills=3, amount=1))
    both = finding("api", kills=1, amount=1), finding("worker", kills=1, amount=0)
    assert alert.observe(met(2, *both))[0].severity is Severity.ERROR
    assert alert.observe(met(4, finding("api", kills=3, amount=1), both[1])) == ()


def test_a_snooze_ends_at_its_instant() -> None:
    alert = opened()
    alert.apply(Snoozed(at=sweep(1), by="ana", until=sweep(2)))
    assert alert.observe(met(2), now=sweep(2) - timedelta(seconds=1)) == ()
    assert alert.observe(met(3), now=sweep(2))[0].kind is NoticeKind.REPEATED


def in_a_storm() -> AlertScenario:
    alert = AlertScenario()
    stepped = step(alert.state, met(1), sweep(1), POLICY)
    calm = replace(stepped.notices[0], paging=Paging.NONE)
    post = SlackPost(target="C1", route="by default", root="the storm")
    storm = AlertId(rule=Rule.STORM, about=PAYMENTS)
    alert.state = apply(stepped.state, record(calm, now=sweep(1), post=post, page=None, storm=storm))
    return alert


def test_a_member_of_a_storm_never_pages_by_itself_and_is_not_repeated() -> None:
    alert = in_a_storm()
    for number in range(2, 40):
        assert alert.observe(met(number)) == ()
    (notice,) = alert.observe(met(40, finding(kills=3)))
    assert (notice.kind, notice.paging, notice.is_new_page) == (NoticeKind.CHANGED, Paging.NONE, False)


def test_a_member_of_a_storm_resolves_no_page() -> None:
    alert = in_a_storm()
    (notice,) = alert.observe(clear(2), clear(3))
    assert (notice.kind, notice.paging) == (NoticeKind.RESOLVED, Paging.NONE)


def test_a_gap_removes_no_workload_from_an_open_incident() -> None:
    alert = opened()
    assert [notice.kind for notice in alert.observe(met(7))] == [NoticeKind.REPEATED]
    assert [(streak.count, streak.since) for streak in alert.state.streaks] == [(1, sweep(0))]
    assert [member.subject for member in alert.state.members] == [str(make_key("api"))]
    assert alert.observe(met(8)) == ()
