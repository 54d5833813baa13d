"""Figures of components in words, identical in every rendering."""

from __future__ import annotations

from typing import Final

from domain.money import format_money
from reports import content
from reports.builders.months import format_month
from reports.formatting import clip, format_share

_MAX_TITLE: Final = 80


def format_like_for_like(figures: content.ComponentFigures) -> str:
    """Format the like-for-like change as `+$57.40 (+16%)`; empty without one."""
    if figures.like_for_like is None:
        return ""
    share = format_share(figures.share)
    moved = format_money(figures.like_for_like, figures.cost.currency, signed=True)
    return f"{moved} ({share})" if share else moved


def format_component_change(figures: content.ComponentFigures) -> str:
    """Format the whole change as `+$57.40 (+16%); added +$20.00`."""
    return "; ".join(part for part in (format_like_for_like(figures), figures.other_changes) if part)


def format_automated(automation: content.AutomatedWorkloads) -> str:
    """Format as `2 of 3`, `2 of 3, unknown for 1`, `unknown`, `no workloads`."""
    if not automation.known:
        return "unknown" if automation.workloads or automation.components_unknown else "no workloads"
    unknown = automation.workloads - automation.known
    counted = f"{automation.automated:,} of {automation.known:,}"
    return f"{counted}, unknown for {unknown:,}" if unknown else counted


def format_budget_line(component: content.ComponentName, month: content.Budget) -> str:
    """Return the month of a component against its budget, in one line."""
    return f"{clip(component.title, _MAX_TITLE)}, {format_month(month)}: {month.sentence}"
