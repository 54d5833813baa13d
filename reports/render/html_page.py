"""Renders a report as one self-contained HTML page, without scripts or external requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from reports import content
from reports.build.sentences import remarks
from reports.render.charts import draw_trend
from reports.render.templating import environment

CHART_ID: Final = "trend"


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmlSection:
    """A rendered section and its anchor."""

    ident: str
    title: str
    html: Markup


def render_page(report: content.Report, env: SandboxedEnvironment | None = None) -> str:
    """Render the page of a report. A section that fails is replaced by its failure; the others are kept."""
    env = env or environment("html")
    drawn = tuple(_render_section(env, report, section, number) for number, section in enumerate(report.sections, start=1))
    return env.get_template("report.html").render(report=report, drawn=drawn, remarks=tuple(remarks(report)))


def _render_section(env: SandboxedEnvironment, report: content.Report, section: content.Section, number: int) -> HtmlSection:
    body = section.body
    if body is None:
        return HtmlSection(ident=f"section-{number}", title=section.title, html=_failure(section.failure))
    try:
        chart = _chart(body, report.currency)
        html = env.get_template(f"sections/{body.kind}.html").render(report=report, section=section, body=body, chart=chart)
    except Exception as error:  # noqa: BLE001 - a failure in one section must not lose the report
        return HtmlSection(
            ident=body.kind, title=section.title, html=_failure(f"This section could not be rendered ({type(error).__name__}).")
        )
    return HtmlSection(ident=body.kind, title=section.title, html=Markup(html))  # noqa: S704 - rendered by an autoescaping template


def _chart(body: content.Body, currency: str) -> Markup | None:
    if not isinstance(body, content.Trend) or all(one.cost.amount is None for one in body.weeks):
        return None
    return draw_trend(body, currency=currency, ident=CHART_ID)


def _failure(sentence: str) -> Markup:
    return Markup('<p class="empty">{}</p>').format(escape(sentence))
