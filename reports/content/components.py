"""The section about the components of a team: cost, change, savings, automation and alerts of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from reports.content.headline import Budget
from reports.content.values import Amount, ComponentName, ContentModel, Money, Share, Tone, tone_of

_WORST_FIRST: Final = ("exceeded", "above", "uncertain", "", "within")
"""Verdicts about a budget."""


class AutomatedWorkloads(ContentModel):
    """How many workloads ScaleOps automates."""

    automated: int
    known: int
    """Workloads of which it is known whether they are automated, of `workloads`."""
    workloads: int
    components_unknown: int
    """Components that could not be measured: they may have further workloads."""

    @property
    def unknown(self) -> int:
        """The number of the others."""
        return self.workloads - self.known


class ComponentFigures(ContentModel):
    """The figures of one component, or of all components of a team."""

    cost: Amount
    like_for_like: Money | None
    """The like-for-like change of the cost; None: there is no comparison, or no workload existed throughout both weeks."""
    share: Share | None
    is_noise: bool
    """True if the like-for-like change is below the noise floor."""
    other_amounts: Mapping[str, Money] = {}
    """The parts of the change that are not like for like and amount to something, by their names: `added`."""
    not_comparable: int = 0
    """Workloads that cannot be compared, if they amount to nothing."""
    other_changes: str
    """Both in words, or why nothing can be compared; empty if all of the change is like for like."""
    savings_available: Amount
    automation: AutomatedWorkloads
    open_alerts: int

    @property
    def tone(self) -> Tone:
        """The direction of a like-for-like change above the noise floor."""
        return tone_of(self.like_for_like, deserves_attention=not self.is_noise)


class ComponentSummary(ContentModel):
    """One component."""

    component: ComponentName
    figures: ComponentFigures
    alerts: tuple[str, ...]
    """What each open alert is about."""
    month: Budget | None
    """Its month against its budget; None: it has no budget."""
    page: str | None
    """URL of its page, not signed."""
    catalog: str | None
    """URL of its entity in Backstage."""
    dashboard: str | None
    """URL of its cost in ScaleOps; None also if no single query selects its workloads."""


class ComponentOverview(ContentModel):
    """The components of a team: all together first, then the highest cost first, those of unknown cost last."""

    kind: Literal["components"] = "components"
    currency: str
    then_as_of: datetime | None
    """None: there is no week before to compare with."""
    as_of: datetime
    total: ComponentFigures
    """A workload of several components counts once, and alerts about the team count as well."""
    components: tuple[ComponentSummary, ...]
    note: str
    """What the figures of the components do not add up to, and which components are no longer listed; empty if there is nothing to say."""

    @property
    def budgeted(self) -> tuple[tuple[ComponentName, Budget], ...]:
        """The months of the components with a budget: those that exceed it first."""
        found = [(row.component, row.month) for row in self.components if row.month is not None]
        return tuple(sorted(found, key=lambda one: _WORST_FIRST.index(one[1].verdict)))
