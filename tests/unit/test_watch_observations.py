"""What watch sweeps show of an alert, and that they make its notices earlier and never more."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.folding import apply
from alerts.lifecycle import Notice, Paging, record, step
from alerts.observations import Finding, Observation
from alerts.outage import OUTAGE, suppress_in_outage
from alerts.policy import AlertPolicy, Rule
from alerts.states import ENDINGS, AlertState, NoticeKind, OpenIncident, SlackPost
from alerts.watching import observe_watched
from domain.figures import FigureKind
from domain.snapshots import Outcome, WorkloadPoint
from tests.factories import make_measurement, make_point
from tests.unit.alert_scenario import ALERT, START, clear, finding, met, sweep, unknown

FULL = timedelta(hours=6)
POLICY = AlertPolicy(instance="test", full_sweep_every=FULL)
STARVED = make_point("api", under_provisioned=True, oom_kills_24h=2)
FINE = make_point("api", under_provisioned=False, oom_kills_24h=0)
OTHER = make_point("worker", under_provisioned=False, oom_kills_24h=0)
Kind = tuple[float, str, bool]
"""A sweep in units of full sweeps, what it shows (`met`, `clear`, `unknown`), and whether it is a watch sweep."""


def watched(points: Sequence[WorkloadPoint], *, tracked: bool) -> Observation:
    owned = make_measurement("checkout", FINE, OTHER).snapshot
    found = {point.key: point for point in points}
    state = AlertState(alert=ALERT) if tracked else None
    return observe_watched(owned, found, POLICY, as_of=START, lifecycle="production", state=state)


@pytest.mark.parametrize(
    ("points", "tracked", "found", "unknown_subjects"),
    [
        pytest.param([STARVED], False, 1, [], id="danger of a quiet component"),
        pytest.param([STARVED], True, 1, [str(OTHER.key)], id="the other workload was not returned"),
        pytest.param([FINE, OTHER], True, 0, [], id="all were returned and are clear"),
        pytest.param([OTHER], True, 0, [str(FINE.key)], id="what was not returned is unknown"),
        pytest.param([], True, 0, sorted([str(FINE.key), str(OTHER.key)]), id="nothing was returned"),
    ],
)
def test_absence_is_never_a_clear(
    points: Sequence[WorkloadPoint], *, tracked: bool, found: int, unknown_subjects: list[str]
) -> None:
    observation = watched(points, tracked=tracked)
    assert (len(observation.found), list(observation.unknown)) == (found, unknown_subjects)


def test_a_watch_sweep_sees_a_component_that_the_full_sweep_before_could_not_measure() -> None:
    owned = replace(make_measurement("checkout", FINE).snapshot, outcome=Outcome.UNKNOWN, reason="ScaleOps answered 503")
    later = START + timedelta(minutes=15)
    seen = observe_watched(owned, {STARVED.key: STARVED}, POLICY, as_of=later, lifecycle="production", state=None)

    assert (seen.as_of, [one.subject for one in seen.found]) == (later, [str(STARVED.key)])


def test_an_open_outage_of_the_full_sweep_holds_back_what_a_watch_sweep_sees_clear() -> None:
    outage = AlertState(alert=OUTAGE)
    found = Finding(subject=str(FigureKind.OOM_KILLS), figures=finding().figures)
    seen = Observation(alert=OUTAGE, team=clear(0).team, as_of=START, found=(found,))
    outage = step(outage, seen, START, POLICY).state
    held = suppress_in_outage([clear(1), met(1)], outage)
    assert [one.reason != "" for one in held] == [True, False]
    assert suppress_in_outage([clear(1)], AlertState(alert=OUTAGE)) == [clear(1)]


def observation_of(kind: Kind, condition: Callable[[float], Finding]) -> Observation:
    number, shown, _ = kind
    return met(number, condition(number)) if shown == "met" else clear(number) if shown == "clear" else unknown(number)


def notices_of(history: Sequence[Kind], condition: Callable[[float], Finding]) -> list[Notice]:
    """Return what is sent, each notice recorded as sent and paged if it pages."""
    state, sent = AlertState(alert=ALERT), []
    for kind in history:
        taken = step(state, observation_of(kind, condition), sweep(kind[0]), POLICY, is_watch=kind[2])
        state = taken.state
        for notice in taken.notices:
            paged = notice.paging is Paging.TRIGGER
            page = OpenIncident(target="key", route="default", dedup_key="key") if paged else None
            post = SlackPost(target="C1", route="default", root="key")
            state = apply(state, record(notice, now=sweep(kind[0]), post=post, page=page))
            sent.append(notice)
    return sent


_PHASES = st.lists(st.integers(min_value=4, max_value=12), min_size=1, max_size=5)
"""Lengths in full sweeps. An OOM kill counts for 24 hours, so a condition lasts as long at least."""
_WATCHES = st.tuples(st.integers(min_value=1, max_value=23), st.integers(min_value=1, max_value=12))
"""The first one and the distance between two, in 24ths of a full sweep's slot: a quarter of an hour."""


def _histories(
    phases: Sequence[int], watches: tuple[int, int], shift: int, outages: Sequence[int]
) -> tuple[list[Kind], list[Kind]]:
    """Return the history by full sweeps alone, and that with watch sweeps. The condition is met in every other phase."""
    total = 4 + sum(phases)

    def shown(number: float) -> str:
        position, is_met = number - 4 - shift / 24, False
        for length in phases:
            if position < 0:
                break
            is_met, position = not is_met, position - length
        return "met" if is_met else "clear"

    fulls: list[Kind] = [(float(number), shown(number), False) for number in range(total)]
    first, distance = watches
    times = [number / 24 for number in range(first, 24 * (total - 1), distance) if number % 24]
    between: list[Kind] = [(one, "unknown" if round(one) in outages else shown(one), True) for one in times]
    return fulls, sorted([*fulls, *between])


