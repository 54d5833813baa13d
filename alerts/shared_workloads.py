"""Workloads that several components own page once: for the alert whose page is open, else for the first by reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from alerts.observations import AlertId, Finding, Observation, Verdict
from alerts.policy import PagingMode, Rule
from alerts.states import AlertState

_Danger: TypeAlias = tuple[Rule, str]
"""A rule, and the subject of a workload."""


def page_once(observations: Sequence[Observation], states: Mapping[AlertId, AlertState]) -> list[Observation]:
    """Return the observations with each workload paging for one alert of a rule; the others name that alert."""
    claims: dict[_Danger, list[AlertId]] = defaultdict(list)
    for observation in observations:
        for finding in observation.found:
            if finding.workload is not None and finding.page is not PagingMode.NEVER:
                claims[observation.alert.rule, finding.subject].append(observation.alert)
    seen = {observation.alert: observation for observation in observations}
    pagers = {danger: min(alerts) for danger, alerts in claims.items()} | dict(_open_pagers(states.values(), seen))
    return [_paging_for_its_own(observation, pagers) for observation in observations]


def _open_pagers(states: Iterable[AlertState], seen: Mapping[AlertId, Observation]) -> Iterable[tuple[_Danger, AlertId]]:
    for state in states:
        incident, observation = state.incident, seen.get(state.alert)
        if incident is None or incident.last_notification is None or incident.last_notification.paged is None:
            continue
        if observation is not None and observation.verdict is Verdict.WITHDRAWN:
            continue
        for subject in incident.last_notification.paged.subjects:
            if observation is None or not _pages_no_more(subject, observation):
                yield (state.alert.rule, subject), state.alert


def _pages_no_more(subject: str, observation: Observation) -> bool:
    return any(finding.subject == subject and finding.page is PagingMode.NEVER for finding in observation.found)


def _paging_for_its_own(observation: Observation, pagers: Mapping[_Danger, AlertId]) -> Observation:
    def own(finding: Finding) -> Finding:
        if finding.workload is None or finding.page is PagingMode.NEVER:
            return finding
        pager = pagers[observation.alert.rule, finding.subject]
        return finding if pager == observation.alert else replace(finding, page=PagingMode.NEVER, paged_by=pager)

    return replace(observation, found=tuple(own(finding) for finding in observation.found))
