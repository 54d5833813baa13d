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

from domain.money import count_in_words, money_in_words
from domain.weeks import IsoWeek
from reports import sentences, words
from reports.advising import requests_in_words, size_in_words
from reports.moments import day_in_words, moment_in_words, week_in_words

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
        amount=words.amount_in_words,
        automation=sentences.automation_in_words,
        budget=sentences.budget_in_words,
        clip=words.clip,
        components=words.components_in_words,
        count=count_in_words,
        coverage=words.coverage_in_words,
        day=day_in_words,
        follow_up=sentences.follow_up_in_words,
        moment=moment_in_words,
        money=words.money_or_unknown,
        network=sentences.network_in_words,
        place=words.place_in_words,
        requests=requests_in_words,
        share=words.share_in_words,
        size=size_in_words,
        sparkline=words.sparkline,
        trend=words.trend_in_words,
        week=lambda text: week_in_words(IsoWeek.parse(text)),
    )
    made.globals.update(money_in_words=money_in_words)
    return made


def printable(value: Any) -> Any:  # noqa: ANN401 - Jinja hands over whatever an expression yields
    """Replace what cannot be printed in a text."""
    return words.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def markdown_text(value: Any) -> Any:  # noqa: ANN401 - Jinja hands over whatever an expression yields
    """Escape the signs of Markdown in a text; Jinja escapes those of HTML afterwards."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _MARKDOWN_SIGNS.sub(r"\\\1", words.one_line(value))
    return value
