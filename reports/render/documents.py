"""Renders a report as a document: one self-contained HTML page without scripts or external requests, or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from reports import content
from reports.builders.month_sentences import describe_month, month_figures, month_remarks
from reports.builders.sentences import key_figures, remarks
from reports.render.charts import draw_trend
from reports.render.report_tables import names_of_tables
from reports.render.templating import environment

CHART_ID: Final = "trend"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedSection:
    """A section and its anchor: its text, or why it has none."""

    ident: str
    title: str
    text: Markup | str = ""
    failure: str = ""
    tables: tuple[str, ...] = ()
    """The names of its tables, as they are exported."""


ComponentLink: TypeAlias = Callable[[str], str | None]
"""Returns the address of a component's page by its reference; None: the page's reader may not open it, or there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNavigation:
    """Where the page of a report leads when the gateway serves it."""

    overview: str | None = None
    team: str | None = None
    """The page of the team."""
    previous: str | None = None
    """The report of the week before."""
    following: str | None = None
    component: ComponentLink = lambda _: None
    opens_teams: bool = True
    """True if the reader may open the reports of the teams that a roll-up lists."""
    export: str | None = None
    """The query to which `format=csv&table=NAME` is appended; None: nothing serves the tables."""


def in_a_file(report: content.AnyReport) -> PageNavigation:
    """Return where a page in a file leads: to the pages of components by their own addresses, which are not signed."""
    return PageNavigation(component=report.component_pages.get) if isinstance(report, content.Report) else PageNavigation()


def render_page(
    report: content.AnyReport, env: SandboxedEnvironment | None = None, *, navigation: PageNavigation | None = None
) -> str:
    """Render the page of a report, by default for a file. A section that fails is replaced by its failure; the others are kept."""
    template = "monthly.html" if isinstance(report, content.MonthlyReport) else "report.html"
    return _render(report, env or environment("html"), template, "sections/{}.html", navigation or in_a_file(report))


def render_markdown(report: content.AnyReport, env: SandboxedEnvironment | None = None) -> str:
    """Render a report as Markdown. A section that fails is replaced by its failure; the others are kept."""
    template = "markdown/monthly.md" if isinstance(report, content.MonthlyReport) else "markdown/report.md"
    return _render(report, env or environment("markdown"), template, "markdown/{}.md", in_a_file(report)).strip() + "\n"


def _render(
    report: content.AnyReport, env: SandboxedEnvironment, template: str, section_template: str, navigation: PageNavigation
) -> str:
    drawn = tuple(_render_sections(report, env, section_template, navigation))
    if isinstance(report, content.MonthlyReport):
        return env.get_template(template).render(
            report=report,
            drawn=drawn,
            remarks=tuple(month_remarks(report)),
            figures=tuple(month_figures(report)),
            changed=describe_month(report),
            navigation=navigation,
        )
    return env.get_template(template).render(
        report=report,
        drawn=drawn,
        remarks=tuple(remarks(report)),
        figures=tuple(key_figures(report.headline)),
        navigation=navigation,
    )


def _render_sections(
    report: content.AnyReport, env: SandboxedEnvironment, template: str, navigation: PageNavigation
) -> Iterator[RenderedSection]:
    for number, section in enumerate(report.sections, start=1):
        body = section.body
        if body is None:
            yield RenderedSection(ident=f"section-{number}", title=section.title, failure=section.failure)
            continue
        try:
            chart = _chart(body, report.currency)
            tables = () if navigation.export is None else names_of_tables(body)
            text = env.get_template(template.format(body.kind)).render(
                report=report, section=section, body=body, chart=chart, navigation=navigation
            )
        except Exception as error:  # noqa: BLE001 - a failure in one section must not lose the report
            failure = f"This section could not be rendered ({type(error).__name__})."
            yield RenderedSection(ident=body.kind, title=section.title, failure=failure)
        else:
            # The template has escaped it.
            yield RenderedSection(ident=body.kind, title=section.title, text=Markup(text), tables=tables)  # noqa: S704


def _chart(body: content.Body, currency: str) -> Markup | None:
    if isinstance(body, content.UnallocatedSpend):
        return _draw(body.trend, currency, ident=f"{body.kind}-{CHART_ID}")
    return _draw(body, currency, ident=CHART_ID) if isinstance(body, content.Trend) else None


def _draw(trend: content.Trend, currency: str, *, ident: str) -> Markup | None:
    if all(one.cost.amount is None for one in trend.weeks):
        return None
    return draw_trend(trend, currency=currency, ident=ident)
