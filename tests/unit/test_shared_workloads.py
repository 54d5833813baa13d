"""A workload that several components own pages once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from alerts.lifecycle import Paging
from alerts.observations import AlertId, Observation
from alerts.policy import PagingMode, Rule
from alerts.shared_workloads import page_once
from tests.factories import make_ref
from tests.unit.alert_scenario import AlertScenario, clear, finding, gone, met, unknown

FIRST, SECOND, THIRD = (AlertId(rule=Rule.UNDER_PROVISIONED, about=make_ref(name)) for name in ("a", "b", "c"))
STAGING = finding(page=PagingMode.NEVER)


def of(alert: AlertId, observation: Observation) -> Observation:
    return replace(observation, alert=alert)


def paging(*observations: Observation, states: tuple[AlertScenario, ...] = ()) -> list[AlertId]:
    found = page_once(observations, {one.state.alert: one.state for one in states})
    return [one.alert for one in found for workload in one.found if workload.page is not PagingMode.NEVER]


def test_the_first_by_reference_pages_and_the_other_names_it() -> None:
    second, first = page_once([of(SECOND, met(1)), of(FIRST, met(1))], {})
    assert first.found == (finding(),)
    assert second.found == (replace(finding(), page=PagingMode.NEVER, paged_by=FIRST),)


def test_a_component_outside_production_is_no_pager() -> None:
    shown = [of(FIRST, met(1, STAGING)), of(SECOND, met(1))]
    assert page_once(shown, {}) == shown


def test_whose_page_is_open_goes_on_until_it_ends() -> None:
    second = AlertScenario(SECOND)
    second.observe(of(SECOND, met(0)))
    assert paging(of(FIRST, met(1)), of(SECOND, met(1)), states=(second,)) == [SECOND]
    for still_open in (unknown(1), clear(1)):
        assert paging(of(FIRST, met(1)), of(SECOND, still_open), states=(second,)) == []
    for over in (gone(1), met(1, STAGING)):
        assert paging(of(FIRST, met(1)), of(SECOND, over), states=(second,)) == [FIRST]


def test_what_ended_before_hides_no_page_that_is_open() -> None:
    quiet, left, third = AlertScenario(FIRST), AlertScenario(SECOND), AlertScenario(THIRD)
    left.observe(of(SECOND, met(0)))
    third.observe(of(THIRD, met(0)))
    seen = [of(FIRST, met(1)), of(SECOND, gone(1)), of(THIRD, met(1))]
    assert paging(*seen, states=(quiet, left, third)) == [THIRD]


shown = st.sampled_from(["found", "clear", "unknown"])


@given(st.lists(st.tuples(shown, shown), max_size=30))
def test_at_most_one_incident_is_open_for_a_shared_workload(story: list[tuple[str, str]]) -> None:
    scenarios = {alert: AlertScenario(alert) for alert in (FIRST, SECOND)}
    open_incidents: set[AlertId] = set()
    for number, both in enumerate(story):
        by_name = {"found": met(number), "clear": clear(number), "unknown": unknown(number)}
        observations = [of(alert, by_name[what]) for alert, what in zip(scenarios, both, strict=True)]
        states = {alert: scenario.state for alert, scenario in scenarios.items()}
        for observation in page_once(observations, states):
            for notice in scenarios[observation.alert].observe(observation):
                if notice.paging is Paging.TRIGGER:
                    open_incidents.add(observation.alert)
                elif notice.paging is Paging.RESOLVE:
                    open_incidents.remove(observation.alert)
        assert len(open_incidents) <= 1
