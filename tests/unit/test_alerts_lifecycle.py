"""The state machine of one alert, by examples: when it opens, clears and ends; `test_alerts_properties` has what always holds."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.folding import apply
from alerts.lifecycle import Paging, record, step
from alerts.observations import AlertId, InvalidAlertId, Observation, Severity
from alerts.policy import PagingMode, Rules, UnderProvisionedSettings
from alerts.states import Acknowledged, AlertState, NoticeKind, Phase, Snoozed, Streak
from tests.factories import PAYMENTS, SEARCH, make_key
from tests.unit.alert_scenario import (
    ALERT,
    MILD,
    POLICY,
    SLOT,
    AlertScenario,
    clear,
    finding,
    gone,
    kinds,
    met,
    opened,
    sweep,
    unknown,
)


def resolved() -> AlertScenario:
    alert = opened()
    alert.observe(clear(2), clear(3))
    return alert


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


@pytest.mark.parametrize(("second", "is_resolved"), [(6, True), (6.1, False)])
def test_sweeps_up_to_a_day_apart_are_consecutive(second: float, *, is_resolved: bool) -> None:
    alert = opened()
    assert bool(alert.observe(clear(2), clear(second))) is is_resolved


def test_the_settings_of_a_component_decide_when_it_opens() -> None:
    own = Rules(under_provisioned=UnderProvisionedSettings(for_sweeps=1))
    alert = AlertScenario(policy=replace(POLICY, component_rules={ALERT.about: own}))
    assert [notice.kind for notice in alert.observe(met(0, MILD))] == [NoticeKind.OPENED]


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


def test_a_gap_removes_no_workload_from_an_open_incident() -> None:
    alert = opened()
    assert [notice.kind for notice in alert.observe(met(7))] == [NoticeKind.REPEATED]
    assert [(streak.count, streak.since) for streak in alert.state.streaks] == [(1, sweep(0))]
    assert [member.subject for member in alert.state.members] == [str(make_key("api"))]
    assert alert.observe(met(8)) == ()
