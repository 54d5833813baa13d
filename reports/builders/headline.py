"""The headline of a report: missing data, the change, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

from domain.closing_point import ClosingPoint
from domain.cost_change import CostChange, CostComparison
from domain.measures import Total, Unknown, known_or
from domain.money import format_count
from domain.month_to_date import MonthToDate
from domain.snapshots import Outcome
from reports import content
from reports.builders.first_screen import describe_cost, describe_todo
from reports.facts import PlatformFacts, TeamFacts
from reports.formatting import format_instant

NO_SNAPSHOT = "no closing snapshot"
MAX_NAMED = 3
"""Components named in a sentence about missing data."""


def amount_of(total: Total, *, currency: str, period: Literal["7 days", "month"], as_of: datetime | None) -> content.Amount:
    """Convert a total to report content."""
    return content.Amount(
        amount=known_or(total.amount, None),
        currency=currency,
        period=period,
        known=total.known,
        parts=total.parts,
        as_of=as_of,
        unknown_reason=total.amount.reason if isinstance(total.amount, Unknown) else "",
    )


def change_of(change: CostChange, *, currency: str, then: ClosingPoint) -> content.HeadlineChange:
    """Convert a cost change to report content."""

    def group(comparison: CostComparison) -> content.ChangePart:
        found = change.group(comparison)
        return content.ChangePart(workloads=found.workloads, amount=found.amount)

    return content.HeadlineChange(
        currency=currency,
        then_as_of=change.then_as_of,
        now_as_of=change.now_as_of,
        cost_then=amount_of(then.cost_7d, currency=currency, period="7 days", as_of=then.as_of),
        like_for_like=group(CostComparison.LIKE_FOR_LIKE),
        share=change.like_for_like_share,
        added=group(CostComparison.ADDED),
        removed=group(CostComparison.REMOVED),
        ramping_in=group(CostComparison.RAMPING_IN),
        ramping_out=group(CostComparison.RAMPING_OUT),
        changed_owner=group(CostComparison.MOVED),
        not_comparable=group(CostComparison.NOT_COMPARABLE),
    )


def write_headline(facts: TeamFacts | PlatformFacts, change: CostChange | None) -> content.Headline:
    """Build the headline. `change` is None exactly if one of the two closing snapshots is missing."""
    now, then, currency = facts.now, facts.then, facts.meta.currency
    nothing = Total(amount=Unknown(NO_SNAPSHOT), known=0, parts=0)
    as_of = None if now is None else now.as_of
    cost = nothing if now is None else now.cost_7d
    available = nothing if now is None else now.savings_available_per_month
    realised = nothing if now is None else now.realised_savings_per_month
    outcomes = () if now is None else tuple(now.outcomes.values())
    return content.Headline(
        missing=(*_missing(facts), *_missing_routes(facts)),
        changed=describe_cost(now, then, change, currency),
        todo="Without a measurement, what to do is unknown." if now is None else describe_todo(now, currency),
        cost=amount_of(cost, currency=currency, period="7 days", as_of=as_of),
        change=None if change is None or then is None else change_of(change, currency=currency, then=then),
        no_change_reason="" if change is not None else _no_change_reason(now),
        savings_available=amount_of(available, currency=currency, period="month", as_of=as_of),
        savings_realised=amount_of(realised, currency=currency, period="month", as_of=as_of),
        month_to_date=_budget(facts.month_to_date, facts.monthly_budget, currency),
        finished_month=_budget(facts.finished_month, facts.monthly_budget, currency),
        components=len(outcomes),
        components_measured=outcomes.count(Outcome.MEASURED),
        claimed_twice=0 if now is None else now.claimed_twice,
    )


def _missing(facts: TeamFacts | PlatformFacts) -> Iterable[str]:
    now = facts.now
    if now is None:
        yield "No data yet this week." if facts.meta.running else "No data from the end of this week, so its cost is unknown."
        return
    if now.unknown:
        yield f"{len(now.unknown):,} of {format_count(len(now.outcomes), 'component')} could not be measured."
    for as_of, refs in list(now.as_ofs.items())[:-1]:
        of = (
            ", ".join(facts.titles.get(ref) or ref.name for ref in refs)
            if len(refs) <= MAX_NAMED
            else f"{len(refs):,} components"
        )
        yield f"The figures of {of} are of {format_instant(as_of, facts.meta.zone)}: no later measurement succeeded."
    if now.lost_clusters:
        word = "Cluster" if len(now.lost_clusters) == 1 else "Clusters"
        yield f"{word} {', '.join(sorted(now.lost_clusters))}: no data from ScaleOps; its workloads are unknown and not in the sums."
    cost = now.cost_7d
    if not cost.is_complete:
        yield f"The cost of {cost.parts - cost.known:,} of {format_count(cost.parts, 'workload')} is unknown and not in the sums."
    if not now.listing_complete:
        yield "The catalog listing is incomplete: components may be missing."


def _missing_routes(facts: TeamFacts | PlatformFacts) -> Iterable[str]:
    if not isinstance(facts, PlatformFacts):
        return
    if facts.unrouted:
        have = "has no channel of its own" if len(facts.unrouted) == 1 else "have no channel of their own"
        yield f"{format_count(len(facts.unrouted), 'team')} {have}; see Routing below."
    if facts.skipped:
        verb = "was" if len(facts.skipped) == 1 else "were"
        yield f"{format_count(len(facts.skipped), 'report')} {verb} skipped because the worker was down for too long."


def _no_change_reason(now: ClosingPoint | None) -> str:
    if now is None:
        return NO_SNAPSHOT
    return "No closing snapshot of the week before, so there is no comparison yet."


def _budget(so_far: MonthToDate | None, monthly_budget: Decimal | None, currency: str) -> content.Budget | None:
    if so_far is None:
        return None
    return content.Budget(
        currency=currency,
        month=f"{so_far.start:%Y-%m}",
        is_finished=so_far.is_finished,
        spent=known_or(so_far.amount, None),
        spent_at_least=so_far.low if so_far.known_days or so_far.low else None,
        spent_at_most=so_far.high,
        reason=so_far.reason,
        monthly_budget=monthly_budget,
        known_days=so_far.known_days,
        days=so_far.days,
    )
