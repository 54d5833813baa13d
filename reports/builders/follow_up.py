"""What became of the recommendations, in agreement with what the same report advises: each workload and issue once per report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from domain.advice import Issue, IssuePriority
from domain.closing_point import ClosingPoint
from domain.measures import Measured, Unknown, known_or, total_of
from domain.money import format_count
from domain.refs import EntityRef
from domain.snapshots import WorkloadPoint
from domain.tracking import Recommendation, RecommendationEnd
from domain.workload import WorkloadKey
from reports import content
from reports.builders.names import ReportNames
from reports.builders.workload_findings import WorkloadFinding, findings_of
from reports.formatting import clip, format_day, format_saving

MAX_NAMED: Final = 10
"""Workloads named in a sentence."""
MAX_NAME_LENGTH: Final = 60
LONG_OPEN_WEEKS: Final = 4
IGNORED_AFTER: Final = 4
"""A recommendation open in this many reports, neither acknowledged, snoozed nor dismissed, counts as ignored."""

OutcomeName = Literal["done", "no longer advised", "gone", "open", "ignored", "left to automation"]
_ENDINGS: Final[Mapping[RecommendationEnd, OutcomeName]] = {
    RecommendationEnd.DONE: "done",
    RecommendationEnd.NO_LONGER_ADVISED: "no longer advised",
    RecommendationEnd.GONE: "gone",
}
"""The best first: of a workload that several components own, one that is done is done."""
_ENDED: Final = frozenset(_ENDINGS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpContext:
    """What a follow-up needs in addition to the recommendations."""

    now: ClosingPoint
    reported_at: Collection[datetime]
    """As-of of the closing snapshots that the team's reports were made from, this one included."""
    handled: Collection[tuple[str, EntityRef]]
    """Issue and component of the acknowledged, snoozed and dismissed alerts."""
    since: datetime
    currency: str
    zone: str
    names: ReportNames


def build_follow_up(followed: Iterable[Recommendation], context: FollowUpContext) -> content.FollowUp:
    """Follow up on recommendations that were open, with realised savings."""
    findings = {(finding.point.key, finding.issue): finding for finding in findings_of(context.now)}
    grouped: dict[tuple[WorkloadKey, Issue], list[Recommendation]] = defaultdict(list)
    for one in followed:
        grouped[one.key.workload, one.key.issue].append(one)
    found = [
        _outcome_of(shared, findings.get(subject), context)
        for subject, shared in grouped.items()
        if subject in findings or not _is_settled(shared, context.now.points.get(subject[0]))
    ]
    found.sort(
        key=lambda one: (one.outcome != "done", one.outcome, -(one.monthly_savings or 0), one.workload.name, one.component.ref)
    )
    counts = Counter(one.outcome for one in found)
    realised = total_of(_judged_savings(grouped.values(), findings))
    return content.FollowUp(
        currency=context.currency,
        since=context.since,
        until=context.now.as_of,
        ended=tuple(one for one in found if one.outcome in _ENDED),
        ignored=tuple(one for one in found if one.outcome == "ignored"),
        done=counts["done"],
        effect_pending=sum(1 for subject in grouped.values() if _is_pending(subject, findings)),
        no_longer_advised=counts["no longer advised"],
        gone=counts["gone"],
        still_open=counts["open"] + counts["ignored"],
        left_to_automation=counts["left to automation"],
        components_unknown=len(context.now.unknown),
        realised=known_or(realised.amount, None),
        realised_unknown=realised.parts - realised.known,
        open_lines=tuple(_open_lines(found, findings, context)),
    )


def _open_lines(
    found: Iterable[content.RecommendationOutcome],
    findings: Mapping[tuple[WorkloadKey, Issue], WorkloadFinding],
    context: FollowUpContext,
) -> Iterable[str]:
    """Yield one sentence for each age of what is open: its number, what it could save, and the workloads by name."""
    savings = {(context.names.workload(key), issue.value): finding.savings for (key, issue), finding in findings.items()}
    ages: dict[str, list[content.RecommendationOutcome]] = {"newly advised": [], "open since": [], "open for 4+ weeks": []}
    for one in found:
        if one.outcome in ("open", "ignored"):
            weeks = (context.now.as_of - one.opened_at) // timedelta(weeks=1)
            age = (
                "newly advised"
                if one.opened_at > context.since
                else "open for 4+ weeks"
                if weeks >= LONG_OPEN_WEEKS
                else "open since"
            )
            ages[age].append(one)
    for age, some in ages.items():
        if some:
            saved = sum((savings.get((one.workload, one.issue), Decimal(0)) for one in some), Decimal(0))
            saving = format_saving(saved, context.currency)
            oldest = min(one.opened_at for one in some)
            when = f"open since {format_day(oldest, context.zone)} or later" if age == "open since" else age
            yield (
                f"{format_count(len(some), 'recommendation')} {when}{f', {saving} a month' if saving else ''}: "
                f"{_names_of(some, context.now.as_of, with_age=age == 'open for 4+ weeks')}."
            )


def _format_age(age: timedelta) -> str:
    return f" ({format_count(age // timedelta(weeks=1), 'week')})"


