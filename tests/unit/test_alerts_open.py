"""What is sent about an alert that is open, by examples: changes, repeats, and what answers, snoozes and storms hold back."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from alerts.folding import apply
from alerts.lifecycle import Paging, record, step
from alerts.observations import AlertId, BudgetFigures, CostFigures, Figures, Finding, MemberFigures, Severity
from alerts.policy import PagingMode, Rule, Rules, UnderProvisionedSettings
from alerts.states import Acknowledged, Dismissed, NoticeKind, SlackPost, Snoozed
from tests.factories import PAYMENTS, make_key, make_ref
from tests.unit.alert_scenario import ALERT, MILD, POLICY, AlertScenario, clear, finding, kinds, met, opened, sweep, unknown


def budget_of(monthly_budget: int) -> BudgetFigures:
    return BudgetFigures(
        month_to_date=Decimal(0), forecast=Decimal(0), monthly_budget=Decimal(monthly_budget), known_days=14, days=14
    )


def usual_of(usual_cost_7d: int) -> CostFigures:
    return CostFigures(cost_7d=Decimal(0), usual_cost_7d=Decimal(usual_cost_7d), weeks=4)


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


def test_a_workload_of_a_paged_alert_that_becomes_dangerous_is_a_reason_to_page() -> None:
    names = ("api", "cron", "web", "worker")
    mild, killed = ([finding(name, kills=kills, amount=100) for name in names] for kills in (0, 1))
    alert = opened(*mild)
    reasons = [
        notice.reason
        for dangerous in (1, 2, 4)
        for notice in alert.observe(met(1 + dangerous, *killed[:dangerous], *mild[dangerous:]))
    ]
    assert reasons == [
        "It has become a reason to page. It rose from warning to error.",
        "east/shop/Deployment/cron has become a reason to page.",
        "east/shop/Deployment/web and 1 more have become a reason to page.",
    ]
    assert [notice.paging for notice in alert.notices[1:]] == [Paging.TRIGGER] * 3


def test_a_workload_that_becomes_dangerous_while_the_alert_grows_is_named() -> None:
    alert = opened(finding("api", kills=1, amount=100), finding("web", kills=0, amount=100))
    (notice,) = alert.observe(met(2, finding("api", kills=1, amount=100), finding("web", kills=1, amount=300)))
    assert notice.reason == (
        "east/shop/Deployment/web has become a reason to page. It grew by half or more since the last notification."
    )
    (joined,) = alert.observe(met(3, *(finding(name, kills=1, amount=400) for name in ("api", "web", "worker"))))
    assert joined.reason == "east/shop/Deployment/worker joined.", "that it may page as well is said by the page"


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
    assert notice.reason == "It has become a reason to page. It rose from warning to critical."
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


def test_the_end_of_an_incident_says_what_a_person_did_about_it() -> None:
    alert = opened()
    snoozed = Snoozed(at=sweep(1), by="ann", until=sweep(9))
    dismissed = Dismissed(at=sweep(1), by="bob", reason="known")
    alert.apply(snoozed)
    alert.apply(dismissed)
    (ended,) = alert.observe(clear(2), clear(3))
    assert (ended.snoozed, ended.dismissed) == (snoozed, dismissed)


def test_an_open_alert_whose_workload_is_unknown_is_repeated_and_says_so() -> None:
    alert, subject = opened(), str(make_key("api"))
    (repeated,) = alert.observe(*(clear(number, unknown=(subject,)) for number in (2, 3, 4)))
    assert (repeated.kind, repeated.unknown) == (NoticeKind.REPEATED, (subject,))
    (ended,) = alert.observe(clear(5), clear(6))
    assert (ended.kind, ended.unknown) == (NoticeKind.RESOLVED, ())


def test_an_alert_that_is_clear_is_not_repeated() -> None:
    alert = opened()
    assert alert.observe(met(2), met(3), clear(4)) == ()


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
