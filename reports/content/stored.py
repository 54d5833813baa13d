"""What the reports that an earlier release stored contain and new ones do not: they are still shown."""

from __future__ import annotations

from typing import Literal

from reports.content.headline import Budget
from reports.content.values import ComponentName, ContentModel


class ComponentBudget(ContentModel):
    """The month of one component against its budget."""

    component: ComponentName
    month: Budget


class ComponentBudgets(ContentModel):
    """The components with a budget, those that exceed it first. Release 0.1 stored it as a section; now `ComponentOverview` has it."""

    kind: Literal["budgets"] = "budgets"
    components: tuple[ComponentBudget, ...]
