"""Any interleaving of watch sweeps and full sweeps, late, overlapping and with outages, against the full sweeps alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import groupby, pairwise
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from alerts.folding import apply
from alerts.lifecycle import Notice, Paging, record, step
from alerts.policy import AlertPolicy
from alerts.states import ENDINGS, AlertState, NoticeKind, OpenIncident, SlackPost
from alerts.watching import is_superseded
from tests.unit.alert_scenario import ALERT, START, clear, finding, met, unknown

PER_FULL: Final = 24
"""Quarters of an hour in the slot of a full sweep."""
QUARTER: Final = timedelta(minutes=15)
POLICY: Final = AlertPolicy(instance="test", full_sweep_every=PER_FULL * QUARTER)
DAY: Final = 4 * PER_FULL
"""An OOM kill counts for 24 hours: a condition lasts as long at least."""
SEEN_BY_FULL_SWEEPS: Final = 3 * PER_FULL
"""In this time at least two full sweeps measure, wherever in their slots."""
SETTLING: Final = 8 * PER_FULL
OPENINGS: Final = frozenset({NoticeKind.OPENED, NoticeKind.REOPENED})


@dataclass(frozen=True, kw_only=True, repr=False)
class PlannedSweep:
    """Times in quarters of an hour."""

    as_of: int
    measured_at: int
    closed_at: int
    shows: str
    """`met`, `clear`, `unknown`, or `undecided`: clear as far as it was measured."""
    is_watch: bool

    def __repr__(self) -> str:
        return f"{'watch' if self.is_watch else 'full'} {self.as_of}-{self.closed_at} {self.shows}"


@dataclass(frozen=True, kw_only=True)
class PlannedHistory:
    """A condition that is met in every other phase, and the sweeps over it."""

    alone: tuple[PlannedSweep, ...]
    """The full sweeps, each measured."""
    mixed: tuple[PlannedSweep, ...]
    """The same, and watch sweeps, each of either kind possibly unknown."""
    times: int
    """How often the condition is met."""


@cache
def up_to(most: int) -> st.SearchStrategy[int]:
    """Return the strategy for a number of quarters, one object for each limit: Hypothesis validates every new one."""
    return st.integers(0, most)


WATCH_DURATIONS: Final = st.sampled_from([0, 0, 0, 1, 2, 5, 30])


@st.composite
def histories(draw: st.DrawFn, *, min_met: int, min_gap: int) -> PlannedHistory:
    met_for, gap = st.integers(min_met, min_met + DAY), st.integers(min_gap, min_gap + DAY)
    number = draw(st.integers(1, 3))
    phases = [length for _ in range(number) for length in (draw(met_for), draw(gap))][:-1]
    begins, ends = 2 * PER_FULL, 2 * PER_FULL + sum(phases)
    full_durations = up_to(draw(st.integers(0, PER_FULL - 1)))
    fulls, watches = [], []
    for as_of in range(0, ends + SETTLING, PER_FULL):
        duration = draw(full_durations)
        measured_at = as_of + (draw(up_to(duration)) if duration else 0)
        fulls.append(_planned(as_of, measured_at, as_of + duration, begins, phases, is_watch=False))
    distance = draw(st.integers(1, 12))
    for as_of in range(draw(st.integers(1, 23)), ends, distance):
        if as_of % PER_FULL:
            duration = draw(WATCH_DURATIONS)
            measured_at = as_of + (draw(up_to(duration)) if duration else 0)
            watches.append(_planned(as_of, measured_at, as_of + duration, begins, phases, is_watch=True))
    unmeasured = draw(st.dictionaries(st.integers(0, ends), st.sampled_from(["unknown", "undecided"]), max_size=40))
    mixed = [replace(one, shows=unmeasured[one.as_of]) if one.as_of in unmeasured else one for one in (*fulls, *watches)]
    return PlannedHistory(alone=tuple(fulls), mixed=tuple(mixed), times=number)


def _planned(as_of: int, measured_at: int, closed_at: int, begins: int, phases: Sequence[int], *, is_watch: bool) -> PlannedSweep:
    position, is_met = measured_at - begins, False
    for length in phases:
        if position < 0:
            break
        is_met, position = not is_met, position - length
    is_met = is_met and position < 0
    shows = "met" if is_met else "clear"
    return PlannedSweep(as_of=as_of, measured_at=measured_at, closed_at=closed_at, shows=shows, is_watch=is_watch)


def sweep_at(as_of: int, shows: str, *, is_watch: bool, takes: int = 0) -> PlannedSweep:
    return PlannedSweep(as_of=as_of, measured_at=as_of, closed_at=as_of + takes, shows=shows, is_watch=is_watch)


@dataclass
class PlannedAlert:
    """One alert as the evaluate stage keeps it: what is closed is evaluated by as_of, each notice recorded as sent."""

    kills: int
    state: AlertState = AlertState(alert=ALERT)  # noqa: RUF009 - frozen
    newest: int = -1

    def evaluate(self, one: PlannedSweep) -> list[Notice]:
        number = one.as_of / PER_FULL
        if one.is_watch and is_superseded(START + one.as_of * QUARTER, START + self.newest * QUARTER):
            return []
        self.newest = max(self.newest, one.as_of)
        shown = {
            "met": met(number, finding(kills=self.kills)),
            "clear": clear(number),
            "unknown": unknown(number),
            "undecided": clear(number, unknown=("another workload",)),
        }[one.shows]
        now = START + one.closed_at * QUARTER
        taken = step(self.state, shown, now, POLICY, is_watch=one.is_watch)
        self.state = taken.state
        for notice in taken.notices:
            page = OpenIncident(target="k", route="r", dedup_key="k") if notice.paging is Paging.TRIGGER else None
            post = SlackPost(target="C1", route="r", root="k")
            self.state = apply(self.state, record(notice, now=now, post=post, page=page))
        return list(taken.notices)


def run(sweeps: Sequence[PlannedSweep], kills: int) -> list[tuple[PlannedSweep, Notice]]:
    """Evaluate each sweep when it is closed; what is closed at the same time by as_of."""
    alert = PlannedAlert(kills=kills)
    ordered = sorted(sweeps, key=order_of)
    return [(one, notice) for one in ordered for notice in alert.evaluate(one)]


def count(sent: Sequence[tuple[PlannedSweep, Notice]], kinds: Collection[NoticeKind]) -> int:
    return sum(notice.kind in kinds for _, notice in sent)


@given(history=histories(min_met=DAY, min_gap=SEEN_BY_FULL_SWEEPS), kills=st.integers(1, 4))
def test_no_interleaving_sends_more_than_the_full_sweeps_alone(history: PlannedHistory, kills: int) -> None:
    """Apart from a condition that the full sweeps measure, and hold back as flapping until it is over."""
    alone, mixed = run(history.alone, kills), run(history.mixed, kills)
    held_back = count_held_back(history.alone, alone)
    assert count(mixed, OPENINGS) <= count(alone, OPENINGS) + held_back
    assert count(mixed, ENDINGS) <= count(alone, ENDINGS) + held_back


def count_held_back(sweeps: Sequence[PlannedSweep], sent: Sequence[tuple[PlannedSweep, Notice]]) -> int:
    """Return how often the condition was measured as met, in one sweep or several in a row, without an opening."""
    opened_at = {one.as_of for one, notice in sent if notice.kind in OPENINGS}
    in_a_row = [list(group) for shows, group in groupby(sweeps, key=lambda one: one.shows) if shows == "met"]
    return sum(opened_at.isdisjoint(one.as_of for one in group) for group in in_a_row)


REPEATED_LATE: Final = PlannedHistory(
    alone=(),
    mixed=(
        *(sweep_at(number * PER_FULL, "met", is_watch=False) for number in range(4)),
        sweep_at(DAY, "clear", is_watch=False, takes=2),
        sweep_at(DAY + 1, "met", is_watch=True),
    ),
    times=1,
)
"""A repeat is due at a full sweep that ends later than a watch sweep after it, which found the condition again."""


@given(history=histories(min_met=1, min_gap=1), kills=st.integers(1, 4))
@example(history=REPEATED_LATE, kills=1)
def test_a_condition_opens_and_resolves_at_most_once_and_never_on_unknown(history: PlannedHistory, kills: int) -> None:
    """However short it is, and however soon it comes back."""
    mixed = run(history.mixed, kills)
    assert count(mixed, ENDINGS) <= count(mixed, OPENINGS) <= history.times
    assert {notice.kind for _, notice in mixed} <= {*OPENINGS, NoticeKind.RESOLVED, NoticeKind.REPEATED}
    for (ending, last), (opening, following) in pairwise(mixed):
        if last.kind in ENDINGS:
            assert following.kind in OPENINGS
            assert (opening.as_of - ending.as_of) * QUARTER >= 3 * POLICY.full_sweep_every
    for one, notice in mixed:
        known = [other for other in history.mixed if other.shows in {"met", "clear"} and order_of(other) < order_of(one)]
        in_order = [other for other in known if other.as_of < one.as_of]
        newest = max((*known, one), key=lambda other: other.as_of)
        deciding = newest if notice.kind is NoticeKind.REPEATED else one
        assert deciding.shows == ("clear" if notice.kind in ENDINGS else "met")
        if notice.kind in ENDINGS:
            assert max(in_order, key=lambda other: other.as_of).shows == "clear"
        elif one.is_watch:
            assert not [other for other in known if other.as_of > one.as_of], "opened by what a newer sweep has decided"


def order_of(one: PlannedSweep) -> tuple[int, int]:
    return one.closed_at, one.as_of


@given(history=histories(min_met=DAY, min_gap=SEEN_BY_FULL_SWEEPS), kills=st.integers(1, 4))
def test_two_clear_sweeps_in_a_row_of_either_kind_resolve(history: PlannedHistory, kills: int) -> None:
    alert, clear_in_a_row = PlannedAlert(kills=kills), 0
    for one in sorted(history.mixed, key=lambda one: one.as_of):
        alert.evaluate(one)
        clear_in_a_row = clear_in_a_row + 1 if one.shows == "clear" else 0
        assert not (clear_in_a_row >= 2 and alert.state.is_open)
