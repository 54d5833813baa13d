"""The trend of a report: the cost of each week, the budget that falls to a week, and the alerts that opened in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from alerts.policy import Rule
from domain.forecast import budget_of_week
from domain.refs import EntityRef
from domain.weeks import parse_zone
from reports import content
from reports.builders.headline import amount_of
from reports.builders.names import title_of
from reports.facts import OpenedAlert, PlatformFacts, TeamFacts, WeekTotal
from reports.findings import RULE_TITLES
from reports.formatting import clip

_RULES: Final = frozenset({Rule.UNDER_PROVISIONED, Rule.COST_INCREASE, Rule.BUDGET, Rule.STORM})
"""Alerts about what happened in a week, not about what could be saved or was not measured."""
_MAX_NAME: Final = 60


def build_report_trend(facts: TeamFacts | PlatformFacts) -> content.Trend:
    """Build the trend of a report."""
    month, budget = facts.month_to_date, facts.monthly_budget
    weekly = None if month is None or budget is None else budget_of_week(month, budget)
    zone, title = parse_zone(facts.meta.zone), title_of(facts)

    def events_of(week: WeekTotal) -> Iterable[OpenedAlert]:
        begin, end = week.week.starts_at(zone), week.week.ends_at(zone)
        return (one for one in facts.opened if begin <= one.as_of < end and (one.is_page or one.rule in _RULES))

    return build_trend(
        facts.weeks,
        facts.meta.currency,
        budget_7d=weekly,
        events_of=lambda week: tuple(dict.fromkeys(_describe(one, title) for one in events_of(week))),
    )


def build_trend(
    weeks: Iterable[WeekTotal],
    currency: str,
    *,
    budget_7d: Decimal | None = None,
    events_of: Callable[[WeekTotal], Sequence[str]] = lambda _: (),
) -> content.Trend:
    """Convert weekly totals to report content."""
    return content.Trend(
        budget_7d=budget_7d,
        weeks=tuple(
            content.TrendWeek(
                week=str(one.week),
                cost=amount_of(one.cost_7d, currency=currency, period="7 days", as_of=one.as_of),
                events=tuple(events_of(one)),
            )
            for one in weeks
        ),
    )


def _describe(one: OpenedAlert, title: Callable[[EntityRef], str]) -> str:
    said = f"{clip(title(one.about), _MAX_NAME)}, {RULE_TITLES[one.rule]}"
    return f"on-call paged for {said}" if one.is_page else said
