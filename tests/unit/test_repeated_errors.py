"""A series of equal errors of a library is two log events, without stack traces."""

from __future__ import annotations

import logging

import pytest

from worker.repeated_errors import QUIET_S, RepeatedErrors


@pytest.fixture
def library() -> logging.Logger:
    return logging.getLogger("kombu.of.this.test")


def test_a_series_is_logged_at_its_beginning_and_at_its_end(library: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    errors = RepeatedErrors(monotonic=lambda: now[0])
    library.addFilter(errors)
    error = ValueError("OOM command not allowed")
    for number in range(20):
        now[0] += 5
        library.error("Error in timer: %r in attempt %d", type(error).__name__, number, exc_info=error)
        errors.check()
    library.error("another one")
    library.info("no error")
    assert caplog.messages == ["Error in timer: 'ValueError' in attempt 0: OOM command not allowed", "another one"]
    assert not any(record.exc_info for record in caplog.records)
    caplog.clear()
    now[0] += QUIET_S
    errors.check()
    errors.check()
    assert caplog.messages == ["error has not occurred again"] * 2
    library.error("another one")
    assert caplog.messages[-1] == "another one"
    library.removeFilter(errors)
