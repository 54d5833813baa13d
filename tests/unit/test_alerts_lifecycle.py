"""The life of one alert, in stories; `test_alerts_properties` has what holds for every story."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from alerts.folding import apply
from alerts.lifecycle import Paging, record, step
from alerts.observations import AlertId, InvalidAlertId, Severity
from alerts.policy import PagingMode, Rule, Rules, UnderProvisionedSettings
from alerts.states import Acknowledged, NoticeKind, Phase, SlackPost, Snoozed
from tests.unit.alerting import ALERT, PAYMENTS, POLICY, SLOT, Life, clear, finding, gone, key, met, sweep, unknown


def opened() -> Life:
    life = Life()
    life.see(met(0))
    life.see(met(1))
    return life


def kinds(life: Life) -> list[NoticeKind]:
    return [notice.kind for notice in life.notices]


def test_the_first_sweep_that_meets_the_condition_tells_nobody() -> None:
    life = Life()
    assert life.see(met(0)) == ()
    assert life.state.phase is Phase.PENDING


def test_the_second_one_opens_and_pages_because_there_is_evidence() -> None:
    life = opened()
    (notice,) = life.notices
    assert notice.kind is NoticeKind.OPENED
    assert notice.paging is Paging.TRIGGER
    assert notice.is_new_page
    assert notice.severity is Severity.ERROR
    assert notice.since == sweep(0)
    assert notice.reason == "It has held in 2 measured sweeps in a row."
    assert life.state.phase is Phase.FIRING
    assert life.state.team == PAYMENTS


def test_without_evidence_it_is_told_in_slack_only() -> None:
    life = Life()
    life.see(met(0, finding(kills=0)))
    (notice,) = life.see(met(1, finding(kills=0)))
    assert notice.paging is Paging.NONE
    assert notice.posts


def test_always_paging_needs_no_evidence() -> None:
    always = finding(kills=0, page=PagingMode.ALWAYS)
    life = Life()
    life.see(met(0, always))
    assert life.see(met(1, always))[0].paging is Paging.TRIGGER


def test_what_a_first_sweep_shows_pages_only_with_evidence() -> None:
    always = finding(kills=0, page=PagingMode.ALWAYS)
    life = Life()
    life.see(met(0, always, first=True))
    (notice,) = life.see(met(1, always))
    assert notice.from_first_sweep
    assert notice.paging is Paging.NONE
    harmed = Life()
    harmed.see(met(0, finding(kills=2), first=True))
    assert harmed.see(met(1, finding(kills=2)))[0].paging is Paging.TRIGGER


def test_a_clear_sweep_between_starts_the_count_anew() -> None:
    life = Life()
    life.see(met(0))
    life.see(clear(1))
    assert life.state.phase is Phase.QUIET
    assert life.see(met(2)) == ()
    assert life.see(met(3))[0].kind is NoticeKind.OPENED


def test_an_unknown_sweep_between_neither_counts_nor_resets() -> None:
    life = Life()
    life.see(met(0))
    assert life.see(unknown(1)) == ()
    assert life.see(met(2))[0].kind is NoticeKind.OPENED


def test_sweeps_more_than_a_day_apart_start_anew() -> None:
    life = Life()
    life.see(met(0))
    assert life.see(met(4.5)) == ()
    assert life.see(met(8.5))[0].kind is NoticeKind.OPENED


def test_exactly_a_day_apart_is_still_consecutive() -> None:
    life = Life()
    life.see(met(0))
    assert life.see(met(4))[0].kind is NoticeKind.OPENED


def test_it_resolves_after_two_good_answers_in_a_row_that_show_nothing() -> None:
    life = opened()
    assert life.see(clear(2)) == ()
    assert life.state.phase is Phase.RESOLVING
    (notice,) = life.see(clear(3))
    assert notice.kind is NoticeKind.RESOLVED
    assert notice.paging is Paging.RESOLVE
    assert notice.last_notification is not None
    assert notice.last_notification.page is not None
    assert notice.last_notification.page.dedup_key == str(ALERT)
    assert life.state.streaks == ()
    assert not life.state.is_open


def test_an_alert_that_never_paged_resolves_no_page() -> None:
    life = Life()
    life.see(met(0, finding(kills=0)))
    life.see(met(1, finding(kills=0)))
    life.see(clear(2))
    assert life.see(clear(3))[0].paging is Paging.NONE


def test_clear_met_clear_is_not_two_in_a_row() -> None:
    life = opened()
    life.see(clear(2))
    life.see(met(3))
    assert life.see(clear(4)) == ()
    assert life.see(clear(5))[0].kind is NoticeKind.RESOLVED


def test_a_lost_cluster_resolves_nothing() -> None:
    life = opened()
    for number in range(2, 12):
        life.see(clear(number, unknown=(str(key("api")),)))
    assert life.state.phase is Phase.FIRING
    assert NoticeKind.RESOLVED not in kinds(life)


def test_an_unknown_workload_keeps_it_open_though_the_others_are_clear() -> None:
    life = opened()
    life.see(met(2, finding("api"), finding("worker")))
    life.see(met(3, finding("api"), finding("worker")))
    for number in (4, 5, 6):
        assert life.see(clear(number, unknown=(str(key("worker")),))) == ()
    assert life.state.is_open


def test_unknown_answers_never_resolve() -> None:
    life = opened()
    for number in range(2, 5):
        assert life.see(unknown(number)) == ()
    assert life.state.phase is Phase.FIRING


def test_unchanged_it_is_told_once_in_ten_sweeps_but_for_the_daily_page() -> None:
    life = Life()
    for number in range(10):
        life.see(met(number))
    assert kinds(life) == [NoticeKind.OPENED, NoticeKind.REPEATED, NoticeKind.REPEATED]
    opening, first, second = life.notices
    assert (first.as_of - opening.as_of, second.as_of - first.as_of) == (timedelta(days=1), timedelta(days=1))
    assert (first.posts, first.paging) == (False, Paging.TRIGGER)


def test_slack_hears_of_an_open_alert_once_a_week() -> None:
    life = Life()
    for number in range(1 + 28 * 2):
        life.see(met(number, finding(kills=0)))
    assert [(notice.kind, notice.posts, notice.paging) for notice in life.notices] == [
        (NoticeKind.OPENED, True, Paging.NONE),
        (NoticeKind.REPEATED, True, Paging.NONE),
    ]


def test_a_workload_that_joins_is_news_and_one_that_comes_back_is_not() -> None:
    life = opened()
    both = finding("api"), finding("worker")
    life.see(met(2, *both))
    (notice,) = life.see(met(3, *both))
    assert notice.kind is NoticeKind.CHANGED
    assert notice.reason == "east/shop/Deployment/worker joined."
    assert not notice.is_new_page
    life.see(met(4, finding("api")))
    life.see(met(5, *both))
    assert life.see(met(6, *both)) == ()


def test_a_higher_severity_is_news_and_may_open_the_page() -> None:
    life = Life()
    life.see(met(0, finding(kills=0)))
    life.see(met(1, finding(kills=0)))
    (notice,) = life.see(met(2, finding(kills=3)))
    assert notice.kind is NoticeKind.CHANGED
    assert notice.reason == "It rose from warning to critical."
    assert notice.is_new_page


def test_an_amount_that_grows_by_half_is_news() -> None:
    life = Life()
    saving = [finding(kills=0, amount=amount) for amount in (100, 149, 150)]
    life.see(met(0, saving[0]))
    life.see(met(1, saving[0]))
    assert life.see(met(2, saving[1])) == ()
    (notice,) = life.see(met(3, saving[2]))
    assert notice.reason == "It grew by half or more since the last notification."
    assert notice.amount == Decimal(150)


def test_a_page_repeated_while_nothing_is_measured_says_when_it_was_last_seen() -> None:
    life = opened()
    told = [notice for number in range(2, 7) for notice in life.see(unknown(number))]
    (repeated,) = told
    assert (repeated.kind, repeated.paging) == (NoticeKind.REPEATED, Paging.TRIGGER)
    assert repeated.reason == (
        f"It held when it was last measured, {sweep(1):%Y-%m-%d %H:%M} UTC, and has not been measured since. It has not been acknowledged."
    )
    assert (repeated.as_of, repeated.seen_as_of) == (sweep(5), sweep(1))
    for number in (7, 8):
        life.see(met(number))
    (again,) = life.see(met(9))
    assert again.reason == "It still holds. It has not been acknowledged."
    assert again.seen_as_of == again.as_of == sweep(9)


def test_acknowledged_stops_repeats_but_not_news_and_not_the_resolve() -> None:
    life = opened()
    life.happens(Acknowledged(at=sweep(1), by="ana"))
    for number in range(2, 20):
        life.see(met(number))
    assert kinds(life) == [NoticeKind.OPENED]
    assert life.see(met(20, finding(kills=3)))[0].kind is NoticeKind.CHANGED
    life.see(clear(21))
    assert life.see(clear(22))[0].kind is NoticeKind.RESOLVED


def test_an_acknowledgement_ends_with_its_incident() -> None:
    life = opened()
    life.happens(Acknowledged(at=sweep(1), by="ana"))
    life.see(clear(2))
    life.see(clear(3))
    for number in range(10, 16):
        life.see(met(number))
    assert kinds(life)[-2:] == [NoticeKind.OPENED, NoticeKind.REPEATED]


def test_snoozed_is_silent_until_its_end_and_then_says_so() -> None:
    life = opened()
    life.happens(Snoozed(at=sweep(1), by="ana", until=sweep(9)))
    for number in range(2, 9):
        assert life.see(met(number, finding(kills=4))) == ()
    (notice,) = life.see(met(9, finding(kills=1)))
    assert (notice.kind, notice.reason) == (NoticeKind.REPEATED, "ana's snooze ended. It still holds.")
    assert life.see(met(10)) == ()


def test_a_snoozed_alert_still_resolves() -> None:
    life = opened()
    life.happens(Snoozed(at=sweep(1), by="ana", until=sweep(90)))
    life.see(clear(2))
    assert life.see(clear(3))[0].kind is NoticeKind.RESOLVED


def test_coming_back_within_a_day_of_resolving_needs_four_sweeps_and_says_so() -> None:
    life = opened()
    life.see(clear(2))
    life.see(clear(3))
    for number in (4, 5, 6):
        assert life.see(met(number)) == ()
    (notice,) = life.see(met(7))
    assert notice.kind is NoticeKind.REOPENED
    assert "flapping" in notice.reason
    assert notice.is_new_page


def test_coming_back_later_needs_two() -> None:
    life = opened()
    life.see(clear(2))
    life.see(clear(3))
    life.see(met(8))
    assert life.see(met(9))[0].kind is NoticeKind.OPENED


def test_leaving_the_catalog_closes_with_that_reason() -> None:
    life = opened()
    (notice,) = life.see(gone(2))
    assert (notice.kind, notice.reason) == (NoticeKind.CLOSED, "The component left the catalog.")
    assert notice.paging is Paging.RESOLVE
    assert life.state.phase is Phase.QUIET


def test_leaving_the_catalog_while_pending_tells_nobody() -> None:
    life = Life()
    life.see(met(0))
    assert life.see(gone(1)) == ()
    assert life.state.phase is Phase.QUIET


def test_a_page_that_has_nowhere_to_go_is_not_news_every_sweep() -> None:
    life = opened()
    assert life.state.incident is not None
    assert life.state.incident.last_notification is not None
    homeless = replace(life.state.incident.last_notification, page=None)
    life.state = replace(life.state, incident=replace(life.state.incident, last_notification=homeless))
    assert life.see(met(2)) == ()


def test_nothing_seen_leaves_no_event() -> None:
    life = Life()
    life.see(clear(0))
    life.see(unknown(1))
    assert life.events == []


def test_one_sweep_is_enough_where_the_rule_says_so() -> None:
    life = Life(policy=replace(POLICY, rules=Rules(under_provisioned=UnderProvisionedSettings(for_sweeps=1))))
    (notice,) = life.see(met(0))
    assert notice.reason == "It was found in this sweep."


def test_an_alert_is_named_by_rule_and_entity() -> None:
    assert AlertId.parse(str(ALERT)) == ALERT
    with pytest.raises(InvalidAlertId, match="scaleops-worker alerts list"):
        AlertId.parse("checkout")
    assert timedelta(hours=6) == SLOT


def test_exactly_a_day_after_resolving_is_still_flapping() -> None:
    life = opened()
    life.see(clear(2))
    life.see(clear(3))
    for number in (7, 8, 9):
        assert life.see(met(number)) == ()
    assert life.see(met(10))[0].kind is NoticeKind.REOPENED


def test_clear_answers_more_than_a_day_apart_are_not_in_a_row() -> None:
    life = opened()
    life.see(clear(2))
    assert life.see(clear(7)) == ()
    assert life.see(clear(8))[0].kind is NoticeKind.RESOLVED


def test_an_incident_that_nobody_heard_of_ends_without_a_word() -> None:
    life = Life()
    life.see(met(0))
    untold = step(life.state, met(1), sweep(1), POLICY).state
    assert untold.is_open
    ended = step(untold, gone(2), sweep(2), POLICY)
    assert (ended.notices, ended.state.phase) == ((), Phase.QUIET)


def test_who_was_told_once_is_no_news_even_after_a_notice_without_them() -> None:
    life = opened()
    both = finding("api"), finding("worker")
    life.see(met(2, *both))
    assert life.see(met(3, *both))[0].kind is NoticeKind.CHANGED
    assert life.see(met(4, finding("api", kills=3)))[0].kind is NoticeKind.CHANGED
    worst = finding("api", kills=3), finding("worker", kills=1)
    life.see(met(5, *worst))
    assert life.see(met(6, *worst)) == ()


def test_a_severity_that_falls_and_comes_back_is_no_news() -> None:
    life = Life()
    life.see(met(0, finding(kills=3, amount=1)))
    life.see(met(1, finding(kills=3, amount=1)))
    both = finding("api", kills=1, amount=1), finding("worker", kills=1, amount=0)
    life.see(met(2, *both))
    assert life.see(met(3, *both))[0].severity is Severity.CRITICAL
    assert life.see(met(4, finding("api", kills=3, amount=1), both[1])) == ()


def test_a_snooze_ends_at_its_instant() -> None:
    life = opened()
    life.happens(Snoozed(at=sweep(1), by="ana", until=sweep(2)))
    assert life.see(met(2), now=sweep(2) - timedelta(seconds=1)) == ()
    assert life.see(met(3), now=sweep(2))[0].kind is NoticeKind.REPEATED


def in_a_storm() -> Life:
    """Answer a life whose page a storm stands for."""
    life = Life()
    life.see(met(0))
    stepped = step(life.state, met(1), sweep(1), POLICY)
    calm = replace(stepped.notices[0], paging=Paging.NONE)
    post = SlackPost(target="C1", route="by default", root="the storm")
    storm = AlertId(rule=Rule.STORM, about=PAYMENTS)
    life.state = apply(stepped.state, record(calm, now=sweep(1), post=post, page=None, storm=storm))
    return life


def test_a_member_of_a_storm_never_pages_by_itself_and_is_not_repeated() -> None:
    life = in_a_storm()
    for number in range(2, 40):
        assert life.see(met(number)) == ()
    (notice,) = life.see(met(40, finding(kills=3)))
    assert (notice.kind, notice.paging, notice.is_new_page) == (NoticeKind.CHANGED, Paging.NONE, False)


def test_a_member_of_a_storm_resolves_no_page() -> None:
    life = in_a_storm()
    life.see(clear(2))
    (notice,) = life.see(clear(3))
    assert (notice.kind, notice.paging) == (NoticeKind.RESOLVED, Paging.NONE)


def test_a_gap_takes_nobody_out_of_an_open_incident() -> None:
    life = opened()
    assert [notice.kind for notice in life.see(met(7))] == [NoticeKind.REPEATED]
    assert [member.subject for member in life.state.members] == [str(key("api"))]
    assert life.see(met(8)) == ()
