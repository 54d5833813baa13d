"""Many notices at once are one: storms, summaries, outages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Notice, Paging
from alerts.observations import AlertId, Finding, MemberFigures, Severity, worst_first
from alerts.policy import PagingMode, Rule, StormLimits
from alerts.states import AlertState, Extent, Incident, LastNotification, NoticeKind, OpenIncident
from alerts.storm import NoticeGroups, SummaryReason, group_notices, is_danger, storm_of
from domain.refs import PLATFORM, EntityRef
from tests.factories import PAYMENTS
from tests.unit.alert_scenario import SLOT, AlertScenario, finding, met, sweep

LIMITS = StormLimits()


def team(number: int) -> EntityRef:
    return EntityRef("group", "default", f"team-{number}")


def alert(number: int) -> AlertId:
    return AlertId(rule=Rule.UNDER_PROVISIONED, about=EntityRef("component", "default", f"c-{number:04}"))


def new_page(number: int, of: EntityRef = PAYMENTS) -> Notice:
    (notice,) = AlertScenario().observe(met(1))
    return replace(notice, alert=alert(number), team=of)


def new_post(number: int, of: EntityRef = PAYMENTS) -> Notice:
    return replace(new_page(number, of), paging=Paging.NONE, is_new_page=False)


def planned(notices: Sequence[Notice], open_alerts: Sequence[AlertState] = ()) -> NoticeGroups:
    return group_notices(notices, open_alerts, as_of=sweep(1), limits=LIMITS)


def test_five_new_pages_are_five_pages() -> None:
    calm = planned([new_page(number) for number in range(5)])
    assert len(calm.single) == 5
    assert all(notice.paging is Paging.TRIGGER for notice in calm.single)
    assert calm.observations == ()


def test_six_are_one_and_none_of_the_members() -> None:
    stormy = planned([new_page(number) for number in range(6)])
    assert stormy.single == ()
    assert {notice.paging for notice in stormy.absorbed} == {Paging.NONE}
    (observation,) = stormy.observations
    assert (observation.alert, observation.team) == (storm_of(PAYMENTS), PAYMENTS)
    worst = finding()
    assert [one.figures for one in observation.found] == [
        MemberFigures(alert=alert(n), workloads=1, worst=worst) for n in range(6)
    ]


def test_a_storm_of_one_team_does_not_affect_the_others() -> None:
    stormy = planned([*(new_page(number) for number in range(6)), new_page(99, team(1))])
    assert [notice.alert for notice in stormy.single] == [alert(99)]
    assert stormy.single[0].is_new_page


def test_more_than_ten_teams_with_pages_are_one_page_for_the_platform() -> None:
    stormy = planned([new_page(number, team(number)) for number in range(11)])
    (observation,) = stormy.observations
    assert observation.alert == storm_of(PLATFORM)
    assert set(stormy.storms.values()) == {storm_of(PLATFORM)}
    assert len(stormy.single) == 11, "each team still reads of it in Slack"
    assert all(notice.posts and notice.paging is Paging.NONE for notice in stormy.single)
    assert {notice.is_new_page for notice in stormy.single} == {False}


def test_ten_teams_are_not_too_many() -> None:
    assert planned([new_page(number, team(number)) for number in range(10)]).observations == ()


def incident_in_storm() -> Incident:
    scenario = AlertScenario()
    scenario.observe(met(1))
    incident = scenario.state.incident
    assert incident is not None
    assert incident.last_notification is not None
    return replace(incident, last_notification=replace(incident.last_notification, page=None, storm=storm_of(PAYMENTS)))


@given(st.integers(6, 40))
def test_a_storm_is_one_page_whose_resolve_comes_with_the_last_member(members: int) -> None:
    opened = planned([new_page(number) for number in range(members)])
    storm = AlertScenario(storm_of(PAYMENTS))
    (page,) = storm.observe(opened.observations[0])
    assert (page.paging, page.is_new_page) == (Paging.TRIGGER, True)
    states = [AlertState(alert=alert(number), team=PAYMENTS, incident=incident_in_storm()) for number in range(members)]
    for left in range(members - 1, 0, -1):
        still = planned([], [*states[:left], storm.state])
        assert storm.observe(replace(still.observations[0], as_of=sweep(2))) == ()
    over = planned([], [storm.state])
    (resolve,) = storm.observe(replace(over.observations[0], as_of=sweep(3)))
    assert (resolve.kind, resolve.paging) == (NoticeKind.RESOLVED, Paging.RESOLVE)


def test_a_member_of_a_storm_counts_what_pages_and_without_it_everything() -> None:
    kills, none = finding("api", kills=3), finding("worker", kills=0)
    notices = [replace(new_page(n), findings=(kills, none), paging_findings=(kills,)) for n in range(6)]
    (member, *_) = planned(notices).observations[0].found

    assert member.figures == MemberFigures(alert=alert(0), workloads=1, worst=kills)
    assert (member.severity, member.has_evidence, member.page) == (Severity.CRITICAL, True, PagingMode.ALWAYS)
    scenario = AlertScenario()
    scenario.observe(met(0, none, finding("api", kills=0)), met(1, none, finding("api", kills=0)))
    quiet = replace(scenario.state, alert=alert(0), incident=incident_in_storm())
    (still,) = planned([], [quiet]).observations[0].found
    assert isinstance(still.figures, MemberFigures)
    assert still.figures.workloads == 2
    assert (still.severity, still.has_evidence, still.page) == (Severity.WARNING, False, PagingMode.NEVER)
    scenario.observe(met(2, kills))
    dangerous = replace(scenario.state, alert=alert(0), incident=incident_in_storm())
    (paging,) = planned([], [dangerous, AlertState(alert=alert(1), team=PAYMENTS)]).observations[0].found
    assert (paging.severity, paging.has_evidence, paging.page) == (Severity.CRITICAL, True, PagingMode.ALWAYS)


@pytest.mark.parametrize(
    ("kind", "storm", "is_absorbed"),
    [
        (NoticeKind.RESOLVED, storm_of(PAYMENTS), True),
        (NoticeKind.CHANGED, storm_of(PAYMENTS), False),
        (NoticeKind.RESOLVED, storm_of(PLATFORM), False),
        (NoticeKind.RESOLVED, None, False),
    ],
)
def test_a_member_of_a_storm_of_its_team_ends_without_a_message(
    kind: NoticeKind, storm: AlertId | None, *, is_absorbed: bool
) -> None:
    before = incident_in_storm().last_notification
    assert before is not None
    notice = replace(new_post(0), kind=kind, last_notification=replace(before, storm=storm))
    found = planned([notice])
    assert (len(found.absorbed), len(found.single)) == ((1, 0) if is_absorbed else (0, 1))


def test_the_most_important_finding_is_the_first() -> None:
    few, more, critical = finding("a", kills=1), finding("b", kills=2), finding("c", kills=3)
    same = finding("d", kills=2)
    assert worst_first([few, same, more, critical]) == [critical, more, same, few]

    def member(number: int, worst: Finding) -> Finding:
        figures = MemberFigures(alert=alert(number), workloads=1, worst=worst)
        return Finding(subject=str(alert(number)), severity=Severity.ERROR, figures=figures)

    assert worst_first([member(1, few), member(2, more)]) == [member(2, more), member(1, few)]


def test_an_alert_that_joins_an_open_storm_changes_it() -> None:
    first = planned([new_page(number) for number in range(6)])
    storm = AlertScenario(storm_of(PAYMENTS))
    storm.observe(first.observations[0])
    members = [AlertState(alert=alert(n), team=PAYMENTS, incident=incident_in_storm()) for n in range(6)]
    more = planned([new_page(number) for number in range(6, 12)], [*members, storm.state])
    (changed,) = storm.observe(replace(more.observations[0], as_of=sweep(2)))
    assert changed.kind is NoticeKind.CHANGED
    assert not changed.is_new_page
    assert len(changed.findings) == 12


@pytest.mark.parametrize("many", [1, 3])
def test_what_a_first_sweep_shows_is_one_summary_a_team(many: int) -> None:
    first = [replace(new_post(number), from_first_sweep=True) for number in range(many)]
    (summary,) = planned(first).summaries
    assert (summary.audience, summary.reason, len(summary.notices)) == (PAYMENTS, SummaryReason.FIRST_SWEEP, many)


def test_a_first_sweep_with_evidence_still_pages() -> None:
    (summary,) = planned([replace(new_page(1), from_first_sweep=True)]).summaries
    assert summary.notices[0].paging is Paging.TRIGGER


def test_many_slack_notices_for_one_team_are_one_summary() -> None:
    dangers = [new_post(number) for number in range(6)]
    assert planned(dangers[:5]).summaries == ()
    (summary,) = planned(dangers).summaries
    assert (summary.reason, len(summary.notices)) == (SummaryReason.MANY, 6)
    (ended,) = planned([replace(one, kind=NoticeKind.RESOLVED) for one in dangers]).summaries
    assert (ended.reason, len(ended.notices)) == (SummaryReason.MANY_ENDED, 6)


def about_money(number: int, kind: NoticeKind = NoticeKind.OPENED) -> Notice:
    about = AlertId(rule=Rule.COST_INCREASE, about=alert(number).about)
    return replace(new_post(number), alert=about, kind=kind)


def test_what_pages_and_what_ends_a_page_is_danger_whatever_its_rule() -> None:
    money = replace(about_money(0), last_notification=None)
    ended = replace(money, kind=NoticeKind.RESOLVED, last_notification=paged(0, opened_as_of=0).last_notification)

    assert not is_danger(money)
    assert is_danger(replace(money, paging=Paging.TRIGGER))
    assert is_danger(ended)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([NoticeKind.OPENED, NoticeKind.RESOLVED, NoticeKind.CHANGED])), max_size=12)
)
def test_what_is_no_danger_is_at_most_one_message_for_a_team_and_names_each(drawn: list[tuple[bool, NoticeKind]]) -> None:
    notices = [about_money(n, kind) if money else replace(new_post(n), kind=kind) for n, (money, kind) in enumerate(drawn)]
    groups = planned(notices)
    sent = [*groups.single, *(notice for summary in groups.summaries for notice in summary.notices)]
    assert sorted(notice.alert for notice in sent) == sorted(notice.alert for notice in notices)
    alone = [notice for notice in groups.single if not is_danger(notice)]
    assert len(alone) + len(groups.summaries) <= 1


def test_what_is_no_danger_waits_while_its_channel_rests() -> None:
    notices = [about_money(0), new_post(1), new_page(2)]
    groups = group_notices(notices, [], as_of=sweep(1), limits=LIMITS, channel_of=lambda _: "C1", resting={"C1"})
    assert [notice.alert for notice in (*groups.single, *groups.absorbed)] == [alert(1), alert(2)]
    assert groups.summaries == ()


def test_unmeasured_components_are_reported_to_the_platform() -> None:
    notices = [
        replace(new_post(number, team(number)), alert=AlertId(rule=Rule.UNMEASURED, about=alert(number).about))
        for number in range(8)
    ]
    (summary,) = planned(notices).summaries
    assert summary.audience == PLATFORM


@given(st.lists(st.tuples(st.integers(0, 14), st.booleans(), st.booleans()), max_size=80))
def test_every_notice_is_sent_exactly_once_and_no_team_has_more_pages_than_the_limit(drawn: list[tuple[int, bool, bool]]) -> None:
    notices = [
        replace(new_page(n, team(of)) if pages else new_post(n, team(of)), from_first_sweep=first)
        for n, (of, pages, first) in enumerate(drawn)
    ]
    result = planned(notices)
    sent = [*result.single, *result.absorbed, *(notice for summary in result.summaries for notice in summary.notices)]
    assert sorted(notice.alert for notice in sent) == [notice.alert for notice in notices]
    storms = {observation.alert for observation in result.observations}
    paging_teams = {notice.team for notice in sent if notice.is_new_page}
    for of in paging_teams:
        assert sum(notice.is_new_page for notice in sent if notice.team == of) <= LIMITS.pages_per_team
        assert storm_of(of) not in storms
    assert len(paging_teams) <= LIMITS.teams


def test_a_component_with_a_channel_of_its_own_is_notified_there_however_many_there_are() -> None:
    notices = [new_post(number) for number in range(8)]
    own = {notices[0].alert: "C0OWN"}
    groups = group_notices(notices, [], as_of=sweep(1), limits=LIMITS, channel_of=lambda notice: own.get(notice.alert, "C0TEAM"))
    assert [notice.alert for notice in groups.single] == [notices[0].alert]
    (summary,) = groups.summaries
    assert (summary.channel, len(summary.notices)) == ("C0TEAM", 7)


def test_findings_are_counted_by_workload() -> None:
    both = finding("api"), finding("worker")
    notice = replace(new_page(1), findings=both, paging_findings=both)
    stormy = planned([notice, *(new_page(number) for number in range(2, 8))])
    figures = stormy.observations[0].found[0].figures
    assert isinstance(figures, MemberFigures)
    assert figures.workloads == 2


def paged(number: int, *, opened_as_of: float, of: EntityRef = PAYMENTS) -> AlertState:
    at = sweep(opened_as_of)
    page = OpenIncident(target="key", route="default", dedup_key=str(number))
    last = LastNotification(
        at=at, posted_as_of=at, paged_as_of=at, extent=Extent(), paged=Extent(), post=None, page=page, storm=None
    )
    incident = Incident(opened_at=at, opened_as_of=at, reopened=False, from_first_sweep=False, last_notification=last)
    return AlertState(alert=alert(number), team=of, incident=incident)


def _not_paged(incident: Incident | None) -> Incident:
    assert incident is not None
    assert incident.last_notification is not None
    return replace(incident, last_notification=replace(incident.last_notification, page=None))


@pytest.mark.parametrize(
    ("opened_as_of", "window", "is_storm"),
    [(0.9, SLOT, True), (0.0, SLOT, False), (0.9, timedelta(0), False)],
    ids=["since the last full sweep", "by the full sweep before", "no watch sweeps"],
)
def test_pages_of_the_watch_sweeps_before_count_for_a_storm(opened_as_of: float, window: timedelta, *, is_storm: bool) -> None:
    before = [paged(number, opened_as_of=opened_as_of) for number in range(1, 6)]
    groups = group_notices([new_page(0)], before, as_of=sweep(1), limits=LIMITS, window=window)
    assert groups.storms == ({alert(0): storm_of(PAYMENTS)} if is_storm else {})
    posted = [replace(one, incident=_not_paged(one.incident)) for one in before]
    assert group_notices([new_page(0)], posted, as_of=sweep(1), limits=LIMITS, window=window).storms == {}
    other_team = [paged(number, opened_as_of=opened_as_of, of=team(1)) for number in range(1, 6)]
    assert group_notices([new_page(0)], other_team, as_of=sweep(1), limits=LIMITS, window=window).storms == {}
