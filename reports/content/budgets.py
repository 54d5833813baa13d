"""The section about the budgets of components. The team's own budget is on the first screen."""

from __future__ import annotations

from typing import Literal

from reports.content.headline import Budget
from reports.content.values import ComponentName, ContentModel


class ComponentBudget(ContentModel):
    """The month of one component against its budget."""

    component: ComponentName
    month: Budget


class ComponentBudgets(ContentModel):
    """The components with a budget: those that exceed it first."""

    kind: Literal["budgets"] = "budgets"
    components: tuple[ComponentBudget, ...]
