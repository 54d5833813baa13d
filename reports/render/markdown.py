"""Renders a report as Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from reports import content
from reports.build.sentences import key_figures, remarks
from reports.render.templating import environment


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownSection:
    """A rendered section."""

    title: str
    text: Markup | str


def render_markdown(report: content.Report, env: SandboxedEnvironment | None = None) -> str:
    """Render a report as Markdown. A section that fails is replaced by its failure; the others are kept."""
    env = env or environment("markdown")
    text = env.get_template("markdown/report.md").render(
        report=report,
        drawn=tuple(_render_section(env, report, section) for section in report.sections),
        remarks=tuple(remarks(report)),
        figures=tuple(key_figures(report.headline)),
    )
    return text.strip() + "\n"


def _render_section(env: SandboxedEnvironment, report: content.Report, section: content.Section) -> MarkdownSection:
    if section.body is None:
        return MarkdownSection(title=section.title, text=section.failure)
    try:
        text = env.get_template(f"markdown/{section.body.kind}.md").render(report=report, section=section, body=section.body)
    except Exception as error:  # noqa: BLE001 - a failure in one section must not lose the report
        return MarkdownSection(title=section.title, text=f"This section could not be rendered ({type(error).__name__}).")
    return MarkdownSection(title=section.title, text=Markup(text.strip()))  # noqa: S704 - rendered by an escaping template
