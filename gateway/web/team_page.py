"""The page of a team: its newest report in short, its components, its alerts, and the way to every week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from actions.history.reports import months_with_roll_up, readable_runs, stored_report, team_of_slug
from actions.history.view import HistoryView
from alerts.states import OPEN_PHASES
from domain.component import Component, title_of_team
from domain.measures import known_or, unknown_total
from domain.messages import Json
from domain.refs import PLATFORM, RESERVED_TEAMS, EntityRef
from domain.snapshots import SeriesPoint
from gateway.web.alert_forms import SNOOZES
from gateway.web.alert_lines import AlertLine, alert_table, read_alert_lines
from gateway.web.alert_pages import PageVisit
from gateway.web.reader_links import ReaderLinks, export_query
from reports import content
from reports.builders.headline import amount_of
from reports.links import catalog_page, team_slug
from reports.render.tables import PageTable
from reports.render.templating import environment
from store import ReportRun
from tasks.context import Policy

_MAX_COMPONENTS: Final = 500
_MAX_WEEKS: Final = 26
_NOT_MEASURED: Final = unknown_total("not measured in the newest sweep")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentLine:
    """One component of the team."""

    component: Component
    title: str
    cost: content.Amount
    savings: Decimal | None
    open_alerts: int
    link: str | None
    catalog: str | None

    @property
    def workloads(self) -> int | None:
        """How many it has; None: it was not measured."""
        return self.cost.counts[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekLine:
    """One stored report of the team."""

    week: str
    headline: content.Headline
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPage:
    """All that the page of a team shows."""

    about: EntityRef
    visit: PageVisit
    links: ReaderLinks
    title: str
    catalog: str | None
    weeks: Sequence[WeekLine]
    """The newest first."""
    components: Sequence[ComponentLine]
    """The most expensive first."""
    more_components: int
    """Those that are not shown."""
    hidden_components: int
    months: Sequence[tuple[str, str | None]]
    """The monthly roll-ups with their addresses, the newest first; none for a team."""
    alerts: Sequence[AlertLine]
    currency: str
    as_of: datetime | None
    now: datetime

    @classmethod
    def read(cls, view: HistoryView, visit: PageVisit, policy: Policy) -> TeamPage:
        """Read the page as a caller may see it.

        Raises:
            NotFoundError: the team has no report and no component that the caller may see.
        """
        team, now = team_of_slug(visit.parameters["team"]), view.history.clock()
        owned, hidden = view.only_visible(view.rows.components.of_team(team), lambda one: one.ref)
        runs = readable_runs(view, team, newest=_MAX_WEEKS)
        if not runs and not owned:
            stored_report(view, team, None)  # raises, with what the caller may know of it
        links = ReaderLinks.of(visit.request, policy.page_links, slug=team_slug(team))
        known = view.rows.components.teams().get(team)
        may_see_alerts = view.sees_everything if team == PLATFORM else view.may_see(team)
        return cls(
            about=team,
            visit=visit,
            links=links,
            title=title_of_team(team, known),
            catalog=None if policy.catalog_url is None or known is None else catalog_page(policy.catalog_url, team),
            weeks=_week_lines(runs, links),
            components=_component_lines(view, owned, links, policy),
            more_components=max(0, len(owned) - _MAX_COMPONENTS),
            hidden_components=hidden,
            months=[(month, links.report(month)) for month in reversed(months_with_roll_up(view))] if team == PLATFORM else (),
            alerts=read_alert_lines(view, team, visit.forms, visit.caller, now=now) if may_see_alerts else (),
            currency=view.history.currency,
            as_of=view.as_of,
            now=now,
        )

    @property
    def is_in_catalog(self) -> bool:
        """False for the two teams that no catalog has: all of them, and that of components without an owner."""
        return self.about not in RESERVED_TEAMS

    def tables(self) -> tuple[PageTable, ...]:
        """Return the tables of the page."""
        components = PageTable(
            name="components",
            title=f"Components of {self.title}",
            columns=("component", "title", "cost", "workloads_with_cost", "workloads", "savings_available", "open_alerts"),
            rows=tuple(
                (str(one.component.ref), one.title, one.cost.amount, *one.cost.counts, one.savings, one.open_alerts)
                for one in self.components
            ),
            currency=self.currency,
            period="cost 7 days, savings per month",
            as_of=self.as_of,
        )
        weeks = PageTable(
            name="weeks",
            title=f"Reports of {self.title}",
            columns=("week", "measured_at", "cost", "workloads_with_cost", "workloads", "like_for_like", "share"),
            rows=tuple(_week_cells(one) for one in self.weeks),
            currency=self.currency,
            period="7 days",
            as_of=self.as_of,
        )
        return components, weeks, alert_table(self.alerts, self.title, as_of=self.now)

    def as_json(self) -> Mapping[str, Json] | None:
        """Return None: the page has tables only."""
        return None

    def render(self, *, problem: str) -> str:
        """Return the HTML."""
        return (
            environment("html")
            .get_template("pages/team.html")
            .render(
                page=self,
                problem=problem,
                is_platform=self.about == PLATFORM,
                snoozes=list(SNOOZES),
                export_query=export_query(self.visit.request),
            )
        )


def _week_lines(runs: Sequence[ReportRun], links: ReaderLinks) -> tuple[WeekLine, ...]:
    newest_first = sorted(runs, key=lambda run: run.week, reverse=True)
    return tuple(
        WeekLine(week=run.week, headline=_headline_of(run), link=links.report(run.week, is_newest=number == 0))
        for number, run in enumerate(newest_first)
    )


def _headline_of(run: ReportRun) -> content.Headline:
    """Read the headline only: the whole report of a large team takes a hundred times as long."""
    stored = run.content if isinstance(run.content, dict) else {}
    return content.Headline.model_validate(stored.get("headline"))


def _week_cells(one: WeekLine) -> tuple[str | int | Decimal | datetime | None, ...]:
    cost, like_for_like = one.headline.cost, one.headline.like_for_like
    change = None if like_for_like is None else like_for_like.amount
    return one.week, cost.as_of, cost.amount, *cost.counts, change, one.headline.share


def _component_lines(
    view: HistoryView, owned: Sequence[Component], links: ReaderLinks, policy: Policy
) -> tuple[ComponentLine, ...]:
    refs = [one.ref for one in owned]
    measured = view.rows.history.of_components(refs, as_ofs=[view.as_of]) if view.as_of is not None and refs else {}
    alerts = view.rows.alerts.counts(statuses=OPEN_PHASES)
    points = {ref: next(iter(found), None) for ref, found in measured.items()}
    lines = [
        ComponentLine(
            component=one,
            title=one.title or one.spelled_name,
            cost=_cost_of(points.get(one.ref), view),
            savings=_savings_of(points.get(one.ref)),
            open_alerts=alerts.get(one.ref, 0),
            link=links.component(one),
            catalog=None if policy.catalog_url is None else catalog_page(policy.catalog_url, one.ref),
        )
        for one in owned
    ]
    ordered = sorted(lines, key=lambda one: (-one.open_alerts, -(one.cost.amount or Decimal(0)), one.title.lower()))
    return tuple(ordered[:_MAX_COMPONENTS])


def _cost_of(point: SeriesPoint | None, view: HistoryView) -> content.Amount:
    total = _NOT_MEASURED if point is None or not point.measured else point.cost_7d
    return amount_of(total, currency=view.history.currency, period="7 days", as_of=view.as_of)


def _savings_of(point: SeriesPoint | None) -> Decimal | None:
    return None if point is None else known_or(point.savings_available_per_month.amount, None)
