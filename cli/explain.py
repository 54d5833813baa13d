"""`explain`: what is known of a component or a team, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from actions.history.lists import alert_row
from alerts.states import AlertState
from cli.output import say, say_json, show_fields, show_table
from cli.session import open_context
from clients.throttle.limit_algorithm import CallPriority
from domain.clock import format_utc
from domain.measures import Unknown
from domain.messages import Json
from domain.money import format_count, format_money
from domain.refs import UNOWNED
from domain.routes import Route, Unrouted
from domain.snapshots import Measurement, Outcome, SeriesPoint
from domain.workload import WorkloadKey
from reports.formatting import format_instant
from tasks.maintenance.explain import ComponentExplanation, OwnerExplanation, TeamExplanation
from tasks.maintenance.explain import explain as explain_entity
from tasks.report.upcoming import UpcomingReport


@click.command()
@click.argument("ref", metavar="REF")
@click.option("--live", is_flag=True, help="Ask the catalog and ScaleOps now, instead of the last sweep. Nothing is stored.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def explain(ref: str, *, live: bool, as_json: bool) -> None:
    r"""Explain a component or a team: selector, workloads, owner, routes, alerts, next report, and why it is not measured.

    REF is a reference, or a name that only one component or team has.

    \b
    Examples:
      scaleops-worker explain component:default/checkout
      scaleops-worker explain checkout --live
      scaleops-worker explain group:default/payments
    """
    with open_context(kind=CallPriority.INTERACTIVE) as context:
        found, currency = explain_entity(context, ref, live=live), context.policy.currency
    if as_json:
        say_json(_component_as_json(found) if isinstance(found, ComponentExplanation) else _team_as_json(found))
    elif isinstance(found, ComponentExplanation):
        _show_component(found, currency)
    else:
        _show_team(found)


def _show_component(found: ComponentExplanation, currency: str) -> None:
    component = found.component
    title = f"{component.title} ({component.ref})" if component.title else str(component.ref)
    say(title if found.left_at is None else f"{title}, left the catalog")
    fields = [
        ("owner", _owner_text(found.owner)),
        ("lifecycle", component.lifecycle or "not set"),
        *_selector_fields(found),
        ("workloads", _workloads_text(found)),
        ("measured", _measured_text(found, currency)),
        ("next sweep", format_utc(found.next_slot)),
        *_common_fields(found),
        ("pages", found.pages),
    ]
    show_fields(fields)
    if found.workloads:
        say("")
        _show_workloads(found.workloads, None if found.is_live else found.measured, currency)
    shown = {found.live_problem, found.unmeasured_because}
    _show_problems([one for one in (*found.selector.problems, *found.warnings, *component.problems) if one not in shown])


def _show_team(found: TeamExplanation) -> None:
    say(f"{found.title} ({found.team}){'' if found.in_catalog else ', not in the catalog'}")
    unmeasured = f"; not measured in the newest sweep: {', '.join(map(str, found.unmeasured))}" if found.unmeasured else ""
    fields = [
        ("components", f"{len(found.components)}: {', '.join(map(str, found.components)) or 'none'}{unmeasured}"),
        ("parents", ", ".join(map(str, found.parents)) or "none"),
        ("newest sweep", format_utc(found.newest_sweep) if found.newest_sweep else "none yet"),
        *_common_fields(found),
    ]
    show_fields(fields)


def _common_fields(found: ComponentExplanation | TeamExplanation) -> list[tuple[str, str]]:
    return [
        ("Slack", _route_text(found.slack)),
        ("PagerDuty", _route_text(found.pagerduty, prefix="the key with fingerprint ")),
        ("alerts", "; ".join(f"{alert.alert} is {alert.phase}" for alert in found.alerts) or "none open"),
        ("report", _report_text(found.report)),
    ]


def _owner_text(owner: OwnerExplanation) -> str:
    if owner.team == UNOWNED:
        return f"none: {owner.rule}; its report goes to the platform channel"
    lacking = "" if owner.in_catalog else ", which is not in the catalog"
    return f"{owner.title} ({owner.team}){lacking}; {f'by {owner.rule}' if owner.rule else '--live says by which rule'}"


def _selector_fields(found: ComponentExplanation) -> Iterator[tuple[str, str]]:
    selector = found.selector
    yield "selector", f"{selector.annotation}: {selector.text}" if selector.annotation else "none"
    if selector.queries:
        yield "queries", " or ".join(" and ".join(query) for query in selector.queries)
    if selector.limits:
        yield "limited to", "; ".join(selector.limits)


def _workloads_text(found: ComponentExplanation) -> str:
    if found.live_problem:
        return f"unknown: {found.live_problem}"
    if found.is_live:
        return f"{len(found.workloads)} in ScaleOps now"
    if found.measured is None or (found.measured.snapshot.outcome is Outcome.UNKNOWN and not found.workloads):
        return "unknown"
    return f"{len(found.workloads)} in the sweep of {format_utc(found.measured.snapshot.as_of)}"


def _measured_text(found: ComponentExplanation, currency: str) -> str:
    if found.measured is None or found.measured.snapshot.outcome is Outcome.UNKNOWN:
        return f"no: {found.unmeasured_because}"
    cost = found.measured.snapshot.cost_7d
    amount = "unknown" if isinstance(cost.amount, Unknown) else format_money(cost.amount, currency)
    part = "" if cost.is_complete else f" (known of {cost.known} of {format_count(cost.parts, 'workload')})"
    but = f"; {found.unmeasured_because}" if found.unmeasured_because else ""
    return f"{format_utc(found.measured.snapshot.as_of)}: {amount} for 7 days{part}{but}"


def _show_workloads(keys: Sequence[WorkloadKey], measured: Measurement | None, currency: str) -> None:
    points = {} if measured is None else {point.key: point for point in measured.points}
    rows = []
    for key in keys:
        point = points.get(key)
        cost = "" if point is None else "unknown" if isinstance(point.cost_7d, Unknown) else format_money(point.cost_7d, currency)
        rows.append([key.cluster, key.namespace, key.type, key.name, cost])
    show_table(["cluster", "namespace", "type", "workload", "cost, 7 days"], rows, right=["cost, 7 days"])


def _route_text(route: Route | Unrouted, *, prefix: str = "") -> str:
    rejected = "".join(f"; {one}" for one in route.rejected)
    if isinstance(route, Unrouted):
        return f"no destination: {route.reason}{rejected}"
    return f"{prefix}{route.target}, by {route.rule}{rejected}"


def _report_text(report: UpcomingReport) -> str:
    last = report.last
    before = f"; the last, of {last.week}, was {last.status} on {format_utc(last.created_at)}" if last else "; none was made yet"
    return f"that of {report.week} is due {format_instant(report.due_at, report.zone)}{before}"


def _show_problems(sentences: Sequence[str]) -> None:
    for sentence in dict.fromkeys(sentences):
        say(f"! {sentence}")


def _component_as_json(found: ComponentExplanation) -> dict[str, Json]:
    snapshot = found.measured.snapshot if found.measured is not None else None
    with_cost, workloads = (None, None) if snapshot is None else SeriesPoint.of_component(snapshot).counts
    component, owner, selector = found.component, found.owner, found.selector
    return {
        "entityRef": str(component.ref),
        "title": component.title,
        "lifecycle": component.lifecycle or None,
        "isLive": found.is_live,
        "liveProblem": found.live_problem or None,
        "leftAt": found.left_at.isoformat() if found.left_at else None,
        "owner": {"team": str(owner.team), "title": owner.title, "inCatalog": owner.in_catalog, "rule": owner.rule or None},
        "selector": {
            "annotation": selector.annotation or None,
            "text": selector.text or None,
            "queries": [list(query) for query in selector.queries],
            "limits": list(selector.limits),
            "problems": list(selector.problems),
        },
        "workloads": [
            {"clusterName": key.cluster, "namespace": key.namespace, "type": key.type, "workloadName": key.name}
            for key in found.workloads
        ],
        "warnings": [*found.warnings, *component.problems],
        "measurement": None
        if snapshot is None
        else {
            "asOf": snapshot.as_of.isoformat(),
            "outcome": snapshot.outcome.value,
            "costLast7d": None if isinstance(snapshot.cost_7d.amount, Unknown) else float(snapshot.cost_7d.amount),
            "workloadsWithCost": with_cost,
            "workloads": workloads,
        },
        "unmeasuredBecause": found.unmeasured_because or None,
        "nextSlot": found.next_slot.isoformat(),
        "pages": found.pages,
        **_common_json(found),
    }


def _team_as_json(found: TeamExplanation) -> dict[str, Json]:
    return {
        "entityRef": str(found.team),
        "title": found.title,
        "inCatalog": found.in_catalog,
        "parents": [str(ref) for ref in found.parents],
        "components": [str(ref) for ref in found.components],
        "unmeasured": [str(ref) for ref in found.unmeasured],
        "newestSweep": found.newest_sweep.isoformat() if found.newest_sweep else None,
        **_common_json(found),
    }


def _common_json(found: ComponentExplanation | TeamExplanation) -> dict[str, Json]:
    last = found.report.last
    return {
        "slack": _route_json(found.slack),
        "pagerduty": _route_json(found.pagerduty),
        "alerts": [_alert_json(alert) for alert in found.alerts],
        "report": {
            "nextWeek": str(found.report.week),
            "nextDue": found.report.due_at.isoformat(),
            "lastWeek": last.week if last else None,
            "lastStatus": last.status.value if last else None,
            "lastMadeAt": last.created_at.isoformat() if last else None,
        },
    }


def _route_json(route: Route | Unrouted) -> dict[str, Json]:
    rejected: list[Json] = [str(one) for one in route.rejected]
    if isinstance(route, Unrouted):
        return {"target": None, "rule": None, "reason": route.reason, "isFallback": False, "rejected": rejected}
    return {"target": route.target, "rule": route.rule, "reason": None, "isFallback": route.is_fallback, "rejected": rejected}


def _alert_json(alert: AlertState) -> dict[str, Json]:
    row: dict[str, Json] = alert_row(alert).model_dump(mode="json", by_alias=True)
    return row
