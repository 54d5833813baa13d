"""A report as one self-contained page: no script, nothing fetched, light and dark by what the reader prefers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from reports import content
from reports.build.sentences import remarks
from reports.render.charts import draw_trend
from reports.render.templating import environment

PICTURE: Final = "trend"


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmlSection:
    """A section in HTML, and its anchor."""

    ident: str
    title: str
    html: Markup


def write_page(report: content.Report, env: SandboxedEnvironment | None = None) -> str:
    """Write the page of a report. A section that cannot be drawn says so and leaves the others standing."""
    made = env or environment("html")
    drawn = tuple(_draw(made, report, section, number) for number, section in enumerate(report.sections, start=1))
    return made.get_template("report.html").render(report=report, drawn=drawn, remarks=tuple(remarks(report)))


def _draw(env: SandboxedEnvironment, report: content.Report, section: content.Section, number: int) -> HtmlSection:
    body = section.body
    if body is None:
        return HtmlSection(ident=f"section-{number}", title=section.title, html=_sorry(section.failed))
    try:
        picture = _picture(body, report.currency)
        html = env.get_template(f"sections/{body.kind}.html").render(report=report, section=section, body=body, picture=picture)
    except Exception as trouble:  # noqa: BLE001 - one section's bug must not cost a team its report; the page tells it
        return HtmlSection(
            ident=body.kind, title=section.title, html=_sorry(f"This section could not be drawn ({type(trouble).__name__}).")
        )
    return HtmlSection(ident=body.kind, title=section.title, html=Markup(html))  # noqa: S704 - an autoescaping template made it


def _picture(body: content.Body, currency: str) -> Markup | None:
    if not isinstance(body, content.Trend) or all(one.cost.amount is None for one in body.weeks):
        return None
    return draw_trend(body, currency=currency, ident=PICTURE)


def _sorry(sentence: str) -> Markup:
    return Markup('<p class="empty">{}</p>').format(escape(sentence))
