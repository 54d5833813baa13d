"""The headline of a report: the first screen, composed once for every rendering."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

from alerts.policy import Rule
from domain.closing_point import ClosingPoint
from domain.cost_change import CostChange, CostComparison
from domain.measures import Total, Unknown, known_or, unknown_total
from domain.money import format_money
from domain.snapshots import Outcome
from domain.usual_range import UsualCheck, compare_with_usual, weekly_change
from reports import content
from reports.builders.cause import describe_cause, largest_movers
from reports.builders.cost_sentence import CostOfWeek, describe_cost
from reports.builders.missing import describe_measured, list_missing, list_missing_routes
from reports.builders.months import build_budget, format_month
from reports.builders.names import title_of
from reports.builders.on_call import describe_pages
from reports.builders.todo import describe_todo
from reports.facts import PlatformFacts, TeamFacts
from reports.formatting import clip, format_day

NO_SNAPSHOT: Final = "no closing snapshot"
MAX_FIRST: Final = 3
"""Things to do first."""


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


def write_headline(
    facts: TeamFacts | PlatformFacts, change: CostChange | None, *, sections: Iterable[content.Section]
) -> content.Headline:
    """Build the headline.

    Args:
        facts: of the week.
        change: None exactly if one of the two closing snapshots is missing.
        sections: of the report; the first screen repeats what they explain and advise first.
    """
    now, then, currency = facts.now, facts.then, facts.meta.currency
    bodies = [one.body for one in sections]
    why = next((one for one in bodies if isinstance(one, content.WhyChanged)), None)
    actions = next((one for one in bodies if isinstance(one, content.TopActions)), None)
    nothing = unknown_total(NO_SNAPSHOT)
    as_of = None if now is None else now.as_of
    outcomes = () if now is None else tuple(now.outcomes.values())
    usual = _check_usual(facts, change)
    costs_7d = tuple(one.cost_7d for one in reversed(facts.weeks))
    months = [
        None if month is None else build_budget(month, facts.monthly_budget, costs_7d, currency=currency)
        for month in (facts.finished_month, facts.month_to_date)
    ]
    missing = (*list_missing(facts), *list_missing_routes(facts))
    todo = "Without a measurement, what to do is unknown." if now is None else describe_todo(now, currency)
    return content.Headline(
        changed=describe_cost(
            CostOfWeek(
                week=facts.meta.week, zone=facts.meta.zone, currency=currency, now=now, then=then, change=change, usual=usual
            )
        ),
        lines=tuple(_lines(facts, usual, why, months=months, todo=todo, actions=actions)),
        usual=None if usual is None else _usual_of(usual),
        missing=missing,
        todo=todo,
        cost=amount_of(nothing if now is None else now.cost_7d, currency=currency, period="7 days", as_of=as_of),
        change=None if change is None or then is None else change_of(change, currency=currency, then=then),
        no_change_reason="" if change is not None else _no_change_reason(now),
        savings_available=amount_of(
            nothing if now is None else now.savings_available_per_month, currency=currency, period="month", as_of=as_of
        ),
        savings_realised=amount_of(
            nothing if now is None else now.realised_savings_per_month, currency=currency, period="month", as_of=as_of
        ),
        month_to_date=months[1],
        finished_month=months[0],
        components=len(outcomes),
        components_measured=outcomes.count(Outcome.MEASURED),
        claimed_twice=0 if now is None else now.claimed_twice,
    )


def _check_usual(facts: TeamFacts | PlatformFacts, change: CostChange | None) -> UsualCheck | None:
    if change is None or facts.now is None or facts.then is None:
        return None
    this = weekly_change(facts.meta.week, change.like_for_like, now=facts.now.cost_7d, then=facts.then.cost_7d)
    return compare_with_usual(this, facts.changes_before)


def _usual_of(check: UsualCheck) -> content.UsualChange:
    return content.UsualChange(
        position=check.position.value,
        is_noise=check.is_noise,
        weeks=check.weeks,
        low=None if check.usual is None else check.usual.low,
        high=None if check.usual is None else check.usual.high,
    )


def _lines(
    facts: TeamFacts | PlatformFacts,
    usual: UsualCheck | None,
    why: content.WhyChanged | None,
    *,
    months: Sequence[content.Budget | None],
    todo: str,
    actions: content.TopActions | None,
) -> Iterable[content.HeadlineLine]:
    """Yield the lines under the first sentence, in their order."""
    now = facts.now
    gaps = tuple(list_missing(facts))
    if gaps:
        yield content.HeadlineLine(label="Not measured", sentences=gaps)
    cause = "" if why is None else describe_cause(why)
    if cause:
        yield content.HeadlineLine(label="Why", sentences=(cause,))
    first = tuple(_do_first(facts, usual, why, actions))
    if first:
        yield content.HeadlineLine(label="Do first", sentences=first, is_list=True)
    yield content.HeadlineLine(label="To do", sentences=(todo,))
    for month in months:
        if month is not None:
            yield content.HeadlineLine(label=format_month(month), sentences=(month.sentence,))
    if now is not None:
        since = facts.then.as_of if facts.then is not None else facts.meta.week_start
        paged = describe_pages(facts.opened, title_of=title_of(facts), since=since, until=now.as_of, zone=facts.meta.zone)
        yield content.HeadlineLine(label="On call", sentences=(paged,))
    routes = tuple(list_missing_routes(facts))
    if routes:
        yield content.HeadlineLine(label="Routing", sentences=routes)
    if now is not None and not gaps:
        yield content.HeadlineLine(label="Measured", sentences=(describe_measured(now),))


def _do_first(
    facts: TeamFacts | PlatformFacts, usual: UsualCheck | None, why: content.WhyChanged | None, actions: content.TopActions | None
) -> Iterable[str]:
    """Return the first things to do: dangers, what made the cost unusual, then what saves most."""
    top = () if actions is None else actions.top
    dangers = [one.sentence for one in top if one.issue == "under-provisioned"]
    others = [one.sentence for one in top if one.issue != "under-provisioned"]
    return [*dangers, *_check_cause(facts, usual, why), *others][:MAX_FIRST]


def _check_cause(facts: TeamFacts | PlatformFacts, usual: UsualCheck | None, why: content.WhyChanged | None) -> Iterable[str]:
    """Yield the advice to look at the cause of an unusual rise."""
    rising = [] if why is None else [one for one in largest_movers(why) if one.amount > 0]
    if usual is None or not usual.is_unusual or not rising or usual.position.value != "above":
        return
    mover = rising[0]
    opened = [one for one in facts.alerts.open if one.rule is Rule.COST_INCREASE] if isinstance(facts, TeamFacts) else []
    since = f"; cost alert open since {format_day(opened[0].since, facts.meta.zone)}" if opened else ""
    amount = format_money(mover.amount, facts.meta.currency, signed=True)
    yield f"Check what changed in {clip(mover.label, 60)} ({amount}{since})."


def _no_change_reason(now: ClosingPoint | None) -> str:
    if now is None:
        return NO_SNAPSHOT
    return "No closing snapshot of the week before, so there is no comparison yet."
