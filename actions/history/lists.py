"""The lists over history: components, what is advised and not done, alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import partial

from actions.errors import InputError
from actions.history.context import OWNERS, HistoryView, parse_ref, parse_team
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
from actions.live.outputs import figure, number
from alerts.states import OPEN_PHASES, AlertState, state_from_json
from domain.advice import Priority
from domain.component import Component
from domain.measures import Unknown
from domain.refs import EntityRef, InvalidReference
from domain.snapshots import SeriesPoint
from domain.tracking import Recommendation
from store import AlertStateRow

_BY_PRIORITY = {Priority.HIGH: 0, Priority.MEDIUM: 1, Priority.LOW: 2}
_MEMBERS = 10
"""Workloads named of one alert; explain_delivery and get_scaleops_recommendations_for_entity say more."""


def list_components(reading: HistoryView, asked: ComponentsInput) -> ComponentsOutput:
    """Answer the components that the catalog listed last and that meet the conditions, by reference."""
    rows = reading.rows.components
    owner = None if asked.owner is None else parse_team(asked.owner)
    candidates = rows.of_team(owner) if owner is not None else tuple(rows.all())
    wanted = [one for one in candidates if _is_of_system(one, asked.system) and _holds(one, asked.text)]
    visible, hidden = reading.only_visible_of(wanted, lambda one: one.ref, counted=rows.counted)
    shown, note = page_of(visible, asked)
    newest = reading.rows.sweeps.newest_closed()
    as_ofs = [] if newest is None else [newest.as_of]
    measured = reading.rows.history.of_components([one.ref for one in shown], as_ofs=as_ofs)
    return ComponentsOutput(
        currency=reading.archive.currency,
        as_of=None if newest is None else newest.as_of,
        not_shown=hidden,
        components=[_component_row(one, measured.get(one.ref, ())) for one in shown],
        **note,
    )


def _component_row(component: Component, measured: Sequence[SeriesPoint]) -> ComponentRow:
    point = measured[-1] if measured else None
    return ComponentRow(
        entity_ref=str(component.ref),
        title=component.title or component.spelled_name,
        owner=str(component.team),
        system=component.system or None,
        lifecycle=component.lifecycle or None,
        cost_last7d=None if point is None else known(point.cost_7d.amount),
        savings_available_per_month=None if point is None else known(point.savings_available_per_month.amount),
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


def _holds(component: Component, text: str | None) -> bool:
    if text is None:
        return True
    looked_at = f"{component.ref} {component.title} {component.spelled_name}".casefold()
    return all(word in looked_at for word in text.casefold().split())


def list_recommendations(reading: HistoryView, asked: OpenRecommendationsInput) -> OpenRecommendationsOutput:
    """Answer what is advised and not done yet, the most pressing or the most saving first."""
    found = _open_advice(reading, team=asked.team, entity_ref=asked.entity_ref)
    wanted = [one for one in found if asked.priority in (None, one.advised.priority.value)]
    visible, hidden = reading.only_visible_of(
        wanted, lambda one: one.key.entity, counted=reading.rows.recommendations.counted if asked.entity_ref is None else dict
    )
    ordered = sorted(visible, key=_savings_first if asked.order == "savings" else _priority_first)
    shown, note = page_of(ordered, asked)
    newest = reading.rows.sweeps.newest_closed()
    once = {(one.key.workload, one.key.issue): one.advised.savings_available_per_month for one in visible}
    return OpenRecommendationsOutput(
        currency=reading.archive.currency,
        as_of=None if newest is None else newest.as_of,
        not_shown=hidden,
        recommendations=[_advice_row(one) for one in shown],
        summary=OpenRecommendationsSummary(
            high_priority=sum(1 for one in visible if one.advised.priority is Priority.HIGH),
            total_savings_available=figure(sum((saving for saving in once.values() if saving is not None), Decimal(0))),
        ),
        **note,
    )


def _open_advice(reading: HistoryView, *, team: str | None, entity_ref: str | None) -> tuple[Recommendation, ...]:
    rows = reading.rows.recommendations
    owner = None if team is None else parse_team(team)
    if entity_ref is None:
        return rows.open_ones() if owner is None else rows.open_of_team(owner)
    found = rows.open_ones([reading.component(parse_ref(entity_ref)).ref])
    return tuple(one for one in found if owner in (None, one.team))


def _priority_first(one: Recommendation) -> tuple[object, ...]:
    return (_BY_PRIORITY[one.advised.priority], -(one.advised.savings_available_per_month or 0), one.key.entity, one.key.workload)


def _savings_first(one: Recommendation) -> tuple[object, ...]:
    return (-(one.advised.savings_available_per_month or 0), _BY_PRIORITY[one.advised.priority], one.key.entity, one.key.workload)


def _advice_row(one: Recommendation) -> OpenRecommendationRow:
    key, advised = one.key.workload, one.advised
    return OpenRecommendationRow(
        entity_ref=str(one.key.entity),
        owner=str(one.team),
        workload_name=key.name,
        cluster_name=key.cluster,
        namespace=key.namespace,
        type=key.type,
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


def list_alerts(reading: HistoryView, asked: AlertsInput) -> AlertsOutput:
    """Return the open alerts, or all that were ever observed, the newest first."""
    rows = _alert_rows(reading, asked)
    counted = partial(reading.rows.alerts.counted, statuses=_statuses(asked))
    visible, hidden = reading.only_visible_of(rows, lambda row: row.ref, counted=counted if asked.entity_ref is None else dict)
    ordered = sorted(visible, key=lambda row: (row.updated_at, row.alert), reverse=True)
    shown, note = page_of(ordered, asked)
    newest = reading.rows.sweeps.newest_closed()
    return AlertsOutput(
        currency=reading.archive.currency,
        as_of=None if newest is None else newest.as_of,
        not_shown=hidden,
        alerts=[alert_row(state_from_json(row.state)) for row in shown],
        **note,
    )


def _alert_rows(reading: HistoryView, asked: AlertsInput) -> Iterable[AlertStateRow]:
    alerts = reading.rows.alerts
    team = None if asked.team is None else parse_team(asked.team)
    if asked.entity_ref is None:
        return alerts.states(statuses=_statuses(asked), team=team)
    ref = parse_ref(asked.entity_ref)
    if ref.kind in OWNERS:
        message = f"{ref} is a team; name it in team"
        raise InputError(message)
    reading.component(ref)
    return [row for row in alerts.states_of([ref]) if (asked.quiet or row.status in OPEN_PHASES) and team in (None, row.team)]


def _statuses(asked: AlertsInput) -> tuple[str, ...] | None:
    return None if asked.quiet else OPEN_PHASES


def alert_row(state: AlertState) -> AlertRow:
    """Answer one alert as a row."""
    incident = state.incident
    told = incident.last_notification if incident is not None else None
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
        workloads=[str(member.workload or member.subject) for member in state.members[:_MEMBERS]],
        told_at=told.at if told is not None else None,
        paged=told is not None and told.page is not None,
    )


def known(amount: Decimal | Unknown) -> int | float | None:
    """Answer an amount as JSON writes it; an unknown one is null."""
    return None if isinstance(amount, Unknown) else figure(amount)
