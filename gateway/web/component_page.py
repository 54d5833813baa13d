"""The page of one component: cost and why it changed, workloads with their requests, and alerts with why each notice was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from markupsafe import Markup

from actions.context import RequestContext
from actions.errors import NotFoundError
from actions.history.costs import get_cost_trend
from actions.history.explanation import explain_cost_change
from actions.history.explanation_models import ExplainInput, ExplainOutput
from actions.history.models import TrendInput, TrendOutput, TrendWeekRow
from actions.history.timeline import TimelineEntry, timeline_of
from actions.history.view import HistoryView
from alerts.policy import Rule
from alerts.states import EVENT_JSON, STATE_JSON, AlertState
from domain.component import Component
from domain.measures import Total, known_or
from domain.refs import EntityRef
from domain.selectors import dashboard_labels
from domain.snapshots import Measurement, WorkloadPoint
from domain.weeks import IsoWeek
from gateway.auth.callers import Caller
from gateway.web.alert_forms import SNOOZES, AlertForm, AlertForms
from reports import content
from reports.findings import RULE_TITLES
from reports.links import team_slug
from reports.render.charts import draw_trend
from reports.render.tables import PageTable
from reports.render.templating import environment
from reports.request_patch import format_changes, request_changes

_MAX_WORKLOADS: Final = 200
_MAX_MOVERS: Final = 10
_RECENT: Final = timedelta(days=30)
_WEEK: Final = "7 days"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadLine:
    """One workload as the page shows it."""

    ident: str
    point: WorkloadPoint
    requests: str
    """Now and recommended, per pod, in Kubernetes units."""
    cost: Decimal | None
    savings: Decimal | None
    kills: int | None
    state: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One alert with its timeline, and its form if it is open."""

    state: AlertState
    title: str
    form: AlertForm | None
    timeline: Sequence[TimelineEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentPage:
    """All that the page of a component shows."""

    component: Component
    measured: Measurement | None
    """In the newest sweep."""
    workloads: Sequence[WorkloadLine]
    """All, the most important first; the page shows the first of them, its tables have all."""
    trend: TrendOutput | None
    why: ExplainOutput | None
    alerts: Sequence[AlertLine]
    currency: str
    now: datetime

    @property
    def unknown(self) -> str:
        """Why the newest sweep did not measure it; empty if it did."""
        return "it was not measured yet" if self.measured is None else self.measured.snapshot.reason

    @property
    def shown_workloads(self) -> Sequence[WorkloadLine]:
        """The workloads that the page shows."""
        return self.workloads[:_MAX_WORKLOADS]

    @property
    def more_workloads(self) -> int:
        """How many it does not show."""
        return len(self.workloads) - len(self.shown_workloads)

    @property
    def chart(self) -> Markup | None:
        """The trend as a picture."""
        shown = self.shown_trend
        return None if shown is None else draw_trend(shown, currency=self.currency, ident="trend-picture")

    @property
    def shown_trend(self) -> content.Trend | None:
        """The trend with the alerts that opened in each week; None if no week was measured."""
        if self.trend is None or all(one.cost is None for one in self.trend.weeks):
            return None
        opened = [(one.title, one.state.incident.opened_at) for one in self.alerts if one.state.incident is not None]
        weeks = tuple(
            content.TrendWeek(
                week=one.week,
                cost=content.Amount(
                    amount=None if one.cost is None else Decimal(repr(one.cost)),
                    currency=self.currency,
                    period=_WEEK,
                    known=one.workloads_with_cost or 0,
                    parts=one.workloads or 0,
                    as_of=one.as_of,
                    unknown_reason="" if one.cost is not None else "not measured",
                ),
                events=tuple(title for title, at in opened if str(IsoWeek.of(at.date())) == one.week),
            )
            for one in self.trend.weeks
        )
        return content.Trend(weeks=weeks)

    def tables(self) -> tuple[PageTable, ...]:
        """Return the tables of the page; the workloads first."""
        as_of = None if self.measured is None else self.measured.snapshot.as_of
        workloads = PageTable(
            name="workloads",
            title=f"Workloads of {self.component.ref}",
            currency=self.currency,
            period="cost 7 days, savings per month",
            as_of=as_of,
            columns=(
                "cluster", "namespace", "workload", "type", "cost", "savings_available", "state", "oom_kills_24h",
                "cpu_request_millicores", "cpu_recommended_millicores", "memory_request_bytes", "memory_recommended_bytes",
            ),
            rows=tuple(_workload_cells(one) for one in self.workloads),
        )  # fmt: skip
        trend = PageTable(
            name="trend",
            title=f"Cost of {self.component.ref} by week",
            currency=self.currency,
            period=_WEEK,
            columns=("week", "measured_at", "cost", "workloads", "workloads_with_cost"),
            rows=tuple((one.week, one.as_of, one.cost, one.workloads, one.workloads_with_cost) for one in self._weeks),
        )
        changes = PageTable(
            name="changes",
            title=f"What changed of {self.component.ref}",
            currency=self.currency,
            period=_WEEK,
            as_of=None if self.why is None else self.why.as_of,
            columns=("workload", "type", "before", "now", "change", "why"),
            rows=tuple(
                (one.workload_name, one.type, one.then, one.now, one.amount, one.explanation)
                for one in (() if self.why is None else self.why.movers)
            ),
        )
        alerts = PageTable(
            name="alerts",
            title=f"Alerts about {self.component.ref}",
            columns=("alert", "phase", "severity", "at", "what", "why", "sent"),
            rows=tuple(
                (str(alert.state.alert), alert.state.phase.value, alert.state.severity.value, one.at, one.what, one.why, "; ".join(one.sent))
                for alert in self.alerts
                for one in alert.timeline
            ),
        )  # fmt: skip
        return workloads, trend, changes, alerts

    @property
    def _weeks(self) -> Sequence[TrendWeekRow]:
        return () if self.trend is None else self.trend.weeks


def read_component_page(
    view: HistoryView, ref: EntityRef, context: RequestContext, forms: AlertForms, caller: Caller
) -> ComponentPage:
    """Read what the page of a component shows. Raises NotFoundError."""
    component, now = view.component(ref), view.history.clock()
    measured = None if view.as_of is None else view.rows.snapshots.of_component(component.ref, view.as_of)
    points = sorted(() if measured is None else measured.points, key=_most_important_first)
    labels = dashboard_labels(component)
    return ComponentPage(
        component=component,
        measured=measured,
        workloads=[_workload_line(one, link=context.live.link(one.key.name, labels) if labels else None) for one in points],
        trend=_trend_of(view, component.ref),
        why=_why_of(view, component.ref),
        alerts=list(_alert_lines(view, component.ref, forms, caller, now=now)),
        currency=view.history.currency,
        now=now,
    )


def render_component_page(
    page: ComponentPage, caller: Caller, *, query: str = "", problem: str = "", catalog_url: str | None = None
) -> str:
    """Render the page. `query`: with the signature of a link; `problem`: why a submitted form was not carried out."""
    cost = None if page.measured is None else page.measured.snapshot.cost_7d
    return (
        environment("html")
        .get_template("pages/component.html")
        .render(
            page=page,
            ref=str(page.component.ref),
            title=page.component.title or page.component.spelled_name,
            owner=str(page.component.team),
            team_page=None if caller.kind == "link" else f"/reports/{team_slug(page.component.team)}",
            catalog=catalog_url,
            currency=page.currency,
            cost=_amount(cost, page),
            snoozes=list(SNOOZES),
            export_query=f"?{query}&" if caller.kind == "link" else "?",
            problem=problem,
        )
    )


def _amount(total: Total | None, page: ComponentPage) -> content.Amount:
    is_known = total is not None and isinstance(total.amount, Decimal)
    return content.Amount(
        amount=known_or(total.amount, None) if total is not None else None,
        currency=page.currency,
        period=_WEEK,
        known=0 if total is None else total.known,
        parts=0 if total is None else total.parts,
        as_of=None if page.measured is None else page.measured.snapshot.as_of,
        unknown_reason="" if is_known else page.unknown or "no workload has a known cost",
    )


def _most_important_first(point: WorkloadPoint) -> tuple[object, ...]:
    kills, cost = known_or(point.oom_kills_24h, 0), known_or(point.cost_7d, Decimal(0))
    return (point.under_provisioned is not True, -kills, -cost, point.key)


def _workload_line(point: WorkloadPoint, *, link: str | None) -> WorkloadLine:
    kills = known_or(point.oom_kills_24h, None)
    changes = request_changes(
        cpu=(known_or(point.cpu_request_millicores, None), known_or(point.cpu_recommended_millicores, None)),
        memory=(known_or(point.memory_request_bytes, None), known_or(point.memory_recommended_bytes, None)),
        oom_kills=kills,
    )
    key = point.key
    return WorkloadLine(
        ident="w-" + re.sub(r"[^a-z0-9]+", "-", f"{key.cluster}-{key.namespace}-{key.type}-{key.name}".lower()),
        point=point,
        requests=format_changes(changes),
        cost=known_or(point.cost_7d, None),
        savings=known_or(point.advised_savings_per_month, None),
        kills=kills,
        state=_state_of(point),
        link=link,
    )


def _state_of(point: WorkloadPoint) -> str:
    issue = point.issue
    if isinstance(issue, tuple):
        return f"{issue[0].value}, {issue[1].value} priority"
    if issue is None:
        return "automated" if point.automated is True else "nothing to do"
    return f"unknown: {issue.reason}"


def _workload_cells(one: WorkloadLine) -> tuple[str | int | float | Decimal | None, ...]:
    key, point = one.point.key, one.point
    sizes = (
        point.cpu_request_millicores,
        point.cpu_recommended_millicores,
        point.memory_request_bytes,
        point.advised_memory_bytes,
    )
    known = (known_or(size, None) for size in sizes)
    return (key.cluster, key.namespace, key.name, key.type, one.cost, one.savings, one.state, one.kills, *known)


def _trend_of(view: HistoryView, ref: EntityRef) -> TrendOutput | None:
    try:
        return get_cost_trend(view, TrendInput(entity_ref=str(ref)))
    except NotFoundError:  # known to the catalog, and not measured in these weeks
        return None


def _why_of(view: HistoryView, ref: EntityRef) -> ExplainOutput | None:
    try:
        return explain_cost_change(view, ExplainInput(entity_ref=str(ref), limit=_MAX_MOVERS))
    except NotFoundError:  # a week has no closing snapshot of it
        return None


def _alert_lines(view: HistoryView, ref: EntityRef, forms: AlertForms, caller: Caller, *, now: datetime) -> Iterator[AlertLine]:
    states = [STATE_JSON.validate_python(row.state) for row in view.rows.alerts.states_of([ref])]
    shown = [one for one in states if one.is_open or (one.resolved_as_of is not None and now - one.resolved_as_of <= _RECENT)]
    for state in sorted(shown, key=lambda one: (not one.is_open, one.alert)):
        name = str(state.alert)
        events = [(row.number, EVENT_JSON.validate_python(row.details)) for row in view.rows.alerts.events_of(name)]
        yield AlertLine(
            state=state,
            title=_title_of(state.alert.rule),
            form=forms.form_for(name, caller, now=now) if state.is_open else None,
            timeline=timeline_of(name, events, view.rows.outbox.of_alert(name)),
        )


def _title_of(rule: Rule) -> str:
    return RULE_TITLES.get(rule, rule.value)
