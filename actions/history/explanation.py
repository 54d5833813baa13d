"""Why the cost changed between two weeks: the section of the weekly report, for a component or for what a caller may see of a team."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from actions.history.costs import ClosedWeeks, coverage_warnings, measured_ref
from actions.history.explanation_models import ExplainInput, ExplainOutput, MoverPlaceRow, MoverRow
from actions.history.models import page_of
from actions.history.view import HistoryView
from actions.live.outputs import figure, number
from domain.closing_point import ClosingPoint
from domain.cost_decomposition import CostDecomposition, ExplainedChange, decompose
from domain.money import percent_number
from reports import content
from reports.builders.cause_sentences import format_causes, format_no_cause, format_not_comparable, format_small_changes
from reports.builders.names import names_of
from reports.builders.why import build_why


def explain_cost_change(view: HistoryView, query: ExplainInput) -> ExplainOutput:
    """Return why the cost changed between the closing snapshots of two weeks: causes, and movers with theirs.

    Raises:
        NotFoundError: a week has no closing snapshot that holds it.
        InputError: the weeks are not in their order.
    """
    closed = ClosedWeeks.of(view, measured_ref(view, query.entity_ref))
    week, before = closed.compared(query.week, query.before)
    now, then, hidden = closed.read_both(week, before)
    why = build_why(
        now,
        then,
        names_of(now, then, {}),
        currency=view.history.currency,
        zone=closed.schedule.zone.key,
        found=_without_hidden_owners(view, decompose(now, then), now, then),
    )
    shown, note = page_of(why.movers, query)
    sentences = (f"{format_causes(why)}." if why.causes else "", format_no_cause(why), format_small_changes(why))
    return ExplainOutput(
        currency=why.currency,
        as_of=now.as_of,
        as_of_before=then.as_of,
        not_shown=hidden,
        entity_ref=str(closed.ref),
        week=str(week),
        before=str(before),
        cost_now=number(now.cost_7d.amount),
        cost_then=number(then.cost_7d.amount),
        amount=figure(why.amount),
        explanation=[sentence for sentence in (*sentences, format_not_comparable(why)) if sentence],
        causes=_amounts(why.causes),
        movers=[_mover_row(mover) for mover in shown],
        small_workloads=why.small_workloads,
        small_amount=figure(why.small_amount),
        not_comparable=why.not_comparable,
        not_comparable_amount=figure(why.not_comparable_amount),
        warnings=coverage_warnings(now, week) + coverage_warnings(then, before),
        **note,
    )


def _without_hidden_owners(
    view: HistoryView, found: CostDecomposition, now: ClosingPoint, then: ClosingPoint
) -> CostDecomposition:
    """Return the decomposition without the names of owners that the caller may not see: workloads moved from or to another owner."""
    named = {*now.owned_elsewhere.values(), *then.owned_elsewhere.values()}
    hidden = {owner for owner in named if not view.may_see(owner)}
    if not hidden:
        return found

    def shown(one: ExplainedChange) -> ExplainedChange:
        return one if one.change.other_owner not in hidden else replace(one, change=replace(one.change, other_owner=None))

    return replace(found, workloads=tuple(shown(one) for one in found.workloads))


def _mover_row(mover: content.Mover) -> MoverRow:
    return MoverRow(
        workload_name=mover.name,
        type=mover.type,
        entity_refs=[component.ref for component in mover.components],
        places=[
            MoverPlaceRow(cluster=place.cluster, namespace=place.namespace, amount=figure(place.amount)) for place in mover.places
        ],
        then=number(mover.then),
        now=number(mover.now),
        amount=figure(mover.amount),
        percent=percent_number(mover.share),
        causes=_amounts(mover.causes),
        explanation=mover.sentence,
        other_owner=mover.other_owner or None,
    )


def _amounts(causes: Iterable[content.CausePart]) -> dict[str, float]:
    return {part.cause: figure(part.amount) for part in causes}
