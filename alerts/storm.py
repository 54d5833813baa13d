"""Many notices at once are one notice. Looks at all that one sweep would tell, and folds what would drown its reader.

A storm is itself an alert, (storm, team) or (storm, platform), whose members are the alerts it stands for: it opens with the
first, changes when others join, and resolves with the last. An outage is one too, and while it lasts nobody else is judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from alerts.lifecycle import Notice, Paging
from alerts.observations import PLATFORM, AlertId, Finding, MemberFigures, Observation, OutageFigures, Severity, Verdict, worst_of
from alerts.policy import AlertPolicy, PagingMode, Rule, StormLimits
from alerts.rules import WHOLE
from alerts.states import ENDINGS, AlertState, NoticeKind
from domain.refs import EntityRef

OUTAGE: Final = AlertId(rule=Rule.OUTAGE, about=PLATFORM)
PLATFORM_RULES: Final = frozenset({Rule.UNMEASURED, Rule.OUTAGE})
"""What the platform hears instead of the owner."""


class SummaryReason(StrEnum):
    """Why several notices are told as one."""

    FIRST_SWEEP = "first-sweep"
    MANY = "many"
    MANY_ENDED = "many-ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Notices that share one Slack message. Each keeps its own page."""

    audience: EntityRef
    why: SummaryReason
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed:
    """A notice that a storm tells: it does not page, and when the storm is the team's own it is not posted either."""

    notice: Notice
    storm: AlertId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePlan:
    """What becomes of the notices of one sweep. Every one stands in `alone`, in a summary, or is silent."""

    alone: tuple[Notice, ...]
    summaries: tuple[Summary, ...]
    silent: tuple[Notice, ...]
    """Members of a team's storm: the storm's own message speaks for them."""
    storms: Mapping[AlertId, AlertId]
    """The storm of each absorbed alert."""
    observations: tuple[Observation, ...]
    """What this sweep shows of each storm that is open or begins."""


def audience_of(notice: Notice) -> EntityRef:
    """Answer who reads a notice in Slack: the team, or the platform."""
    is_for_platform = notice.alert.rule in PLATFORM_RULES or notice.alert.about == PLATFORM
    return PLATFORM if is_for_platform else notice.team


def plan(notices: Sequence[Notice], open_alerts: Iterable[AlertState], *, as_of: datetime, limits: StormLimits) -> NoticePlan:
    """Decide which notices are told alone and which as one.

    `open_alerts` are all alerts that are open after this sweep's steps, open storms among them.
    """
    storms = _storms_of(notices, limits)
    calmed = [_calmed(notice) if notice.alert in storms else notice for notice in notices]
    silent = [notice for notice in calmed if _storm_speaks_for(notice, storms)]
    loud = [notice for notice in calmed if not _storm_speaks_for(notice, storms)]
    alone, summaries = _folded(loud, limits)
    return NoticePlan(
        alone=alone,
        summaries=summaries,
        silent=tuple(silent),
        storms=storms,
        observations=_storm_observations(notices, storms, open_alerts, as_of),
    )


def observe_outage(*, unknown: int, components: int, as_of: datetime, policy: AlertPolicy) -> Observation:
    """Say whether this sweep is an outage: too many of the components that were measured before are unknown."""
    found: tuple[Finding, ...] = ()
    if components and Decimal(unknown) / components > policy.outage_share:
        figures = OutageFigures(unknown=unknown, components=components)
        found = (
            Finding(
                subject=WHOLE,
                workload=None,
                severity=Severity.ERROR,
                amount=Decimal(0),
                has_evidence=True,
                page=PagingMode.NEVER,
                figures=figures,
            ),
        )
    return Observation(alert=OUTAGE, team=PLATFORM, as_of=as_of, answer=Verdict.GOOD, found=found)


def _storms_of(notices: Sequence[Notice], limits: StormLimits) -> dict[AlertId, AlertId]:
    by_team: dict[EntityRef, list[AlertId]] = defaultdict(list)
    for notice in notices:
        if notice.is_new_page:
            by_team[notice.team].append(notice.alert)
    if len(by_team) > limits.teams:
        return dict.fromkeys((alert for alerts in by_team.values() for alert in alerts), storm_of(PLATFORM))
    return {alert: storm_of(team) for team, alerts in by_team.items() if len(alerts) > limits.pages_per_team for alert in alerts}


def storm_of(about: EntityRef) -> AlertId:
    """Answer the storm of a team, or of the platform."""
    return AlertId(rule=Rule.STORM, about=about)


def _calmed(notice: Notice) -> Notice:
    return replace(notice, paging=Paging.NONE, is_new_page=False)


def _storm_speaks_for(notice: Notice, storms: Mapping[AlertId, AlertId]) -> bool:
    """Say whether a team's own storm tells this: it begins in the storm, or it ends and the storm will end with the last."""
    storm = storms.get(notice.alert)
    if storm is None and notice.kind in ENDINGS and notice.told is not None:
        storm = notice.told.storm
    return storm is not None and storm.about != PLATFORM


def _folded(notices: Sequence[Notice], limits: StormLimits) -> tuple[tuple[Notice, ...], tuple[Summary, ...]]:
    groups: dict[tuple[EntityRef, SummaryReason], list[Notice]] = defaultdict(list)
    alone: list[Notice] = []
    for notice in notices:
        if not notice.posts:
            alone.append(notice)
        elif notice.kind is NoticeKind.OPENED and notice.from_first_sweep:
            groups[audience_of(notice), SummaryReason.FIRST_SWEEP].append(notice)
        else:
            groups[audience_of(notice), SummaryReason.MANY_ENDED if notice.kind in ENDINGS else SummaryReason.MANY].append(notice)
    summaries: list[Summary] = []
    for (audience, why), members in sorted(groups.items()):
        if why is SummaryReason.FIRST_SWEEP or len(members) > limits.pages_per_team:
            summaries.append(Summary(audience=audience, why=why, notices=tuple(members)))
        else:
            alone.extend(members)
    return tuple(alone), tuple(summaries)


def _storm_observations(
    notices: Sequence[Notice], storms: Mapping[AlertId, AlertId], open_alerts: Iterable[AlertState], as_of: datetime
) -> tuple[Observation, ...]:
    members: dict[AlertId, dict[AlertId, Finding]] = {storm: {} for storm in storms.values()}
    for state in open_alerts:
        if state.alert.rule is Rule.STORM:
            members.setdefault(state.alert, {})
        elif state.incident is not None and state.incident.ending is None:
            told = state.incident.told
            storm = storms.get(state.alert) or (told.storm if told else None)
            if storm is not None:
                members.setdefault(storm, {})[state.alert] = _member(state.alert, state.severity, len(state.members))
    for notice in notices:
        storm = storms.get(notice.alert)
        if storm is not None:
            members[storm][notice.alert] = _member(notice.alert, notice.severity, len(notice.findings))
    return tuple(
        Observation(
            alert=storm,
            team=storm.about,
            as_of=as_of,
            answer=Verdict.GOOD,
            found=tuple(finding for _, finding in sorted(found.items())),
        )
        for storm, found in sorted(members.items())
    )


def _member(alert: AlertId, severity: Severity, workloads: int) -> Finding:
    return Finding(
        subject=str(alert),
        workload=None,
        severity=worst_of([severity]),
        amount=Decimal(0),
        has_evidence=True,
        page=PagingMode.ALWAYS,
        figures=MemberFigures(alert=alert, workloads=workloads),
    )
