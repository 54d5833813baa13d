"""A report as Markdown: for a terminal, a wiki, a pull request."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from reports import content
from reports.build.sentences import key_figures, remarks
from reports.render.templating import environment


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownSection:
    """A section in Markdown."""

    title: str
    text: Markup | str


def write_markdown(report: content.Report, env: SandboxedEnvironment | None = None) -> str:
    """Write a report as Markdown. A section that cannot be written says so and leaves the others standing."""
    made = env or environment("markdown")
    text = made.get_template("markdown/report.md").render(
        report=report,
        drawn=tuple(_write(made, report, section) for section in report.sections),
        remarks=tuple(remarks(report)),
        figures=tuple(key_figures(report.headline)),
    )
    return text.strip() + "\n"


def _write(env: SandboxedEnvironment, report: content.Report, section: content.Section) -> MarkdownSection:
    if section.body is None:
        return MarkdownSection(title=section.title, text=section.failed)
    try:
        text = env.get_template(f"markdown/{section.body.kind}.md").render(report=report, section=section, body=section.body)
    except Exception as trouble:  # noqa: BLE001 - one section's bug must not cost a team its report; the text tells it
        return MarkdownSection(title=section.title, text=f"This section could not be written ({type(trouble).__name__}).")
    return MarkdownSection(title=section.title, text=Markup(text.strip()))  # noqa: S704 - an escaping template made it
