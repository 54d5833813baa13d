"""Storms and summaries: folds the notices of one sweep that would drown their reader into few.

A storm is itself an alert, (storm, team) or (storm, platform), whose findings are the alerts that it pages for: it opens with
the first, changes when others join, and resolves with the last.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from alerts.lifecycle import Notice, Paging
from alerts.observations import AlertId, Finding, MemberFigures, Observation, worst_first, worst_of
from alerts.policy import PagingMode, Rule, StormLimits
from alerts.states import ENDINGS, AlertState, NoticeKind
from domain.refs import PLATFORM, EntityRef

PLATFORM_RULES: Final = frozenset({Rule.UNMEASURED, Rule.OUTAGE, Rule.CATALOG})
"""Rules whose notices go to the platform channel instead of the owner."""
REST: Final = timedelta(hours=1)
"""Between two messages to one channel about what is no danger."""
NEVER_GROUPED: Final = frozenset({Rule.UNDER_PROVISIONED, Rule.STORM, Rule.OUTAGE, Rule.CATALOG})
"""Rules whose notices are about danger, or about the installation."""


class SummaryReason(StrEnum):
    """Why several notices are one message."""

    FIRST_SWEEP = "first-sweep"
    MANY = "many"
    MANY_ENDED = "many-ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Notices that share one Slack message. Each keeps its own page."""

    audience: EntityRef
    channel: str
    """Its destination; notices of a component with a channel of its own are not mixed with the others."""
    reason: SummaryReason
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeGroups:
    """The notices of one sweep that are sent. Each is in `single`, in a summary, or in `absorbed`."""

    single: tuple[Notice, ...]
    summaries: tuple[Summary, ...]
    absorbed: tuple[Notice, ...]
    """Members of a team's storm: the storm's own notice replaces theirs."""
    storms: Mapping[AlertId, AlertId]
    """The storm of each alert that is paged by one."""
    observations: tuple[Observation, ...]
    """What this sweep shows of each storm that is open or begins."""


def audience_of(notice: Notice) -> EntityRef:
    """Return who reads a notice in Slack: the team, or the platform."""
    is_for_platform = notice.alert.rule in PLATFORM_RULES or notice.alert.about == PLATFORM
    return PLATFORM if is_for_platform else notice.team


def group_notices(
    notices: Sequence[Notice],
    open_alerts: Iterable[AlertState],
    *,
    as_of: datetime,
    limits: StormLimits,
    window: timedelta = timedelta(0),
    channel_of: Callable[[Notice], str] = lambda _: "",
    resting: Collection[str] = (),
) -> NoticeGroups:
    """Decide which notices are sent alone and which together.

    `open_alerts` are all alerts that are open after this sweep's steps, open storms among them. `channel_of` names the Slack
    channel that a notice goes to: only what goes to one channel can be one message. Pages that were opened within `window` before
    this sweep count too, so that several watch sweeps open no more pages than one full sweep. What is no danger waits for another
    sweep while its channel is `resting`: it had such a message within the last hour.
    """
    notices = [one for one in notices if is_danger(one) or not one.posts or channel_of(one) not in resting]
    open_alerts = list(open_alerts)
    storms = _storms_of(notices, limits, earlier=_pages_opened(open_alerts, notices, after=as_of - window))
    absorbed: list[Notice] = []
    rest: list[Notice] = []
    for notice in notices:
        current = replace(notice, paging=Paging.NONE, is_new_page=False) if notice.alert in storms else notice
        (absorbed if _is_absorbed(current, storms) else rest).append(current)
    single, summaries = _summarise(rest, limits, channel_of)
    return NoticeGroups(
        single=single,
        summaries=summaries,
        absorbed=tuple(absorbed),
        storms=storms,
        observations=_storm_observations(notices, storms, open_alerts, as_of),
    )


def _pages_opened(open_alerts: Iterable[AlertState], notices: Sequence[Notice], *, after: datetime) -> Counter[EntityRef]:
    """Count by team the alerts that are paged for, alone or by a storm, and that opened after an instant and before this sweep."""
    new = {notice.alert for notice in notices if notice.is_new_page}
    return Counter(
        state.team
        for state in open_alerts
        if state.alert.rule is not Rule.STORM
        and state.alert not in new
        and state.incident is not None
        and state.incident.opened_as_of > after
        and (last := state.last_notification) is not None
        and (last.page is not None or last.storm is not None)
    )


def _storms_of(notices: Sequence[Notice], limits: StormLimits, *, earlier: Counter[EntityRef]) -> dict[AlertId, AlertId]:
    by_team: dict[EntityRef, list[AlertId]] = defaultdict(list)
    for notice in notices:
        if notice.is_new_page:
            by_team[notice.team].append(notice.alert)
    if by_team and len({*by_team, *earlier}) > limits.teams:
        return dict.fromkeys((alert for alerts in by_team.values() for alert in alerts), storm_of(PLATFORM))
    return {
        alert: storm_of(team)
        for team, alerts in by_team.items()
        if len(alerts) + earlier[team] > limits.pages_per_team
        for alert in alerts
    }


