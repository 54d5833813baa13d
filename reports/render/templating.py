"""The one maker of Jinja environments: sandboxed, escaping, strict. Templates are untrusted-input proof by default.

`html` escapes for HTML. `markdown` escapes what Markdown would read as its own signs, and then for HTML too, which Markdown passes on.
Both replace characters that cannot be printed: a name may hold line breaks or direction marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal

from jinja2 import BaseLoader, PackageLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from domain.money import format_count, format_money
from domain.weeks import IsoWeek
from reports import formatting
from reports.build import sentences
from reports.build.top_actions import format_requests, format_size
from reports.dates import format_day, format_moment, format_week

Form = Literal["html", "markdown"]

_MARKDOWN_SIGNS: Final = re.compile(r"([\\`*_\[\]|~#])")


def environment(form: Form) -> SandboxedEnvironment:
    """Answer the environment for a form, made once."""
    return _made_once(form)


@cache
def _made_once(form: Form) -> SandboxedEnvironment:
    return make_environment(form, PackageLoader("templates", ""))


def make_environment(form: Form, loader: BaseLoader) -> SandboxedEnvironment:
    """Make an environment over a loader; outside the house tests the loader is the package of templates."""
    finalizers: dict[Form, Callable[[Any], Any]] = {"html": printable, "markdown": markdown_text}
    made = SandboxedEnvironment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalizers[form],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        amount=formatting.format_amount,
        automation=sentences.format_automation,
        budget=sentences.format_budget,
        clip=formatting.clip,
        components=formatting.format_components,
        count=format_count,
        coverage=formatting.format_coverage,
        day=format_day,
        follow_up=sentences.format_follow_up,
        moment=format_moment,
        money=formatting.money_or_unknown,
        network=sentences.format_network,
        place=formatting.format_place,
        requests=format_requests,
        share=formatting.format_share,
        size=format_size,
        sparkline=formatting.sparkline,
        trend=formatting.format_trend,
        week=lambda text: format_week(IsoWeek.parse(text)),
    )
    made.globals.update(format_money=format_money)
    return made


def printable(value: Any) -> Any:  # noqa: ANN401 - Jinja hands over whatever an expression yields
    """Replace what cannot be printed in a text."""
    return formatting.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def markdown_text(value: Any) -> Any:  # noqa: ANN401 - Jinja hands over whatever an expression yields
    """Escape the signs of Markdown in a text; Jinja escapes those of HTML afterwards."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _MARKDOWN_SIGNS.sub(r"\\\1", formatting.one_line(value))
    return value
