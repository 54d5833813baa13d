"""The page of one component: cost and why it changed, workloads with their requests, and alerts with why each notice was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from markupsafe import Markup

from actions.errors import NotFoundError
from actions.history.costs import ClosedWeeks, get_cost_trend
from actions.history.explanation import explain_cost_change
from actions.history.explanation_models import ExplainInput, ExplainOutput
from actions.history.models import TrendInput, TrendOutput, TrendWeekRow
from actions.history.reports import readable_weeks
from actions.history.view import HistoryView, parse_ref
from domain.component import Component, title_of_team
from domain.forecast import RATE_WEEKS
from domain.measures import Total, Unknown, unknown_total
from domain.messages import Json
from domain.refs import UNOWNED, EntityRef
from domain.selectors import dashboard_labels
from domain.snapshots import Measurement, SeriesPoint
from domain.weeks import IsoWeek, last_completed_week
from gateway.web.alert_forms import SNOOZES
from gateway.web.alert_lines import AlertLine, alert_table, read_alert_lines
from gateway.web.alert_pages import PageVisit
from gateway.web.reader_links import ReaderLinks, export_query, page_query, require_within_link
from gateway.web.workload_lines import WorkloadLine, most_important_first, workload_line, workload_table
from reports import content
from reports.builders.headline import amount_of
from reports.builders.months import build_budget
from reports.links import catalog_page, team_slug
from reports.render.charts import draw_trend
from reports.render.tables import PageTable
from reports.render.templating import environment
from tasks.context import Policy
from tasks.report.months import current_month

_MAX_WORKLOADS: Final = 200
_MAX_MOVERS: Final = 10
_WEEK: Final = "7 days"
_NEVER_MEASURED: Final = "it was not measured yet"


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
    month: content.Budget | None
    """None: it was never measured."""
    visit: PageVisit
    links: ReaderLinks
    report_weeks: Sequence[str]
    """Of its team, that the reader may open."""
    team_title: str
    catalog: str | None
    """The component in Backstage's catalog."""
    currency: str
    now: datetime

    @classmethod
    def read(cls, view: HistoryView, visit: PageVisit, policy: Policy) -> ComponentPage:
        """Read the page as a caller may see it. Raises NotFoundError, NotAllowedError, InputError."""
        parts = visit.parameters
        component, now = view.component(parse_ref(f"{parts['kind']}:{parts['namespace']}/{parts['name']}")), view.history.clock()
        require_within_link(visit.caller, component)
        measured = None if view.as_of is None else view.rows.snapshots.of_component(component.ref, view.as_of)
        points = sorted(() if measured is None else measured.points, key=most_important_first)
        labels, live = dashboard_labels(component), visit.context.live
        team, links = view.rows.components.teams().get(component.team), ReaderLinks.of(visit.request, policy.page_links)
        return cls(
            component=component,
            measured=measured,
            workloads=[workload_line(one, link=live.link(one.key.name, labels) if labels else None) for one in points],
            trend=_trend_of(view, component.ref),
            why=_why_of(view, component.ref, visit.week),
            alerts=read_alert_lines(view, component.ref, visit.forms, visit.caller, now=now),
            month=None if measured is None else _month_of(view, measured, policy),
            visit=visit,
            links=links,
            report_weeks=readable_weeks(view, component.team) if links.has_credentials else (),
            team_title=title_of_team(component.team, team),
            catalog=None if policy.catalog_url is None else catalog_page(policy.catalog_url, component.ref),
            currency=view.history.currency,
            now=now,
        )

    @property
    def about(self) -> EntityRef:
        """The component."""
        return self.component.ref

    def render(self, *, problem: str) -> str:
        """Return the HTML."""
        shown = None if self.why is None else self.why.week
        weeks = [one.week for one in self._weeks if one.as_of is not None and not one.running]
        before = max((one for one in weeks[1:] if shown is not None and one < shown), default=None)
        after = min((one for one in weeks if shown is not None and one > shown), default=None)

        def same_page(week: str | None) -> str | None:
            return None if week is None else f"{page_query(self.visit.request, week=week)}#why"

        return (
            environment("html")
            .get_template("pages/component.html")
            .render(
                page=self,
                ref=str(self.component.ref),
                title=self.component.title or self.component.spelled_name,
                team_page=self.links.team(self.component.team),
                week_before=same_page(before),
                week_after=same_page(after),
                weeks=[(one, self._report_of(one.week)) for one in reversed(self._weeks)],
                currency=self.currency,
                cost=self.cost,
                snoozes=list(SNOOZES),
                export_query=export_query(self.visit.request, week=None if self.visit.week is None else shown),
                problem=problem,
            )
        )

    def _report_of(self, week: str) -> str | None:
        """Return the address of the report of a week of its team; None: there is none."""
        return replace(self.links, slug=team_slug(self.component.team)).report(week) if week in self.report_weeks else None

    @property
    def has_owner(self) -> bool:
        """False if its entity names no owner."""
        return self.component.team != UNOWNED

    @property
    def cost(self) -> content.Amount:
        """The cost in the newest sweep."""
        found = None if self.measured is None else self.measured.snapshot
        total, as_of = (unknown_total(_NEVER_MEASURED), None) if found is None else (found.cost_7d, found.as_of)
        return amount_of(total, currency=self.currency, period=_WEEK, as_of=as_of)

    @property
    def unknown(self) -> str:
        """Why the newest sweep did not measure it; empty if it did."""
        return _NEVER_MEASURED if self.measured is None else self.measured.snapshot.reason

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
                cost=amount_of(_cost_of_week(one), currency=self.currency, period=_WEEK, as_of=one.as_of),
                events=tuple(title for title, at in opened if str(IsoWeek.of(at.date())) == one.week),
            )
            for one in self.trend.weeks
        )
        return content.Trend(weeks=weeks)

    def tables(self) -> tuple[PageTable, ...]:
        """Return the tables of the page; the workloads first."""
        as_of = None if self.measured is None else self.measured.snapshot.as_of
        workloads = workload_table(self.workloads, str(self.component.ref), currency=self.currency, as_of=as_of)
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
        return workloads, trend, changes, alert_table(self.alerts, str(self.component.ref), as_of=self.now)

    def as_json(self) -> Mapping[str, Json] | None:
        """Return None: the page has tables only."""
        return None

    @property
    def _weeks(self) -> Sequence[TrendWeekRow]:
        return () if self.trend is None else self.trend.weeks


