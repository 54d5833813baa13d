"""The lists over stored history: components, open recommendations, alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from actions.errors import InputError
from actions.history.models import (
    AlertRow,
    AlertsInput,
    AlertsOutput,
    ComponentRow,
    ComponentsInput,
    ComponentsOutput,
    OpenRecommendationRow,
    OpenRecommendationsInput,
    OpenRecommendationsOutput,
    OpenRecommendationsSummary,
    page_of,
)
from actions.history.view import HistoryView, parse_ref, parse_team
from actions.live.outputs import fields_of, number
from alerts.states import OPEN_PHASES, STATE_JSON, AlertState
from domain.advice import IssuePriority
from domain.component import Component
from domain.measures import Unknown, known_or, total_of
from domain.money import format_count
from domain.refs import OWNER_KINDS, EntityRef, InvalidReference
from domain.snapshots import SeriesPoint
from domain.tracking import Recommendation
from store import AlertStateRow

_BY_PRIORITY = {IssuePriority.HIGH: 0, IssuePriority.MEDIUM: 1, IssuePriority.LOW: 2}
_MAX_UNMEASURED = 5
_MAX_WORKLOADS = 10
"""Workloads listed for one alert; get_scaleops_recommendations_for_entity lists all."""


def list_components(view: HistoryView, query: ComponentsInput) -> ComponentsOutput:
    """Return the components of the last catalog listing that match, by reference."""
    rows = view.rows.components
    owner = None if query.owner is None else parse_team(query.owner)
    candidates = rows.of_team(owner) if owner is not None else tuple(rows.all())
    wanted = [one for one in candidates if _is_of_system(one, query.system) and _contains(one, query.text)]
    visible, hidden = view.only_visible_of(wanted, lambda one: one.ref, counted=rows.counts)
    shown, note = page_of(visible, query)
    as_ofs = [] if view.as_of is None else [view.as_of]
    measured = view.rows.history.of_components([one.ref for one in shown], as_ofs=as_ofs)
    return ComponentsOutput(
        currency=view.history.currency,
        as_of=view.as_of,
        not_shown=hidden,
        components=[_component_row(one, measured.get(one.ref, ())) for one in shown],
        **note,
    )


def _component_row(component: Component, measured: Sequence[SeriesPoint]) -> ComponentRow:
    point = measured[-1] if measured else None
    with_cost, workloads = (None, None) if point is None else point.counts
    return ComponentRow(
        entity_ref=str(component.ref),
        title=component.title or component.spelled_name,
        owner=str(component.team),
        system=component.system or None,
        lifecycle=component.lifecycle or None,
        cost_last7d=None if point is None else number(point.cost_7d.amount),
        savings_available_per_month=None if point is None else number(point.savings_available_per_month.amount),
        workloads=workloads,
        workloads_with_cost=with_cost,
    )


def _is_of_system(component: Component, system: str | None) -> bool:
    if system is None:
        return True
    try:
        return EntityRef.parse_with_defaults(system, kind="system", namespace="default") == EntityRef.parse_with_defaults(
            component.system, kind="system", namespace="default"
        )
    except InvalidReference:
        return component.system.casefold() == system.strip().casefold()


def _contains(component: Component, text: str | None) -> bool:
    if text is None:
        return True
    searched = f"{component.ref} {component.title} {component.spelled_name}".casefold()
    return all(word in searched for word in text.casefold().split())


def list_recommendations(view: HistoryView, query: OpenRecommendationsInput) -> OpenRecommendationsOutput:
    """Return the open recommendations, by priority or by savings."""
    found = _open_recommendations(view, team=query.team, entity_ref=query.entity_ref)
    wanted = [one for one in found if query.priority in (None, one.advised.priority.value)]
    visible, hidden = view.only_visible_of(
        wanted, lambda one: one.key.entity, counted=view.rows.recommendations.counts if query.entity_ref is None else dict
    )
    ordered = sorted(visible, key=_savings_first if query.order == "savings" else _priority_first)
    shown, note = page_of(ordered, query)
    once = {
        (one.key.workload, one.key.issue): Unknown("not known")
        if (saving := one.advised.savings_available_per_month) is None
        else saving
        for one in visible
    }
    return OpenRecommendationsOutput(
        currency=view.history.currency,
        as_of=view.as_of,
        not_shown=hidden,
        warnings=_unmeasured(view, team=None if query.team is None else parse_team(query.team), entity_ref=query.entity_ref),
        recommendations=[_recommendation_row(one) for one in shown],
        summary=OpenRecommendationsSummary(
            high_priority=sum(1 for one in visible if one.advised.priority is IssuePriority.HIGH),
            total_savings_available=number(known_or(total_of(once.values()).amount, None)),
        ),
        **note,
    )


def _open_recommendations(view: HistoryView, *, team: str | None, entity_ref: str | None) -> tuple[Recommendation, ...]:
    rows = view.rows.recommendations
    owner = None if team is None else parse_team(team)
    if entity_ref is None:
        return rows.open() if owner is None else rows.open(team=owner)
    found = rows.open([view.component(parse_ref(entity_ref)).ref])
    return tuple(one for one in found if owner in (None, one.team))


def _priority_first(one: Recommendation) -> tuple[object, ...]:
    return (_BY_PRIORITY[one.advised.priority], -(one.advised.savings_available_per_month or 0), one.key.entity, one.key.workload)


def _savings_first(one: Recommendation) -> tuple[object, ...]:
    return (-(one.advised.savings_available_per_month or 0), _BY_PRIORITY[one.advised.priority], one.key.entity, one.key.workload)


def _recommendation_row(one: Recommendation) -> OpenRecommendationRow:
    advised = one.advised
    return OpenRecommendationRow(
        entity_ref=str(one.key.entity),
        owner=str(one.team),
        **fields_of(one.key.workload),
        issue=one.key.issue.value,
        priority=advised.priority.value,
        opened_at=one.opened_at,
        last_seen_at=one.last_seen_at,
        current_cpu=number(advised.cpu_request_millicores),
        recommended_cpu=number(advised.cpu_recommended_millicores),
        current_memory=number(advised.memory_request_bytes),
        recommended_memory=number(advised.memory_recommended_bytes),
        savings_available=number(advised.savings_available_per_month),
    )


def _unmeasured(view: HistoryView, *, team: EntityRef | None, entity_ref: str | None = None) -> list[str]:
    """Return a warning if the newest sweep could not measure components in question: a list may lack what is unknown."""
    if view.as_of is None:
        return ["nothing was measured yet"]
    refs = None if entity_ref is None else [parse_ref(entity_ref)]
    unknown = view.visible(view.rows.snapshots.unknown_at(view.as_of, team=team, refs=refs))
    some = ", ".join(sorted(str(ref) for ref in unknown)[:_MAX_UNMEASURED])
    more = f" and {len(unknown) - _MAX_UNMEASURED} more" if len(unknown) > _MAX_UNMEASURED else ""
    components = [f"{format_count(len(unknown), 'component')} could not be measured: {some}{more}"] if unknown else []
    return [*components, *(_unknown_workloads(view, refs[0], view.as_of) if refs and not unknown else [])]


def _unknown_workloads(view: HistoryView, ref: EntityRef, as_of: datetime) -> list[str]:
    """Return a warning if it is not known of some workloads of a component whether anything is wrong."""
    measured = view.rows.snapshots.of_component(ref, as_of)
    points = () if measured is None else measured.points
    reasons = [issue.reason for point in points if isinstance(issue := point.issue, Unknown)]
    if not reasons:
        return []
    return [f"the state of {len(reasons):,} of {format_count(len(points), 'workload')} is not known: {reasons[0]}"]


def list_alerts(view: HistoryView, query: AlertsInput) -> AlertsOutput:
    """Return the open alerts, or all alerts, the newest first."""
    rows = _alert_rows(view, query)
    counted = partial(view.rows.alerts.counts, statuses=_statuses(query))
    visible, hidden = view.only_visible_of(rows, lambda row: row.ref, counted=counted if query.entity_ref is None else dict)
    ordered = sorted(visible, key=lambda row: (row.updated_at, row.alert), reverse=True)
    shown, note = page_of(ordered, query)
    return AlertsOutput(
        currency=view.history.currency,
        as_of=view.as_of,
        not_shown=hidden,
        warnings=_unmeasured(view, team=None if query.team is None else parse_team(query.team), entity_ref=query.entity_ref),
        alerts=[alert_row(STATE_JSON.validate_python(row.state)) for row in shown],
        **note,
    )


def _alert_rows(view: HistoryView, query: AlertsInput) -> Iterable[AlertStateRow]:
    alerts = view.rows.alerts
    team = None if query.team is None else parse_team(query.team)
    if query.entity_ref is None:
        return alerts.states(statuses=_statuses(query), team=team)
    ref = parse_ref(query.entity_ref)
    if ref.kind in OWNER_KINDS:
        message = f"{ref} is a team; use the argument team"
        raise InputError(message)
    view.component(ref)
    return [row for row in alerts.states_of([ref]) if (query.quiet or row.status in OPEN_PHASES) and team in (None, row.team)]


def _statuses(query: AlertsInput) -> tuple[str, ...] | None:
    return None if query.quiet else OPEN_PHASES


def alert_row(state: AlertState) -> AlertRow:
    """Return one alert as a row."""
    incident = state.incident
    last = state.last_notification
    return AlertRow(
        id=str(state.alert),
        rule=state.alert.rule.value,
        about=str(state.alert.about),
        owner=str(state.team),
        phase=state.phase.value,
        severity=state.severity.value,
        opened_at=incident.opened_at if incident is not None else None,
        acknowledged_by=incident.acknowledged.by if incident is not None and incident.acknowledged is not None else None,
        snoozed_until=incident.snoozed.until if incident is not None and incident.snoozed is not None else None,
        dismissed=f"by {answer.by}: {answer.reason}" if incident is not None and (answer := incident.dismissed) else None,
        workloads=[str(member.workload or member.subject) for member in state.members[:_MAX_WORKLOADS]],
        notified_at=last.at if last is not None else None,
        paged=last is not None and last.page is not None,
    )