def storm_of(about: EntityRef) -> AlertId:
    """Return the storm of a team, or of the platform."""
    return AlertId(rule=Rule.STORM, about=about)


def _is_absorbed(notice: Notice, storms: Mapping[AlertId, AlertId]) -> bool:
    """Return True if a team's own storm replaces this notice: it begins in the storm, or it ends before the storm does."""
    storm = storms.get(notice.alert)
    if storm is None and notice.kind in ENDINGS and notice.last_notification is not None:
        storm = notice.last_notification.storm
    return storm is not None and storm.about != PLATFORM


def is_danger(notice: Notice) -> bool:
    """Return True if a notice is about danger, or about the installation: it is never held back, nor put with what can wait."""
    return notice.alert.rule in NEVER_GROUPED or notice.paging is not Paging.NONE or notice.open_incident is not None


def _summarise(
    notices: Sequence[Notice], limits: StormLimits, channel_of: Callable[[Notice], str]
) -> tuple[tuple[Notice, ...], tuple[Summary, ...]]:
    """Return the notices that are sent alone, and those that share a message.

    What is no danger, and what a first sweep found, is one message per reader and channel. Dangers are messages of their own, unless
    there are too many of them, with or without the others.
    """
    readers: dict[tuple[EntityRef, str], list[Notice]] = defaultdict(list)
    single = [notice for notice in notices if not notice.posts]
    for notice in notices:
        if notice.posts:
            readers[audience_of(notice), channel_of(notice)].append(notice)
    summaries: list[Summary] = []
    for (audience, channel), posted in sorted(readers.items()):
        together, alone = _split(posted, limits)
        single += alone
        if len(together) > 1 or any(map(_is_of_first_sweep, together)):
            reason = _summary_reason_of(together)
            summaries.append(Summary(audience=audience, channel=channel, reason=reason, notices=tuple(together)))
        else:
            single += together
    return tuple(single), tuple(summaries)


def _split(posted: Sequence[Notice], limits: StormLimits) -> tuple[list[Notice], list[Notice]]:
    """Return the notices of one reader that share a message, and those that do not."""
    counts = Counter(notice.kind in ENDINGS for notice in posted if not _is_of_first_sweep(notice))

    def shares(notice: Notice) -> bool:
        are_many = counts[notice.kind in ENDINGS] > limits.pages_per_team
        return are_many or _is_of_first_sweep(notice) or not is_danger(notice)

    return [notice for notice in posted if shares(notice)], [notice for notice in posted if not shares(notice)]


def _is_of_first_sweep(notice: Notice) -> bool:
    return notice.kind is NoticeKind.OPENED and notice.from_first_sweep


def _summary_reason_of(notices: Sequence[Notice]) -> SummaryReason:
    if all(map(_is_of_first_sweep, notices)):
        return SummaryReason.FIRST_SWEEP
    return SummaryReason.MANY_ENDED if all(notice.kind in ENDINGS for notice in notices) else SummaryReason.MANY


def _storm_observations(
    notices: Sequence[Notice], storms: Mapping[AlertId, AlertId], open_alerts: Iterable[AlertState], as_of: datetime
) -> tuple[Observation, ...]:
    members: dict[AlertId, dict[AlertId, Finding]] = {storm: {} for storm in storms.values()}
    for state in open_alerts:
        if state.alert.rule is Rule.STORM:
            members.setdefault(state.alert, {})
        elif state.incident is not None and state.incident.ending is None:
            last = state.last_notification
            storm = last.storm if last else None
            if storm is not None:
                members.setdefault(storm, {})[state.alert] = _member(state.alert, state.paging_members(as_of), state.members)
    for notice in notices:
        storm = storms.get(notice.alert)
        if storm is not None:
            members[storm][notice.alert] = _member(notice.alert, notice.paging_findings, notice.findings)
    return tuple(
        Observation(alert=storm, team=storm.about, as_of=as_of, found=tuple(finding for _, finding in sorted(found.items())))
        for storm, found in sorted(members.items())
    )


def _member(alert: AlertId, paging: Sequence[Finding], members: Sequence[Finding]) -> Finding:
    """Return an alert as a member of a storm; it pages no more once none of its workloads does."""
    counted = paging or members
    return Finding(
        subject=str(alert),
        severity=worst_of(finding.severity for finding in counted),
        has_evidence=bool(paging),
        page=PagingMode.ALWAYS if paging else PagingMode.NEVER,
        figures=MemberFigures(alert=alert, workloads=len(counted), worst=next(iter(worst_first(counted)), None)),
    )
