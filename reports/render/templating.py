"""Jinja environments: sandboxed, autoescaping, strict about undefined names.

`html` escapes for HTML. `markdown` escapes Markdown syntax and then HTML, which Markdown passes through. Both replace
unprintable characters: a name may contain line breaks or direction marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal

from jinja2 import BaseLoader, PackageLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from domain.clock import format_utc
from domain.money import format_count, format_money, format_percent
from domain.weeks import IsoWeek
from reports import formatting, links
from reports.builders import cause_sentences, component_sentences, month_sentences, months, sentences

Form = Literal["html", "markdown"]

_MARKDOWN_SYNTAX: Final = re.compile(r"([\\`*_\[\]|~#])")


@cache
def environment(form: Form) -> SandboxedEnvironment:
    """Return the environment for a form, created once per process."""
    return make_environment(form, PackageLoader("templates", ""))


def make_environment(form: Form, loader: BaseLoader) -> SandboxedEnvironment:
    """Create an environment. Outside of tests the loader is the `templates` package."""
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
        alerts=sentences.format_alerts,
        amount=formatting.format_amount,
        automated=component_sentences.format_automated,
        automated_rest=component_sentences.format_automated_rest,
        automation=sentences.format_automation,
        budget_line=component_sentences.format_budget_line,
        change=formatting.format_change,
        clip=formatting.clip,
        cause=cause_sentences.format_cause,
        component_change=component_sentences.format_component_change,
        components=formatting.format_components,
        count=format_count,
        coverage=formatting.format_coverage,
        partial=formatting.format_partial,
        day=formatting.format_day,
        decimal=lambda number: Decimal(repr(number)),
        events=formatting.format_events,
        follow_up=sentences.format_follow_up,
        instant=formatting.format_instant,
        month=months.format_month,
        month_change=month_sentences.format_month_change,
        month_name=month_sentences.format_month_name,
        spent=months.format_spent,
        utc=format_utc,
        variance=month_sentences.format_variance,
        money=formatting.format_money_or_unknown,
        known_automated=component_sentences.format_known_automated,
        more=sentences.format_more,
        more_movers=cause_sentences.format_more_movers,
        network=sentences.format_network,
        not_in_sums=sentences.format_not_in_sums,
        not_comparable_workloads=component_sentences.format_not_comparable,
        not_comparable=cause_sentences.format_not_comparable,
        no_actions=sentences.format_no_actions,
        percent=format_percent,
        place=formatting.format_place,
        routing=sentences.format_routing,
        saving=formatting.format_saving,
        share=formatting.format_share,
        small_changes=cause_sentences.format_small_changes,
        places=cause_sentences.format_places,
        action_places=sentences.format_action_places,
        patch_about=sentences.format_patch_about,
        no_cause=cause_sentences.format_no_cause,
        sparkline=formatting.sparkline,
        traffic=formatting.format_traffic,
        trend=formatting.format_trend,
        trend_scale=formatting.format_trend_scale,
        unallocated=sentences.format_unallocated,
        workload_anchor=links.workload_anchor,
        week=lambda text: formatting.format_week(IsoWeek.parse(text)),
    )
    made.globals.update(
        format_money=format_money, max_movers=cause_sentences.MAX_MOVERS, no_gap=sentences.NO_GAP, no_team=sentences.NO_TEAM
    )
    return made


def printable(value: Any) -> Any:  # noqa: ANN401 - Jinja passes any value
    """Replace unprintable characters in a text."""
    return formatting.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def markdown_text(value: Any) -> Any:  # noqa: ANN401 - Jinja passes any value
    """Escape Markdown syntax in a text; Jinja escapes HTML afterwards."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _MARKDOWN_SYNTAX.sub(r"\\\1", formatting.one_line(value))
    return value
