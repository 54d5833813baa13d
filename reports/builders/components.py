"""The components of a team: all together, then each with its cost, change, savings, automation and open alerts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.closing_point import ClosingPoint
from domain.closing_split import component_of, split_closing
from domain.cost_change import CostChange, CostComparison, LikeForLike, compare
from domain.money import format_count
from domain.refs import EntityRef
from domain.usual_range import is_noise
from reports import content
from reports.builders.component_sentences import format_other_changes
from reports.builders.cost_sentence import count_not_comparable, other_amounts_of
from reports.builders.headline import amount_of
from reports.builders.months import build_budget
from reports.builders.names import ReportNames
from reports.builders.sections import count_automated
from reports.builders.sentences import format_names
from reports.facts import TeamFacts
from reports.findings import RULE_TITLES

_BETWEEN_COMPONENTS: Final = "moved between components"
_NO_COMPARISON: Final = "no comparison"
_NOT_COMPARABLE: Final = "not comparable"
_NO_WORKLOADS: Final = "no workloads to compare"
_MAX_NAMES: Final = 5


def build_components(facts: TeamFacts, now: ClosingPoint, names: ReportNames) -> content.ComponentOverview:
    """Build the section."""
    then = facts.then or ClosingPoint(as_of=now.as_of, measurements=())
    parts = split_closing(now, then, component_of)
    table = _ComponentTable(facts=facts, names=names)
    rows = [
        table.row(ref, mine, None if facts.then is None else before) for ref, (mine, before) in parts.items() if mine.measurements
    ]
    return content.ComponentOverview(
        currency=facts.meta.currency,
        then_as_of=None if facts.then is None else facts.then.as_of,
        as_of=now.as_of,
        total=table.figures(now, facts.then, open_alerts=len(facts.alerts.open)),
        components=tuple(sorted(rows, key=lambda row: (_cost_order(row.figures), row.component.title, row.component.ref))),
        note=" ".join(_notes(now, [ref for ref, (mine, _) in parts.items() if not mine.measurements], names)),
    )


@dataclass(frozen=True, kw_only=True)
class _ComponentTable:
    """Builds the rows of one report."""

    facts: TeamFacts
    names: ReportNames

    def row(self, ref: EntityRef, now: ClosingPoint, then: ClosingPoint | None) -> content.ComponentSummary:
        meta = self.facts.meta
        opened = [RULE_TITLES[one.rule] for one in self.facts.alerts.open if one.about == ref]
        month = next((one for one in self.facts.component_months if one.ref == ref), None)
        labels = self.facts.labels.get(ref)
        return content.ComponentSummary(
            component=self.names.component(ref),
            figures=self.figures(now, then, open_alerts=len(opened), moved=_BETWEEN_COMPONENTS),
            alerts=tuple(opened),
            month=None
            if month is None
            else build_budget(month.month, month.monthly_budget, month.costs_7d, currency=meta.currency),
            page=meta.links.component(ref),
            catalog=meta.links.entity(ref),
            dashboard=meta.links.workload("", labels) if labels else None,
        )

    def figures(
        self, now: ClosingPoint, then: ClosingPoint | None, *, open_alerts: int, moved: str = ""
    ) -> content.ComponentFigures:
        currency = self.facts.meta.currency
        change = None if then is None else compare(now, then)
        like_for_like = _like_for_like(change)
        others = {} if change is None else other_amounts_of(change, currency, moved=moved)
        not_comparable = 0 if change is None else count_not_comparable(change, currency)
        return content.ComponentFigures(
            cost=amount_of(now.cost_7d, currency=currency, period="7 days", as_of=now.as_of),
            like_for_like=None if like_for_like is None else like_for_like.amount,
            share=None if like_for_like is None or change is None else change.like_for_like_share,
            is_noise=like_for_like is not None and is_noise(like_for_like),
            other_amounts=others,
            not_comparable=not_comparable,
            other_changes=format_other_changes(others, not_comparable, currency)
            or ("" if like_for_like is not None else _no_change_reason(now, then)),
            savings_available=amount_of(now.savings_available_per_month, currency=currency, period="month", as_of=now.as_of),
            automation=count_automated(now),
            open_alerts=open_alerts,
        )


def _like_for_like(change: CostChange | None) -> LikeForLike | None:
    """Return the like-for-like change; None without a workload that existed throughout both weeks."""
    if change is None or not change.group(CostComparison.LIKE_FOR_LIKE).workloads:
        return None
    return change.like_for_like


def _no_change_reason(now: ClosingPoint, then: ClosingPoint | None) -> str:
    if then is None:
        return _NO_COMPARISON
    return _NO_WORKLOADS if now.is_complete and then.is_complete else _NOT_COMPARABLE


def _cost_order(figures: content.ComponentFigures) -> Decimal:
    """Return the key that puts the highest cost first and an unknown one last."""
    return Decimal("Infinity") if figures.cost.amount is None else -figures.cost.amount


def _notes(now: ClosingPoint, gone: Collection[EntityRef], names: ReportNames) -> Iterator[str]:
    if now.claimed_twice:
        workloads = format_count(now.claimed_twice, "workload")
        verb = "belongs" if now.claimed_twice == 1 else "belong"
        yield f"{workloads} {verb} to several components, and {'counts' if now.claimed_twice == 1 else 'count'} once in the total."
    if gone:
        verb = "is" if len(gone) == 1 else "are"
        where = "no longer listed for this team" if now.listing_complete else "missing in an incomplete listing of the catalog"
        listed = format_names([names.component(ref).title for ref in gone], max_names=_MAX_NAMES)
        yield f"{format_count(len(gone), 'component')} of the week before {verb} {where}: {listed}."
