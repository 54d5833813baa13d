"""Builds the monthly roll-up: cost of the month, change, budgets, forecast, realised savings, unallocated cost, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from domain.measures import known_or, total_of, unknown_total
from domain.money import change_share, format_count, parse_currency
from domain.month_to_date import MonthToDate
from domain.refs import PLATFORM, RESERVED_TEAMS
from domain.tracking import Recommendation, RecommendationEnd
from reports import content
from reports.builders.gaps import list_gaps
from reports.builders.headline import amount_of
from reports.builders.months import build_budget
from reports.builders.names import names_of
from reports.builders.report import Part, build_section, format_lateness
from reports.builders.unallocated import build_unallocated
from reports.facts import MonthFacts, TeamMonthFacts
from reports.links import PLATFORM_SLUG

_NOTHING: Final = unknown_total("no sweep closes this month")


def build_monthly_report(facts: MonthFacts) -> content.MonthlyReport:
    """Build the monthly roll-up of all teams."""
    meta, now = facts.meta, facts.now
    parts: list[Part] = [
        ("Budgets by team", lambda: _budgets(facts)),
        ("Unallocated cost", lambda: build_unallocated(facts.unallocated, meta.currency)),
    ]
    if now is not None:
        parts.append(("What could not be measured", lambda: list_gaps(now, names_of(now, None, facts.titles))))
    return content.MonthlyReport(
        title=RESERVED_TEAMS[PLATFORM],
        month=str(meta.month),
        zone=meta.zone,
        due_at=meta.due_at,
        made_at=meta.made_at,
        late_reason=format_lateness(meta.late, meta.zone),
        again=meta.again,
        running=meta.running,
        currency=parse_currency(meta.currency),
        route=meta.route,
        headline=_headline(facts),
        sections=tuple(build_section(title, make) for title, make in parts),
        page=meta.links.report(PLATFORM_SLUG, meta.month),
        catalog=meta.links.entity(PLATFORM),
        dashboard=meta.links.dashboard,
    )


def _headline(facts: MonthFacts) -> content.MonthHeadline:
    currency, now = facts.meta.currency, facts.now
    cost, before = _cost(facts.cost, None, currency), facts.reported_before or _cost(facts.before, None, currency)
    change = _change(cost, before)
    forecast = _forecast(facts)
    return content.MonthHeadline(
        cost=cost,
        before=before if before.spent_at_least is not None else None,
        change=change,
        no_change_reason="" if change is not None else "one of the two months was not measured",
        next_month=f"{facts.cost.end:%Y-%m}",
        forecast=forecast,
        no_forecast_reason="" if forecast is not None else "the last seven days were not measured",
        savings_realised=amount_of(
            _NOTHING if now is None else now.realised_savings_per_month,
            currency=currency,
            period="month",
            as_of=None if now is None else now.as_of,
        ),
        realised=_realised(facts.done),
        as_of=None if now is None else now.as_of,
        missing=tuple(_missing(facts)),
    )


def _cost(month: MonthToDate, monthly_budget: Decimal | None, currency: str) -> content.Budget:
    return build_budget(month, monthly_budget, (), currency=currency)


def _bounds(cost: content.Budget) -> tuple[Decimal | None, Decimal | None]:
    return (cost.spent, cost.spent) if cost.spent is not None else (cost.spent_at_least, cost.spent_at_most)


def _change(now: content.Budget, before: content.Budget) -> content.MonthChange | None:
    (low, high), (low_before, high_before) = _bounds(now), _bounds(before)
    if low is None or low_before is None:
        return None
    share = None
    if now.spent is not None and before.spent is not None:
        share = change_share(now.spent - before.spent, base=before.spent)
    return content.MonthChange(
        at_least=None if high_before is None else low - high_before,
        at_most=None if high is None else high - low_before,
        share=share,
    )


def _forecast(facts: MonthFacts) -> content.Forecast | None:
    """Forecast the next month before it has begun."""
    start = facts.cost.end
    month = MonthToDate(start=start, until=start, low=Decimal(0), high=Decimal(0), known_days=0, days=0, reason="")
    return build_budget(month, None, facts.weeks, currency=facts.meta.currency).forecast


def _realised(done: Iterable[Recommendation]) -> content.RealisedSavings:
    """Sum what was done, each workload and issue once: several components may own it."""
    once = {(one.key.workload, one.key.issue, one.opened_at): one for one in done if one.ending is RecommendationEnd.DONE}
    judged = [one for one in once.values() if one.judged_at is not None]
    saved = total_of(one.realised_per_month for one in judged if one.saves_money and one.realised_per_month is not None)
    return content.RealisedSavings(
        done=len(once),
        effect_pending=len(once) - len(judged),
        unknown=saved.parts - saved.known,
        per_month=known_or(saved.amount, None),
    )


def _missing(facts: MonthFacts) -> Iterable[str]:
    now = facts.now
    if facts.cost.reason:
        yield f"The cost of the month is a range: {facts.cost.reason}."
    if now is None:
        yield "No sweep was closed at the end of the month."
        return
    if now.unknown:
        yield f"{len(now.unknown):,} of {format_count(len(now.outcomes), 'component')} could not be measured at the end of the month."
    if now.lost_clusters:
        yield f"No data from ScaleOps of {', '.join(sorted(now.lost_clusters))}: its workloads are unknown and not in the sums."
    ranges = sum(1 for team in facts.teams if team.cost.reason)
    if ranges and not facts.cost.reason:
        yield f"The cost of {format_count(ranges, 'team')} is a range, because days were not measured."


def _budgets(facts: MonthFacts) -> content.TeamBudgets:
    rows = [
        content.TeamMonth(ref=str(one.team), title=one.title, cost=_cost(one.cost, one.monthly_budget, facts.meta.currency))
        for one in sorted(facts.teams, key=_by_overspending)
    ]
    return content.TeamBudgets(teams=tuple(rows))


def _by_overspending(one: TeamMonthFacts) -> tuple[bool, Decimal, str]:
    spent = one.cost.low
    over = spent if one.monthly_budget is None else spent - one.monthly_budget
    return one.monthly_budget is None, -over, str(one.team)