def _names_of(some: Iterable[content.RecommendationOutcome], now: datetime, *, with_age: bool) -> str:
    """List workloads once each: `adservice x2 (11 weeks)`, the longest open first."""
    grouped: dict[tuple[str, tuple[str, ...]], list[datetime]] = defaultdict(list)
    for one in some:
        grouped[one.workload.label, tuple(owner.ref for owner in one.owners)].append(one.opened_at)
    ordered = sorted(grouped.items(), key=lambda item: (min(item[1]), item[0]))
    names = [
        f"{clip(label, MAX_NAME_LENGTH)}{f' x{len(opened)}' if len(opened) > 1 else ''}"
        f"{_format_age(now - min(opened)) if with_age else ''}"
        for (label, _), opened in ordered[:MAX_NAMED]
    ]
    more = len(ordered) - len(names)
    return f"{', '.join(names)}{f' and {more:,} more' if more else ''}"


def _judged_savings(
    grouped: Iterable[Sequence[Recommendation]], findings: Mapping[tuple[WorkloadKey, Issue], WorkloadFinding]
) -> Iterable[Measured[Decimal]]:
    """Yield the savings of what is done and was judged."""
    for shared in grouped:
        one = _representative(shared)
        is_done = one.ending is RecommendationEnd.DONE and (one.key.workload, one.key.issue) not in findings
        if is_done and one.saves_money and one.realised_per_month is not None:
            yield one.realised_per_month


def times_reported(opened_at: datetime, reported_at: Iterable[datetime]) -> int:
    """Count the reports in which a recommendation was open."""
    return sum(1 for at in reported_at if at >= opened_at)


def _is_settled(shared: Sequence[Recommendation], point: WorkloadPoint | None) -> bool:
    """Return True if one is open although the snapshot of this report, which was evaluated later, no longer shows it."""
    is_open = any(one.ended_at is None for one in shared)
    return is_open and point is not None and not isinstance(point.issue, Unknown)


def _is_pending(shared: Sequence[Recommendation], findings: Mapping[tuple[WorkloadKey, Issue], WorkloadFinding]) -> bool:
    chosen = _representative(shared)
    return (chosen.key.workload, chosen.key.issue) not in findings and chosen.is_pending


def _representative(shared: Sequence[Recommendation]) -> Recommendation:
    """Return the recommendation that stands for one workload and issue: an open one, else the best end, the newest first."""
    endings = list(_ENDINGS)

    def rank(one: Recommendation) -> tuple[int, float, EntityRef]:
        ended = -1 if one.ending is None else endings.index(one.ending)
        return ended, -(one.ended_at or one.opened_at).timestamp(), one.key.entity

    return min(shared, key=rank)


def _outcome_of(
    shared: Sequence[Recommendation], finding: WorkloadFinding | None, context: FollowUpContext
) -> content.RecommendationOutcome:
    one = _representative(shared)
    opened_at = min(other.opened_at for other in shared)
    reports = times_reported(opened_at, context.reported_at)
    outcome = _name_of(one, shared, finding, reports=reports, handled=context.handled)
    is_done = outcome == "done"
    saves = is_done and one.saves_money
    owners = [
        context.names.component(ref) for ref in dict.fromkeys([one.key.entity, *sorted(other.key.entity for other in shared)])
    ]
    return content.RecommendationOutcome(
        workload=context.names.workload(one.key.workload),
        component=owners[0],
        also_owned_by=tuple(owners[1:]),
        issue=one.key.issue.value,
        outcome=outcome,
        opened_at=opened_at,
        ended_at=one.ended_at if outcome in _ENDED else None,
        monthly_savings=known_or(one.realised_per_month, None) if saves else None,
        sentence=_format_outcome(
            one, outcome, reports=reports, since=format_day(opened_at, context.zone), currency=context.currency
        ),
    )


def _name_of(
    one: Recommendation,
    shared: Sequence[Recommendation],
    finding: WorkloadFinding | None,
    *,
    reports: int,
    handled: Collection[tuple[str, EntityRef]],
) -> OutcomeName:
    """Return the outcome. What this report advises is open, whatever was recorded of it since."""
    if finding is not None and finding.priority is IssuePriority.LOW and not finding.is_conflict:
        return "left to automation"
    if finding is None and one.ending is not None:
        return _ENDINGS[one.ending]
    is_handled = any((other.key.issue.value, other.key.entity) in handled for other in shared)
    return "ignored" if not is_handled and reports >= IGNORED_AFTER else "open"


def _format_outcome(one: Recommendation, outcome: OutcomeName, *, reports: int, since: str, currency: str) -> str:
    match outcome:
        case "done":
            return f"{_format_done(one, currency)} (advised since {since})."
        case "no longer advised":
            return f"ScaleOps no longer advises it (advised since {since})."
        case "gone":
            return f"The workload was removed (advised since {since})."
        case "ignored":
            return f"Open in {format_count(reports, 'report')} (advised since {since})."
        case "left to automation":
            return f"Left to ScaleOps automation (advised since {since})."
        case _:
            return f"Open since {since}."


def _format_done(one: Recommendation, currency: str) -> str:
    saved = one.realised_per_month
    if not one.saves_money:
        return "Done: requests raised"
    if one.is_pending:
        return "Done, effect pending: its savings are judged once they have arrived, after seven days at the latest"
    if saved is None or isinstance(saved, Unknown):
        return "Done; the savings could not be measured"
    saving = format_saving(saved, currency)
    return f"Done: saves {saving} a month" if saving else "Done; the available savings did not decrease"