@given(
    phases=_PHASES,
    watches=_WATCHES,
    shift=st.integers(min_value=0, max_value=23),
    outages=st.sets(st.integers(min_value=0, max_value=60)),
    kills=st.integers(min_value=0, max_value=4),
)
def test_watch_sweeps_make_notices_earlier_and_never_more(
    phases: list[int], watches: tuple[int, int], shift: int, outages: set[int], kills: int
) -> None:
    fulls, mixed = _histories(phases, watches, shift, sorted(outages))
    alone, together = (notices_of(history, lambda _: finding(kills=kills)) for history in (fulls, mixed))
    for kinds in ({NoticeKind.OPENED, NoticeKind.REOPENED}, {NoticeKind.RESOLVED}):
        before = [notice.as_of for notice in alone if notice.kind in kinds]
        now = [notice.as_of for notice in together if notice.kind in kinds]
        assert len(now) >= len(before)
        assert all(early <= late for early, late in zip(now, before, strict=False))
    pages = [notice.as_of for notice in together if notice.paging is Paging.TRIGGER]
    assert all(later - earlier >= FULL for earlier, later in pairwise(pages))
    assert all(notice.as_of - pages[0] >= timedelta(days=1) for notice in together if notice.kind is NoticeKind.REPEATED)
    assert len(_without_repeats(together)) <= len(_without_repeats(alone)) + _is_one_ahead(together, alone)


def _without_repeats(notices: Sequence[Notice]) -> list[Notice]:
    """Return the notices of what changed. An incident that opened earlier is repeated earlier, once a day as ever."""
    return [notice for notice in notices if notice.kind is not NoticeKind.REPEATED]


def _is_one_ahead(together: Sequence[Notice], alone: Sequence[Notice]) -> bool:
    """Return True if the history ends between a notice of a watch sweep and the full sweep that would have sent it."""
    newest, newest_alone = _without_repeats(together)[-1:], _without_repeats(alone)[-1:]
    return bool(newest) and (not newest_alone or newest[0].as_of > newest_alone[0].as_of)


def test_what_came_back_must_hold_as_long_as_by_full_sweeps_alone() -> None:
    fulls, mixed = _histories([8, 2, 2, 8], (1, 1), 0, [])
    alone, together = (notices_of(history, lambda _: finding()) for history in (fulls, mixed))
    opened_again = _histories([8, 2, 5, 8], (1, 1), 0, [])[1]
    kinds = [notice.kind for notice in together if notice.kind is not NoticeKind.REPEATED]
    assert kinds == [notice.kind for notice in alone if notice.kind is not NoticeKind.REPEATED]
    assert kinds == [NoticeKind.OPENED, NoticeKind.RESOLVED]
    assert NoticeKind.REOPENED in [notice.kind for notice in notices_of(opened_again, lambda _: finding())]


@given(
    shown=st.lists(st.tuples(st.sampled_from(["met", "clear", "unknown"]), st.booleans()), max_size=60),
    kills=st.integers(min_value=0, max_value=4),
)
def test_no_interleaving_resolves_on_unknown_or_changes_and_repeats_in_a_watch_sweep(
    shown: list[tuple[str, bool]], kills: int
) -> None:
    history: list[Kind] = [(number / 3, what, is_watch) for number, (what, is_watch) in enumerate(shown)]
    at = {sweep(number): (what, is_watch) for number, what, is_watch in history}
    opened = ended = 0
    for notice in notices_of(history, lambda number: finding(kills=kills + int(number))):
        what, is_watch = at[notice.as_of]
        assert not (notice.kind in ENDINGS and what != "clear")
        assert not is_watch or notice.is_new_page or notice.kind in {NoticeKind.OPENED, NoticeKind.REOPENED, *ENDINGS}
        opened += notice.kind in {NoticeKind.OPENED, NoticeKind.REOPENED}
        ended += notice.kind in ENDINGS
        assert 0 <= opened - ended <= 1


def test_a_watch_sweep_pages_what_was_only_posted_and_a_full_sweep_older_than_it_changes_nothing() -> None:
    state, sent = AlertState(alert=ALERT), []
    story = [(1.0, met(1, finding(kills=0)), False), (1.1, met(1.1, finding(kills=0)), True), (1.2, met(1.2), True)]
    for number, observation, is_watch in [*story, (1.0, clear(1), False), (1.05, clear(1.05), False)]:
        taken = step(state, observation, sweep(number), POLICY, is_watch=is_watch)
        state = taken.state
        for notice in taken.notices:
            page = OpenIncident(target="key", route="r", dedup_key="k") if notice.paging is Paging.TRIGGER else None
            state = apply(state, record(notice, now=sweep(number), post=SlackPost(target="C1", route="r", root="k"), page=page))
            sent.append((notice.kind, notice.as_of, page is not None))
    assert sent == [(NoticeKind.OPENED, sweep(1.1), False), (NoticeKind.CHANGED, sweep(1.2), True)]
    assert state.is_open


def test_the_rule_is_the_only_one_a_watch_sweep_observes() -> None:
    assert watched([STARVED], tracked=False).alert.rule is Rule.UNDER_PROVISIONED
