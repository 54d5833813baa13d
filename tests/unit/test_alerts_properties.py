"""What holds for every alert, whatever is observed and with any acknowledgement or snooze."""

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.folding import apply, fold
from alerts.lifecycle import Notice, Paging
from alerts.observations import Observation, Verdict
from alerts.states import (
    ENDINGS,
    EVENT_JSON,
    STATE_JSON,
    Acknowledged,
    AlertState,
    Dismissed,
    NoticeKind,
    NotificationSent,
    Phase,
    Snoozed,
)
from tests.factories import make_key
from tests.unit.alert_scenario import ALERT, AlertScenario, clear, finding, gone, is_clear, met, sweep, unknown


@dataclass(frozen=True)
class Moment:
    """One thing that happens, some slots after the one before."""

    what: str
    slots: int
    workloads: tuple[str, ...]
    kills: int


moments = st.lists(
    st.builds(
        Moment,
        what=st.sampled_from(
            ["met", "met", "met", "clear", "clear", "half-known", "unknown", "gone", "acknowledge", "snooze", "dismiss"]
        ),
        slots=st.sampled_from([1, 1, 1, 1, 2, 5, 40]),
        workloads=st.sampled_from([("api",), ("worker",), ("api", "worker")]),
        kills=st.integers(0, 4),
    ),
    max_size=40,
)


def observation_of(moment: Moment, number: int) -> Observation | None:
    subjects = tuple(str(make_key(name)) for name in moment.workloads)
    match moment.what:
        case "met":
            return met(number, *(finding(name, kills=moment.kills) for name in moment.workloads), first=number == 1)
        case "clear":
            return clear(number)
        case "half-known":
            return clear(number, unknown=subjects)
        case "unknown":
            return unknown(number)
        case "gone":
            return gone(number)
        case _:
            return None


def live(story: list[Moment]) -> tuple[AlertScenario, list[tuple[Observation, Notice]]]:
    alert, sent, number = AlertScenario(), [], 0
    for moment in story:
        number += moment.slots
        observation = observation_of(moment, number)
        if observation is not None:
            sent += [(observation, notice) for notice in alert.observe(observation)]
        elif moment.what == "acknowledge":
            alert.apply(Acknowledged(at=sweep(number), by="ana"))
        elif moment.what == "dismiss":
            alert.apply(Dismissed(at=sweep(number), by="ana", reason="meant"))
        else:
            alert.apply(Snoozed(at=sweep(number), by="ana", until=sweep(number + moment.kills)))
    return alert, sent


@given(moments)
def test_the_state_is_the_fold_of_its_events_through_json(story: list[Moment]) -> None:
    alert, _ = live(story)
    stored = [EVENT_JSON.dump_python(event, mode="json") for event in alert.events]
    assert fold(ALERT, map(EVENT_JSON.validate_python, stored)) == alert.state
    assert STATE_JSON.validate_python(STATE_JSON.dump_python(alert.state, mode="json")) == alert.state
    assert alert.state.events == len(alert.events)


@given(moments)
def test_at_most_one_incident_is_open_at_every_prefix(story: list[Moment]) -> None:
    _, sent = live(story)
    open_incidents = 0
    for _, notice in sent:
        if notice.paging is Paging.TRIGGER and notice.is_new_page:
            open_incidents += 1
        elif notice.paging is Paging.RESOLVE:
            open_incidents -= 1
        assert open_incidents in {0, 1}
        if notice.paging is Paging.TRIGGER and not notice.is_new_page:
            assert open_incidents == 1


@given(moments)
def test_never_an_end_without_an_opening_before(story: list[Moment]) -> None:
    _, sent = live(story)
    is_open = False
    for _, notice in sent:
        if notice.kind in {NoticeKind.OPENED, NoticeKind.REOPENED}:
            assert not is_open
            is_open = True
        else:
            assert is_open
            is_open = notice.kind not in ENDINGS


@given(moments)
def test_never_a_resolve_on_unknown(story: list[Moment]) -> None:
    _, sent = live(story)
    for observation, notice in sent:
        if notice.kind is NoticeKind.RESOLVED:
            assert is_clear(observation)
        if notice.kind is NoticeKind.CLOSED:
            assert observation.verdict is Verdict.WITHDRAWN


