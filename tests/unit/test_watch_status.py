"""What `status` says about watch sweeps, and when that is a problem."""

from datetime import timedelta

import pytest

from domain.sweeps import WatchSource, WatchSweep, reached_interval
from tasks.maintenance.watch_status import WatchStatus, describe_watch, watch_problems
from tests.factories import NOW

EVERY = timedelta(minutes=15)
HOUR = timedelta(hours=1)


def status(*, cadence: timedelta | None = EVERY, failing_for: timedelta | None = None, look: timedelta = EVERY) -> WatchStatus:
    failure = "ScaleOps is down" if failing_for is not None else ""
    newest = WatchSweep(
        as_of=NOW, opened_at=NOW, alive_at=NOW, closed_at=NOW, evaluated_at=None, source=WatchSource.INVENTORY, failure=failure
    )
    since = None if failing_for is None else NOW - failing_for
    return WatchStatus(newest=newest, cadence=cadence, last_look=NOW - look, failing_since=since)


@pytest.mark.parametrize(
    ("found", "every", "words"),
    [
        (None, timedelta(0), ["switched off"]),
        (None, EVERY, ["every 15 minutes", "none was done yet"]),
        (status(cadence=None), EVERY, ["every 15 minutes", "by inventory"]),
        (status(cadence=3 * EVERY), EVERY, ["every 15 minutes", "by inventory, 45 minutes after the sweep before"]),
        (status(cadence=5 * HOUR + timedelta(minutes=17)), HOUR, ["every 1 hour", "5 h 17 min after the sweep before"]),
        (status(failing_for=HOUR), EVERY, ["failed, as all since", "ScaleOps is down"]),
    ],
)
def test_the_interval_is_that_of_the_settings_and_that_which_is_reached(
    found: WatchStatus | None, every: timedelta, words: list[str]
) -> None:
    sentence = describe_watch(found, every=every)
    assert [word for word in words if word not in sentence] == []


@pytest.mark.parametrize(
    ("found", "every", "problem"),
    [
        (None, EVERY, None),
        (status(), EVERY, None),
        (status(failing_for=HOUR - EVERY), EVERY, None),
        (status(failing_for=HOUR), EVERY, "watch sweeps have failed since"),
        (status(look=3 * HOUR), EVERY, "no sweep has looked for workloads in danger since"),
        (status(look=3 * HOUR), HOUR, None),
        (status(look=3 * HOUR), timedelta(0), None),
    ],
)
def test_failures_of_an_hour_and_silence_are_problems(found: WatchStatus | None, every: timedelta, problem: str | None) -> None:
    found_problems = list(watch_problems(found, every=every, now=NOW))
    assert len(found_problems) == (problem is not None)
    assert all(problem is not None and one.sentence.startswith(problem) for one in found_problems)


def test_the_interval_is_over_both_kinds_of_sweep() -> None:
    assert reached_interval([]) is reached_interval([NOW]) is reached_interval([NOW, NOW]) is None
    assert reached_interval([NOW - HOUR, NOW, NOW - EVERY]) == EVERY
