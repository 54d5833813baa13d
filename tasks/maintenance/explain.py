"""Why a component or a team is measured, owned, routed and reported as it is: from the store, and on request from the services now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from actions.fanout import sequential
from actions.live.upstream import NOTHING_MATCHES, fetch_workloads
from alerts.policy import PagingMode
from alerts.rules import paging_mode_in
from alerts.states import OPEN_PHASES, STATE_JSON, AlertState
from clients.http.errors import ErrorKind, ServiceError
from domain.clock import format_utc
from domain.component import Component, Team, title_of_team
from domain.ownership import ownership_of
from domain.ref_search import did_you_mean, similar_refs
from domain.refs import OWNER_KINDS, UNOWNED, EntityRef
from domain.routes import Route, Unrouted, pagerduty_route, parents_of, slack_route
from domain.selectors import KUBERNETES_CLUSTER, KUBERNETES_NAMESPACE, InvalidSelector, selector_source
from domain.snapshots import Measurement, Outcome
from domain.sweeps import slot_of
from domain.workload import WorkloadKey
from store import HeartbeatKind, Transaction
from tasks.context import Policy, StageContext
from tasks.entity_lookup import UnknownEntity, describe_unknown, find_entity, known_entities
from tasks.report.report_data import route_of
from tasks.report.upcoming import UpcomingReport, upcoming_report


@dataclass(frozen=True, kw_only=True)
class SelectorExplanation:
    """How the workloads of a component are selected."""

    annotation: str
    """Empty: it has none."""
    text: str
    queries: tuple[tuple[str, ...], ...]
    """The labels of each query to ScaleOps; none if the selector cannot be used."""
    limits: tuple[str, ...]
    """What narrows the selector, one phrase each."""
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OwnerExplanation:
    """Who owns a component."""

    team: EntityRef
    title: str
    in_catalog: bool
    rule: str
    """Empty if it is not known: only the catalog knows it."""


@dataclass(frozen=True, kw_only=True)
class ComponentExplanation:
    """What is known of a component."""

    component: Component
    is_live: bool
    """The component and its workloads were fetched now; otherwise they are those of the last listing and the last sweep."""
    left_at: datetime | None
    """The sweep whose listing was the second without it; None: it is in the catalog."""
    selector: SelectorExplanation
    workloads: tuple[WorkloadKey, ...]
    warnings: tuple[str, ...]
    """About the selection of the workloads."""
    live_problem: str
    """Why the workloads could not be fetched now."""
    measured: Measurement | None
    """In the newest closed sweep."""
    newest_sweep: datetime | None
    next_slot: datetime
    unmeasured_because: str
    """Empty if it is measured."""
    owner: OwnerExplanation
    slack: Route | Unrouted
    pagerduty: Route | Unrouted
    pages: str
    """When an OOM-killed workload of it pages, as a phrase."""
    alerts: tuple[AlertState, ...]
    report: UpcomingReport


@dataclass(frozen=True, kw_only=True)
class TeamExplanation:
    """What is known of a team."""

    team: EntityRef
    title: str
    in_catalog: bool
    parents: tuple[EntityRef, ...]
    components: tuple[EntityRef, ...]
    unmeasured: tuple[EntityRef, ...]
    """In the newest closed sweep."""
    newest_sweep: datetime | None
    slack: Route | Unrouted
    pagerduty: Route | Unrouted
    alerts: tuple[AlertState, ...]
    report: UpcomingReport


def explain(context: StageContext, text: str, *, live: bool = False) -> ComponentExplanation | TeamExplanation:
    """Explain the component or team that a reference or a name names; `live` asks the catalog and ScaleOps now.

    Raises:
        UnknownEntity: it is not known.
        ServiceError: with `live`, a service did not answer.
    """
    with context.store.reading() as transaction:
        ref = find_entity(transaction, text, may_be_new=live)
        if ref.kind in OWNER_KINDS:
            return _explain_team(transaction, context, ref)
        stored = transaction.components.get(ref)
        known = known_entities(transaction)
    component = _catalog_entity(context, ref, known) if live else stored
    if component is None:
        raise UnknownEntity(describe_unknown(text, known))
    workloads, warnings, problem = _fetch(context, component) if live else ((), (), "")
    with context.store.reading() as transaction:
        return _explain_component(
            transaction, context, component, is_live=live, fetched=workloads, warnings=warnings, problem=problem
        )


def _catalog_entity(context: StageContext, ref: EntityRef, known: frozenset[EntityRef]) -> Component:
    """Return an entity as the catalog has it now. Raises UnknownEntity, or ServiceError."""
    try:
        return context.services.catalog.component(ref)
    except ServiceError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            message = f"the catalog has no entity {ref}; {did_you_mean(similar_refs(str(ref), known - {ref})) or 'correct the reference'}"
            raise UnknownEntity(message) from None
        raise


def _fetch(context: StageContext, component: Component) -> tuple[tuple[WorkloadKey, ...], tuple[str, ...], str]:
    """Return the workloads of a component as ScaleOps lists them now, what is odd about them, and why there are none."""
    try:
        owned = fetch_workloads(
            component, context.services.scaleops, namespaces_allowed=context.policy.namespaces_allowed, fan_out=sequential
        )
    except (InvalidSelector, ServiceError) as failure:
        return (), (), str(failure)
    return owned.keys, owned.warnings, ""


def _explain_component(
    transaction: Transaction,
    context: StageContext,
    component: Component,
    *,
    is_live: bool,
    fetched: tuple[WorkloadKey, ...],
    warnings: tuple[str, ...],
    problem: str,
) -> ComponentExplanation:
    policy, now = context.policy, context.clock()
    newest = transaction.sweeps.newest_closed()
    measured = None if newest is None else transaction.snapshots.of_component(component.ref, newest.as_of)
    teams = transaction.components.teams()
    owner = teams.get(component.team)
    left_at = None if is_live else transaction.components.gone().get(component.ref)
    states = transaction.alerts.states_of([component.ref])
    return ComponentExplanation(
        component=component,
        is_live=is_live,
        left_at=left_at,
        selector=_explain_selector(component, policy),
        workloads=fetched if is_live else _workloads_of(measured),
        live_problem=problem,
        warnings=warnings if is_live or measured is None else measured.snapshot.warnings,
        measured=measured,
        newest_sweep=None if newest is None else newest.as_of,
        next_slot=slot_of(now, policy.collect_every) + policy.collect_every,
        unmeasured_because=_reason_of_no_sweep(transaction)
        if newest is None
        else _reason(component, measured, newest.as_of, left_at),
        owner=_explain_owner(component, owner),
        slack=slack_route(
            policy.routes, team=component.team, component=component, owner=owner, parents=parents_of(component.team, teams)
        ),
        pagerduty=pagerduty_route(policy.routes, team=component.team, component=component, owner=owner),
        pages=_pages(component, policy),
        alerts=tuple(STATE_JSON.validate_python(row.state) for row in states if row.status in OPEN_PHASES),
        report=upcoming_report(transaction, policy.schedules.of(component.team), component.team, now),
    )


def _explain_team(transaction: Transaction, context: StageContext, ref: EntityRef) -> TeamExplanation:
    policy, now = context.policy, context.clock()
    newest = transaction.sweeps.newest_closed()
    teams = transaction.components.teams()
    known = teams.get(ref)
    return TeamExplanation(
        team=ref,
        title=title_of_team(ref, known),
        in_catalog=known is not None and known.in_catalog,
        parents=tuple(team.ref for team in parents_of(ref, teams)),
        components=tuple(component.ref for component in transaction.components.of_team(ref)),
        unmeasured=() if newest is None else transaction.snapshots.unknown_at(newest.as_of, team=ref),
        newest_sweep=None if newest is None else newest.as_of,
        slack=route_of(ref, teams, policy),
        pagerduty=pagerduty_route(policy.routes, team=ref, owner=known),
        alerts=tuple(STATE_JSON.validate_python(row.state) for row in transaction.alerts.states(statuses=OPEN_PHASES, team=ref)),
        report=upcoming_report(transaction, policy.schedules.of(ref), ref, now),
    )


def _explain_selector(component: Component, policy: Policy) -> SelectorExplanation:
    annotation, text = selector_source(component)
    limits = tuple(_limits(component, policy))
    try:
        plan = ownership_of(component, policy.namespaces_allowed).plan
    except InvalidSelector as bad:
        return SelectorExplanation(annotation=annotation, text=text, queries=(), limits=limits, problems=(str(bad),))
    return SelectorExplanation(annotation=annotation, text=text, queries=plan.queries, limits=limits, problems=plan.warnings)


def _limits(component: Component, policy: Policy) -> Iterator[str]:
    if component.namespace_limit is not None:
        yield f"namespace {component.namespace_limit}, by the annotation {KUBERNETES_NAMESPACE}"
    if component.cluster_limit is not None:
        yield f"cluster {component.cluster_limit}, by the annotation {KUBERNETES_CLUSTER}"
    for ref in (component.ref, component.team):
        if ref in policy.namespaces_allowed:
            yield f"namespaces {', '.join(policy.namespaces_allowed[ref])}, by selectors.namespaces of {ref}"
            return


def _workloads_of(measured: Measurement | None) -> tuple[WorkloadKey, ...]:
    return () if measured is None else measured.snapshot.workloads


def _reason_of_no_sweep(transaction: Transaction) -> str:
    """Return why nothing was measured yet."""
    failed = transaction.heartbeats.last("collect", HeartbeatKind.FAILED)
    if failed is None:
        return "no sweep was closed yet; `scaleops-worker collect` measures"
    return f"no sweep was closed yet; collect failed at {format_utc(failed.at)}: {failed.details.get('reason', '')}"


def _reason(component: Component, measured: Measurement | None, newest: datetime, left_at: datetime | None) -> str:
    """Return why a component is not measured; empty if it is."""
    if left_at is not None:
        return f"two catalog listings in a row were without it, the second at {format_utc(left_at)}"
    if measured is None and not selector_source(component)[0]:
        return "only entities with a selector of workloads are measured"
    if measured is None:
        return f"the catalog listing of the newest sweep, {format_utc(newest)}, was without it; the next sweep lists it again"
    if measured.snapshot.outcome is Outcome.UNKNOWN:
        return measured.snapshot.reason
    return "" if measured.snapshot.workloads else NOTHING_MATCHES


def _explain_owner(component: Component, owner: Team | None) -> OwnerExplanation:
    return OwnerExplanation(
        team=component.team,
        title=title_of_team(component.team, owner),
        in_catalog=owner is not None and owner.in_catalog,
        rule=component.owner_rule or ("the entity names no owner" if component.team == UNOWNED else ""),
    )


def _pages(component: Component, policy: Policy) -> str:
    rule = policy.alerts.rules_of(component.ref).under_provisioned
    if not rule.enabled:
        return "never: the rule under-provisioned is off"
    if paging_mode_in(rule.page, policy.alerts, component.lifecycle) is PagingMode.NEVER:
        is_off = rule.page is PagingMode.NEVER
        return "never: page is never" if is_off else f"never: its lifecycle is {component.lifecycle or 'not set'}, not production"
    clusters = sorted(policy.alerts.non_production_clusters)
    but = f", but not on {', '.join(clusters)}" if clusters else ""
    return f"{'when its workloads are OOM-killed' if rule.page is PagingMode.WITH_EVIDENCE else 'when they are under-provisioned'}{but}"