@given(moments)
@example(
    [
        Moment(what="met", slots=1, workloads=(name,), kills=kills)
        for name, kills in [("worker", 0), ("worker", 0), ("api", 1), ("worker", 1)]
    ]
)
def test_never_two_firing_notices_in_a_row_without_a_reason(story: list[Moment]) -> None:
    """The reason is checked against the notice before, not against the code that found it."""
    alert, sent = live(story)
    snoozes = [event.until for event in alert.events if isinstance(event, Snoozed)]
    before: Notice | None = None
    subjects: set[str] = set()
    dangerous: set[str] = set()
    paged_at = posted_at = sweep(0)
    for _, notice in sent:
        assert notice.reason.endswith(".")
        now = {finding.subject for finding in notice.findings}
        may_page = {finding.subject for finding in notice.paging_findings}
        if notice.kind is NoticeKind.CHANGED:
            assert before is not None
            news = now - subjects or notice.severity.rank > before.severity.rank
            names_danger = notice.paging is Paging.TRIGGER and any(subject in notice.reason for subject in may_page - dangerous)
            assert news or notice.is_new_page or names_danger or notice.amount >= before.amount * 3 / 2
        if notice.kind is NoticeKind.REPEATED and "snooze" not in notice.reason:
            assert (notice.paging is Paging.TRIGGER and notice.as_of - paged_at >= timedelta(days=1)) or (
                notice.posts and notice.as_of - posted_at >= timedelta(days=7)
            )
        if notice.kind is NoticeKind.REPEATED and "snooze" in notice.reason:
            assert any(until <= notice.as_of + timedelta(minutes=5) for until in snoozes)
        is_same = before is not None and before.kind not in ENDINGS
        subjects = (subjects if is_same else set()) | now
        dangerous = (dangerous if is_same else set()) | (may_page if notice.paging is Paging.TRIGGER else set())
        paged_at = notice.as_of if notice.paging is Paging.TRIGGER else paged_at
        posted_at = notice.as_of if notice.posts else posted_at
        before = notice


@given(moments)
def test_a_dismissed_alert_is_not_repeated_before_a_change_or_its_end(story: list[Moment]) -> None:
    alert, _ = live(story)
    is_dismissed = False
    state = AlertState(alert=ALERT)
    for event in alert.events:
        state = apply(state, event)
        if isinstance(event, Dismissed) and state.is_open:
            is_dismissed = True
        if isinstance(event, NotificationSent):
            assert not (is_dismissed and event.notice is NoticeKind.REPEATED)
            is_dismissed = is_dismissed and event.notice is not NoticeKind.CHANGED and event.notice not in ENDINGS
        is_dismissed = is_dismissed and state.is_open
        assert is_dismissed == (state.incident is not None and state.incident.dismissed is not None)


@given(moments)
def test_an_outage_resolves_and_opens_nothing(story: list[Moment]) -> None:
    """Every observation of an outage is held back, so it learns nothing."""
    alert, _ = live(story)
    before = alert.state
    for number, what in enumerate(("clear", "clear", "met", "met", "gone"), start=10_000):
        observation = observation_of(Moment(what=what, slots=1, workloads=("api",), kills=3), number)
        assert observation is not None
        notices = alert.observe(observation.as_unknown("an outage"))
        assert {notice.kind for notice in notices} <= {NoticeKind.REPEATED, NoticeKind.CHANGED}
        assert alert.state.phase is before.phase
        assert alert.state.streaks == before.streaks


@given(moments)
def test_a_quiet_state_holds_only_the_last_resolve(story: list[Moment]) -> None:
    alert, _ = live([*story, *([Moment(what="clear", slots=1, workloads=(), kills=0)] * 2)])
    assert alert.state.phase is Phase.QUIET
    assert alert.state == AlertState(
        alert=ALERT,
        team=alert.state.team,
        resolved_as_of=alert.state.resolved_as_of,
        was_closed=alert.state.was_closed,
        events=alert.state.events,
    )


@settings(max_examples=30)
@given(st.integers(2, 60))
def test_a_condition_that_never_changes_pages_once_and_then_once_a_day(sweeps: int) -> None:
    alert = AlertScenario()
    alert.observe(*(met(number) for number in range(sweeps)))
    triggers = [notice for notice in alert.notices if notice.paging is Paging.TRIGGER]
    assert len(triggers) == 1 + (sweeps - 1) // 4
    assert sum(notice.is_new_page for notice in triggers) == 1
