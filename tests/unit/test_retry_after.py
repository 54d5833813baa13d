"""Whatever a service sends as Retry-After, it is between nothing and an hour, or ignored."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from clients.http.messages import MAX_RETRY_AFTER_S, retry_after_s, wait_s

DATES = st.from_regex(
    r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,6} [0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|[+-][0-9]{4}|)", fullmatch=True
)
VALUES = st.text(max_size=40) | DATES | st.floats().map(str) | st.integers().map(str)


@given(VALUES, VALUES)
@example("Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359")
@example("9" * 5000, "")
def test_any_retry_after_is_bounded(value: str, date: str) -> None:
    seconds = retry_after_s({"retry-after": value, "date": date})
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_S
    assert 1 <= wait_s(seconds, default_s=30) <= MAX_RETRY_AFTER_S
