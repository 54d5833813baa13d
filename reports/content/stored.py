"""What reports of earlier releases contain and new ones do not: their stored content is still shown."""

from __future__ import annotations

from typing import Literal

from reports.content.headline import Budget
from reports.content.values import ComponentName, ContentModel


class ComponentBudget(ContentModel):
    """The month of one component against its budget."""

    component: ComponentName
    month: Budget


class ComponentBudgets(ContentModel):
    """The components with a budget, those that exceed it first: a section of its own in 0.1, since then part of `ComponentOverview`."""

    kind: Literal["budgets"] = "budgets"
    components: tuple[ComponentBudget, ...]