def _month_of(view: HistoryView, measured: Measurement, policy: Policy) -> content.Budget:
    """Return the month to date with its forecast, by the arithmetic of the report and of the budget alert."""
    snapshot = measured.snapshot
    closed = ClosedWeeks.of(view, snapshot.ref)
    last = last_completed_week(view.history.clock(), closed.schedule.zone)
    found = closed.choose([last.shift(-back) for back in range(RATE_WEEKS - 1)])
    costs = [one.cost_7d for week in found.values() for one in week.chosen]
    month = current_month(view.rows, snapshot.ref, SeriesPoint.of_component(snapshot))
    budget = policy.alerts.monthly_budget_of(snapshot.ref)
    return build_budget(month, budget, [snapshot.cost_7d, *costs], currency=view.history.currency)


def _cost_of_week(one: TrendWeekRow) -> Total:
    if one.cost is not None:
        return Total(amount=Decimal(repr(one.cost)), known=one.workloads_with_cost or 0, parts=one.workloads or 0)
    if one.as_of is None:
        return unknown_total("not measured")
    return Total(amount=Unknown("no workload has a known cost"), known=0, parts=one.workloads or 0)


def _trend_of(view: HistoryView, ref: EntityRef) -> TrendOutput | None:
    try:
        return get_cost_trend(view, TrendInput(entity_ref=str(ref)))
    except NotFoundError:  # known to the catalog, and not measured in these weeks
        return None


def _why_of(view: HistoryView, ref: EntityRef, week: str | None) -> ExplainOutput | None:
    try:
        return explain_cost_change(view, ExplainInput(entity_ref=str(ref), week=week, limit=_MAX_MOVERS))
    except NotFoundError:  # a week has no closing snapshot of it
        return None
