"""OOM kills are counted over 24 hours: once the last one has left them, an open page is not repeated as an emergency."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Paging
from alerts.observations import Observation, Severity
from alerts.policy import PagingMode
from alerts.states import EVIDENCE_WINDOW
from domain.messages import Channel
from store import Store
from tests.factories import PAYMENTS, make_component
from tests.integration.alert_installation import Installation, fine, starved
from tests.unit.alert_scenario import AlertScenario, clear, finding, met, unknown

KILLED = finding(kills=5)
SAFE = finding(kills=0)
"""Still under-provisioned, and not killed any more."""


def pages(alert: AlertScenario) -> list[tuple[Severity, int]]:
    return [(one.as_page.severity, int(one.as_page.amount)) for one in alert.notices if one.paging is Paging.TRIGGER]


def test_a_page_is_not_repeated_without_a_kill_in_24_hours() -> None:
    alert = AlertScenario()
    alert.observe(
        met(0, KILLED), *(met(number, KILLED) for number in range(1, 4)), *(met(number, SAFE) for number in range(4, 40))
    )
    assert pages(alert) == [(Severity.CRITICAL, 5)]
    assert alert.state.is_open


def test_a_page_is_repeated_with_the_kills_that_are_left() -> None:
    alert = AlertScenario()
    alert.observe(met(0, KILLED), *(met(number, finding(kills=1)) for number in range(1, 5)))
    assert pages(alert) == [(Severity.CRITICAL, 5), (Severity.ERROR, 1)]


@pytest.mark.parametrize("lost", ["component", "workload"])
def test_a_page_is_not_repeated_while_the_last_kill_seen_is_older_than_24_hours(lost: str) -> None:
    def away(number: int) -> Observation:
        return unknown(number) if lost == "component" else clear(number, unknown=(KILLED.subject,))

    alert = AlertScenario()
    alert.observe(met(0, KILLED), met(1, KILLED), *(away(number) for number in range(2, 40)))
    assert pages(alert) == [(Severity.CRITICAL, 5)] * 2, "the repeat after 24 hours has evidence of 18 hours ago"
    assert alert.state.is_open
    alert.observe(met(41, KILLED))
    assert len(pages(alert)) == 3, "it was measured again"


@pytest.mark.parametrize("later", [met, lambda number, _: unknown(number)], ids=["measured", "unknown"])
def test_a_rule_that_always_pages_repeats_without_evidence_and_not_as_critical(later: Any) -> None:
    alert = AlertScenario()
    always = finding(kills=5, page=PagingMode.ALWAYS), replace(SAFE, page=PagingMode.ALWAYS, severity=Severity.ERROR)
    alert.observe(met(0, always[0]), *(later(number, always[1]) for number in range(1, 6)))
    assert [severity for severity, _ in pages(alert)] == [Severity.CRITICAL, Severity.ERROR]


shown = st.sampled_from(["killed", "safe", "unknown", "clear"])


@given(st.lists(shown, max_size=60))
def test_every_page_counts_kills_of_the_24_hours_before_it(history: list[str]) -> None:
    alert = AlertScenario()
    seen = None
    for number, what in enumerate(history):
        observation = {
            "killed": met(number, KILLED),
            "safe": met(number, SAFE),
            "unknown": unknown(number),
            "clear": clear(number),
        }[what]
        seen = observation.as_of if what == "killed" else None if what in ("safe", "clear") else seen
        for notice in alert.observe(observation):
            if notice.paging is Paging.TRIGGER:
                assert seen is not None
                assert timedelta(0) <= observation.as_of - seen < EVIDENCE_WINDOW


def test_a_storm_is_not_repeated_once_no_member_has_evidence(sqlite_store: Store) -> None:
    names = [f"c{number}" for number in range(6)]
    installation = Installation(store=sqlite_store, components=[make_component(name) for name in names])
    fine_before = {name: [fine(name)] for name in names}
    killed, safe = ({name: [starved(name, kills=kills)] for name in names} for kills in (5, 0))
    messages = installation.run(fine_before, killed, killed, *[safe] * 12)
    pages = [one for one in messages if one.channel is Channel.PAGERDUTY]
    assert [one.stream for one in pages] == [f"alert:storm:{PAYMENTS}:pagerduty"]
