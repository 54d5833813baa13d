"""Figures of components in words, identical in every rendering."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from domain.money import format_count, format_money
from reports import content
from reports.builders.months import format_month
from reports.formatting import clip, format_change

_MAX_TITLE: Final = 80


def format_like_for_like(figures: content.ComponentFigures | content.TeamSummary) -> str:
    """Format the like-for-like change as `+$57.40 (+16%)`; empty without one."""
    return "" if figures.like_for_like is None else format_change(figures.like_for_like, figures.share, figures.cost.currency)


def format_other_changes(amounts: Mapping[str, Decimal], not_comparable: int, currency: str) -> str:
    """Format the parts of a change that are not like for like as `added +$20.00, 2 workloads not comparable`."""
    listed = [f"{label} {format_money(amount, currency, signed=True)}" for label, amount in amounts.items()]
    return ", ".join([*listed, *([format_not_comparable(not_comparable)] if not_comparable else [])])


def format_not_comparable(workloads: int) -> str:
    """Format as `2 workloads not comparable`."""
    return f"{format_count(workloads, 'workload')} not comparable"


def format_component_change(figures: content.ComponentFigures) -> str:
    """Format the whole change as `+$57.40 (+16%); added +$20.00`."""
    return "; ".join(part for part in (format_like_for_like(figures), figures.other_changes) if part)


def format_automated(automation: content.AutomatedWorkloads) -> str:
    """Format as `2 of 3`, `2 of 3, unknown for 1`, `unknown`, `no workloads`."""
    rest = format_automated_rest(automation)
    return f"{format_known_automated(automation)}, {rest}" if rest else format_known_automated(automation)


def format_known_automated(automation: content.AutomatedWorkloads) -> str:
    """Format what is known of automation as `2 of 3`, `unknown`, `no workloads`."""
    if not automation.known:
        return "unknown" if automation.workloads or automation.components_unknown else "no workloads"
    return f"{automation.automated:,} of {automation.known:,}"


def format_automated_rest(automation: content.AutomatedWorkloads) -> str:
    """Format what is not known as `unknown for 1`; empty if that is nothing, or all."""
    return f"unknown for {automation.unknown:,}" if automation.known and automation.unknown else ""


def format_budget_line(component: content.ComponentName, month: content.Budget) -> str:
    """Return the month of a component against its budget, in one line."""
    return f"{clip(component.title, _MAX_TITLE)}, {format_month(month)}: {month.sentence}"
