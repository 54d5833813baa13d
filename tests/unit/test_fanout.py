"""Calls of one caller, in parallel or sequentially."""

import threading

import pytest

from actions.fanout import AdaptiveFanOut, ThreadFanOut

MAIN = threading.get_ident


def test_while_saturated_calls_are_made_sequentially_in_the_calling_thread() -> None:
    with ThreadFanOut(4) as threads:
        made_by = AdaptiveFanOut(threads, is_saturated=lambda: True)([MAIN] * 3)
    assert made_by == [MAIN()] * 3


def test_once_not_saturated_the_rest_is_made_in_parallel_and_returned_in_order() -> None:
    busy = iter([True, False])
    together = threading.Barrier(3, timeout=10)  # breaks unless three calls are under way at once

    def waits(name: str) -> str:
        together.wait()
        return name

    calls = [lambda: "first", lambda: waits("second"), lambda: waits("third"), lambda: waits("fourth")]
    with ThreadFanOut(4) as threads:
        answers = AdaptiveFanOut(threads, is_saturated=lambda: next(busy))(calls)
    assert answers == ["first", "second", "third", "fourth"]


@pytest.mark.parametrize("busy", [True, False])
def test_the_first_error_is_raised(*, busy: bool) -> None:
    def fails() -> int:
        raise LookupError

    with ThreadFanOut(4) as threads, pytest.raises(LookupError):
        AdaptiveFanOut(threads, is_saturated=lambda: busy)([lambda: 1, fails, lambda: 2])
