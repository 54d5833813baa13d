"""Who gets how much of the limit: equal parts, a quarter for who waits, nothing left lying."""

from __future__ import annotations

import pytest

from clients.throttle.allocation import LIVE_LINGERS_S, allocate
from clients.throttle.limit_algorithm import LimiterState, Participant, Priority

NOW = 1000.0


def sweep(wanted: int = 20, *, ceiling: int = 16) -> Participant:
    return Participant(kind=Priority.SWEEP, ceiling=ceiling, in_flight=ceiling, wanted=min(wanted, ceiling), seen_at=NOW)


def live(wanted: int) -> Participant:
    return Participant(kind=Priority.LIVE, ceiling=16, in_flight=wanted, wanted=wanted, seen_at=NOW)


@pytest.mark.parametrize(
    ("limit", "members", "shares"),
    [
        (None, {"a": sweep(), "b": sweep()}, {"a": 16, "b": 16}),
        (100, {"a": sweep(), "b": live(1)}, {"a": 16, "b": 16}),
        (12, {"a": sweep(), "b": sweep(), "c": sweep()}, {"a": 4, "b": 4, "c": 4}),
        (13, {"a": sweep(), "b": sweep(), "c": sweep()}, {"a": 5, "b": 4, "c": 4}),
        (12, {"a": sweep(2), "b": sweep()}, {"a": 2, "b": 10}),
        (12, {"a": sweep(2), "b": sweep(3)}, {"a": 6, "b": 6}),
        (2, {"a": sweep(), "b": sweep(), "c": sweep()}, {"a": 1, "b": 1, "c": 1}),
        (16, {"s": sweep(), "l": live(1)}, {"s": 12, "l": 4}),
        (16, {"s": sweep(), "l": live(16)}, {"s": 12, "l": 4}),
        (16, {"s": sweep(3), "l": live(16)}, {"s": 3, "l": 13}),
        (16, {"s": sweep(), "t": sweep(), "l": live(16), "m": live(16)}, {"s": 6, "t": 6, "l": 2, "m": 2}),
        (4, {"s": sweep(), "l": live(16)}, {"s": 3, "l": 1}),
        (2, {"s": sweep(), "l": live(16)}, {"s": 1, "l": 1}),
        (16, {"l": live(16), "m": live(2)}, {"l": 14, "m": 2}),
    ],
)
def test_shares(limit: float | None, members: dict[str, Participant], shares: dict[str, int]) -> None:
    is_live = any(member.kind is Priority.LIVE for member in members.values())
    assert allocate(LimiterState(limit=limit, members=members, live_at=NOW if is_live else 0.0), NOW) == shares


def test_sweeps_borrow_what_is_reserved_only_when_nobody_waited_for_a_while() -> None:
    common = LimiterState(limit=16, members={"a": sweep(), "b": sweep()}, live_at=NOW)
    assert sum(allocate(common, NOW + LIVE_LINGERS_S - 1).values()) == 12
    assert sum(allocate(common, NOW + LIVE_LINGERS_S).values()) == 16
