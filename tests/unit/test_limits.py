"""The limit of all processes together: it backs off, settles, recovers, and is not fooled by noise or by a slower network."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.throttle.allocation import LIVE_LINGERS_S, allocate
from clients.throttle.limit_algorithm import (
    LONGEST_HOLD_S,
    MEMBER_FOR_S,
    SETTLES_IN_S,
    BackoffReason,
    LimiterState,
    Priority,
    Timing,
    UsageReport,
    advance,
    alone,
    recalled,
)
from tests.unit.pacing import ROUTE, Process, Service, Town

BUSY = UsageReport(kind=Priority.SWEEP, ceiling=16, in_flight=16, wanted=20)
NOW = 1000.0


def sweepers(count: int) -> list[Process]:
    return [Process(name=f"p{number}") for number in range(count)]


def answered(calls: int, *, each_s: float = 0.1) -> dict[str, Timing]:
    return {ROUTE: Timing(calls=calls, seconds=calls * each_s)}


@pytest.mark.parametrize(("capacity", "processes"), [(8, 1), (8, 4), (24, 4), (60, 4)])
@pytest.mark.parametrize("retry_after_s", [0, 1])
def test_it_settles_below_what_the_service_can_take(capacity: int, processes: int, retry_after_s: int) -> None:
    service = Service(capacity=capacity, retry_after_s=retry_after_s)
    town = Town(service, *sweepers(processes))
    town.run(60)
    good, refused = service.good, service.refused
    town.run(120)
    good, refused = service.good - good, service.refused - refused
    assert refused < 0.02 * good
    assert good > 0.75 * 120 * capacity / 0.1
    assert max(town.limits(120)) <= 1.2 * capacity + 1


def test_it_finds_the_way_down_in_seconds() -> None:
    town = Town(Service(capacity=4, retry_after_s=1), *sweepers(4))
    assert town.total_after(15) <= 6


def test_it_recovers_when_the_service_does() -> None:
    service = Service(capacity=8, retry_after_s=1)
    town = Town(service, *sweepers(4))
    assert town.total_after(60) <= 9
    service.capacity = None
    assert town.total_after(90) == 64
    assert town.common.limit is None


def test_an_outage_leaves_one_call_a_process_and_ends_with_it() -> None:
    service = Service(retry_after_s=1)
    town = Town(service, *sweepers(4))
    town.run(10)
    service.is_down = True
    assert town.total_after(60) == 4
    service.is_down = False
    assert town.total_after(120) == 64


def exponential(_: int, noise: random.Random) -> float:
    return noise.expovariate(1 / 0.3)


def heavy_tailed(_: int, noise: random.Random) -> float:
    return noise.lognormvariate(-1.5, 1.2)


def two_kinds(_: int, noise: random.Random) -> float:
    return 0.02 if noise.random() < 0.9 else 2.0


@pytest.mark.parametrize("takes_s", [exponential, heavy_tailed, two_kinds])
@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_slowness(takes_s: Callable[[int, random.Random], float], seed: int) -> None:
    town = Town(Service(takes_s=takes_s), *sweepers(2), Process(name="few", ceiling=2), seed=seed)
    town.run(300)
    assert not town.cuts
    assert town.common.total == 34


def test_it_backs_off_from_a_queue_and_keeps_it_busy() -> None:
    service = Service()
    town = Town(service, *sweepers(2))
    town.run(30)
    service.takes_s = lambda in_flight, _: 0.1 * max(1, in_flight / 8)  # as eight servers behind one queue
    assert town.total_after(60) <= 18
    good = service.good
    town.run(300)
    assert town.cuts.keys() == {BackoffReason.SLOW}
    assert min(town.limits(300)) >= 12
    assert max(town.limits(300)) <= 18
    assert service.good - good > 0.9 * 300 * 8 / 0.1
    service.takes_s = lambda _, __: 0.1
    assert town.total_after(90) == 32


@pytest.mark.parametrize("slower", [3, 8, 30])
def test_a_network_that_got_slower_becomes_usual(slower: int) -> None:
    service = Service()
    town = Town(service, *sweepers(2))
    town.run(30)
    service.takes_s = lambda _, __: 0.1 * slower
    town.run(60)
    assert town.cuts[BackoffReason.SLOW]
    town.run(180)
    assert min(town.limits(240)) >= 8
    assert town.common.total == 32
    cuts = town.cuts.total()
    town.run(300)
    assert town.cuts.total() == cuts


def test_a_light_load_is_not_cut_for_slowness() -> None:
    service = Service()
    town = Town(service, Process(name="a", kind=Priority.LIVE, wants=2))
    town.run(60)
    service.takes_s = lambda _, __: 1.0
    town.run(120)
    assert not town.cuts


def test_a_tenth_of_a_second_more_is_no_slowness_of_the_service() -> None:
    service = Service(takes_s=lambda _, __: 0.02)
    town = Town(service, *sweepers(2))
    town.run(30)
    service.takes_s = lambda _, __: 0.1
    town.run(60)
    assert not town.cuts


def test_nothing_is_judged_by_the_first_few_calls() -> None:
    common = advance(LimiterState(), "a", replace(BUSY, good=answered(24, each_s=0.01)), NOW)
    common = advance(common, "a", BUSY, NOW + 1.2)
    for second in range(1, 6):
        common = advance(common, "a", replace(BUSY, good=answered(10, each_s=1.0)), NOW + 1.2 + 1.1 * second)
    assert common.cut is None
    assert common.usual[ROUTE].seconds > 0.5


def test_dearer_calls_are_not_slower_ones() -> None:
    common = LimiterState()
    for second in range(30):
        share = 0 if second < 15 else 40
        good = {
            "cheap": Timing(calls=50 - share, seconds=(50 - share) * 0.05),
            "dear": Timing(calls=10 + share, seconds=10 + share),
        }
        common = advance(common, "a", replace(BUSY, good=good), NOW + 1.1 * second)
    assert common.cut is None


def test_refusals_before_all_have_heard_of_a_cut_do_not_cut_again() -> None:
    common = LimiterState()
    for number in range(4):
        common = advance(common, f"p{number}", replace(BUSY, good=answered(100)), NOW + number / 10)
    common = advance(common, "p0", replace(BUSY, refused=3, good=answered(100)), NOW + 1)
    once = common.limit
    for number in range(4):
        common = advance(common, f"p{number}", replace(BUSY, refused=3), NOW + 1 + number / 10)
    assert once == pytest.approx(64 * 0.7)
    assert common.limit == pytest.approx(once, rel=0.05)
    common = advance(common, "p0", replace(BUSY, refused=3, good=answered(10)), NOW + 1 + SETTLES_IN_S + 0.2)
    assert common.cut_at > NOW + 1
    assert common.limit == pytest.approx(0.7 * common.cut_from)


def test_a_refusal_of_few_calls_says_little_about_many() -> None:
    common = advance(LimiterState(), "idle", UsageReport(kind=Priority.LIVE, ceiling=16, in_flight=1, wanted=1, refused=1), NOW)
    assert common.total == 8


def test_one_call_that_hangs_among_many_cuts_nothing() -> None:
    common = advance(LimiterState(), "a", replace(BUSY, good=answered(50), silent=1), NOW)
    assert common.limit is None


def test_calls_that_are_not_answered_in_time_cut() -> None:
    common = advance(LimiterState(), "a", replace(BUSY, silent=16), NOW)
    assert (common.cut, common.total) == (BackoffReason.SILENT, 8)


def test_all_hold_back_as_long_as_one_was_asked_to_but_not_for_ever() -> None:
    common = advance(LimiterState(), "a", replace(BUSY, refused=1, hold_s=3), NOW)
    assert common.held_until == NOW + 3
    common = advance(common, "b", BUSY, NOW + 1)
    assert common.held_until == NOW + 3
    common = advance(common, "b", replace(BUSY, refused=1, hold_s=3600), NOW + 1)
    assert common.held_until == NOW + 1 + LONGEST_HOLD_S


def test_a_process_that_died_is_a_member_no_longer() -> None:
    common = advance(advance(LimiterState(), "dead", BUSY, NOW), "alive", BUSY, NOW)
    assert common.ceiling == 32
    assert advance(common, "alive", BUSY, NOW + MEMBER_FOR_S).ceiling == 16


def test_a_process_that_asks_nothing_gives_its_share_back() -> None:
    common = advance(advance(LimiterState(), "a", BUSY, NOW), "b", BUSY, NOW)
    assert set(advance(common, "a", replace(BUSY, in_flight=0, wanted=0), NOW + 1).members) == {"b"}


def test_a_farewell_after_a_refusal_cuts_nothing() -> None:
    assert advance(LimiterState(), "a", replace(BUSY, in_flight=0, wanted=0, refused=1), NOW).limit is None


def test_an_old_cut_that_stands_in_nobodys_way_is_forgotten() -> None:
    light = UsageReport(kind=Priority.LIVE, ceiling=16, in_flight=1, wanted=1)
    common = advance(LimiterState(), "a", replace(light, refused=1), NOW)
    assert advance(common, "a", light, NOW + 500).limit == common.limit
    assert advance(common, "a", light, NOW + 700).limit is None


def test_after_a_long_pause_a_cut_is_forgotten_but_not_what_is_usual() -> None:
    common = advance(LimiterState(), "a", replace(BUSY, good=answered(100)), NOW)
    common = advance(common, "a", replace(BUSY, good=answered(100)), NOW + 2)
    common = advance(common, "a", replace(BUSY, refused=1), NOW + 4)
    assert advance(common, "a", BUSY, NOW + 500).limit is not None
    later = advance(common, "a", BUSY, NOW + 700)
    assert (later.limit, later.total) == (None, 16)
    assert later.usual == common.usual != {}
    assert recalled(None, common, NOW + 700).limit is None
    assert recalled(LimiterState(advanced_at=NOW + 699), common, NOW + 700).limit is None


def test_alone_a_process_goes_on_with_its_share() -> None:
    common = LimiterState()
    for number in range(4):
        common = advance(common, f"p{number}", replace(BUSY, refused=1), NOW)
    share = allocate(common, NOW)["p0"]
    own = advance(alone(common, "p0", share=share, now=5.0), "p0", BUSY, 5.0)
    assert share < 16
    assert (own.total, set(own.members)) == (share, {"p0"})
    for second in range(120):
        own = advance(own, "p0", BUSY, 6.0 + second)
    assert own.total == 16


def test_alone_a_process_that_was_not_limited_is_not() -> None:
    common = advance(LimiterState(), "a", BUSY, NOW)
    assert alone(common, "a", share=16, now=5.0).limit is None
    assert alone(LimiterState(), "a", share=16, now=5.0) == LimiterState(advanced_at=5.0)


def test_a_cut_that_was_forgotten_is_recalled_by_who_knows_of_it() -> None:
    before = advance(LimiterState(), "a", BUSY, NOW)
    cut = advance(before, "a", replace(BUSY, refused=1), NOW + 1)
    assert recalled(None, cut, NOW + 2) == cut
    assert recalled(before, cut, NOW + 2).limit == cut.limit
    assert recalled(cut, before, NOW + 2) == cut
    assert recalled(before, cut, NOW).cut_at == NOW


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    common = advance(LimiterState(), "a", replace(BUSY, refused=1, hold_s=5), NOW)
    back = advance(common, "a", BUSY, NOW - 500)
    assert back.held_until <= NOW - 500 + LONGEST_HOLD_S
    cut = advance(back, "a", replace(BUSY, refused=1), NOW - 490)
    assert (cut.limit or 0) < (back.limit or 0)


reports = st.builds(
    UsageReport,
    kind=st.sampled_from(Priority),
    ceiling=st.integers(1, 40),
    in_flight=st.integers(0, 60),
    wanted=st.integers(0, 60),
    good=st.dictionaries(
        st.sampled_from(("x", "y")), st.builds(Timing, calls=st.integers(0, 200), seconds=st.floats(0, 500)), max_size=2
    ),
    refused=st.integers(0, 2),
    silent=st.integers(0, 2),
    hold_s=st.floats(0, 100),
)
histories = st.lists(st.tuples(st.sampled_from("abcdef"), reports, st.floats(0, 8)), min_size=1, max_size=40)


@given(histories)
def test_whatever_happens_the_shares_keep_the_limit_and_nobody_is_starved(
    history: list[tuple[str, UsageReport, float]],
) -> None:
    common, now, last_cut_at = LimiterState(), NOW, 0.0
    for name, report, pause in history:
        now += pause
        common = advance(common, name, report, now)
        shares = allocate(common, now)
        assert shares.keys() == common.members.keys()
        assert all(1 <= share <= common.members[name].ceiling for name, share in shares.items())
        assert len(shares) <= common.total <= common.ceiling or not shares
        if any(member.kind is Priority.LIVE for member in common.members.values()) or now - common.live_at >= LIVE_LINGERS_S:
            assert sum(shares.values()) == common.total
        else:
            assert sum(shares.values()) <= common.total
        if common.cut_at != last_cut_at:
            assert common.cut_at - last_cut_at >= SETTLES_IN_S
            last_cut_at = common.cut_at
        _check_parts(common, shares)


def _check_parts(common: LimiterState, shares: dict[str, int]) -> None:
    live = {name: member for name, member in common.members.items() if member.kind is Priority.LIVE}
    sweep = {name: member for name, member in common.members.items() if member.kind is Priority.SWEEP}
    reserved = min(max(1, round(common.total / 4), len(live)), common.total - len(sweep))
    had_by_live, had_by_sweep = (sum(shares[name] for name in group) for group in (live, sweep))
    if live:
        assert had_by_live >= min(reserved, sum(member.wanted for member in live.values()))
    assert had_by_sweep >= min(common.total - reserved, sum(member.wanted for member in sweep.values()))
