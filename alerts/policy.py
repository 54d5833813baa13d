"""What the rules are set to: defaults, and what one component wants otherwise. Built once by the wiring, from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from domain.refs import EntityRef


class Rule(StrEnum):
    """What an alert is about. The first five look at components (a budget also at teams), the others at the installation."""

    UNDER_PROVISIONED = "under-provisioned"
    OVER_PROVISIONED = "over-provisioned"
    COST_INCREASE = "cost-increase"
    BUDGET = "budget"
    UNMEASURED = "unmeasured"
    STORM = "storm"
    """A team, or the platform, has too many new pages at once: they are told as one."""
    OUTAGE = "outage"
    """So much could not be measured that nothing else is judged."""


COMPONENT_RULES = (Rule.UNDER_PROVISIONED, Rule.OVER_PROVISIONED, Rule.COST_INCREASE, Rule.BUDGET, Rule.UNMEASURED)


class PagingMode(StrEnum):
    """When a rule may call somebody through PagerDuty."""

    NEVER = "never"
    WITH_EVIDENCE = "with-evidence"
    """Only with a sign of harm: at least one OOM kill in 24 hours."""
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """What every rule knows."""

    enabled: bool = True
    for_sweeps: int = 1
    """Consecutive measured sweeps in which the condition must hold before anybody hears of it."""
    page: PagingMode = PagingMode.NEVER
    repeat_after: timedelta = timedelta(hours=24)
    """How long an open page goes unrepeated."""
    slack_repeat_after: timedelta = timedelta(days=7)
    """How long an open alert goes unrepeated in Slack."""
    clear_sweeps: int = 2
    """Consecutive good answers that show nothing before an alert resolves."""
    refire_within: timedelta = timedelta(hours=24)
    """A condition that comes back this soon after resolving is flapping ..."""
    refire_sweeps: int = 4
    """... and must hold for so many sweeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderProvisionedSettings(RuleSettings):
    """Workloads whose requests are too small."""

    for_sweeps: int = 2
    page: PagingMode = PagingMode.WITH_EVIDENCE
    oom_kills_for_error: int = 1
    oom_kills_for_critical: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OverProvisionedSettings(RuleSettings):
    """Workloads that nobody automates and that cost far more than they need."""

    for_sweeps: int = 2
    min_monthly_savings: Decimal = Decimal(50)
    min_share: Decimal = Decimal("0.2")
    """Savings as a share of the workload's cost, both per month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostIncreaseSettings(RuleSettings):
    """A component's cost above what it used to be."""

    min_increase: Decimal = Decimal(50)
    """Per 7 days."""
    min_ratio: Decimal = Decimal("0.25")
    weeks: int = 4
    """Closing snapshots to compare with ..."""
    min_weeks: int = 2
    """... of which so many must be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings(RuleSettings):
    """The month's cost, as it is going, above the monthly budget."""

    monthly_budget: Decimal | None = None
    """For every component that has none of its own; None: only named ones have a budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmeasuredSettings(RuleSettings):
    """A component that was measured before and no longer is."""

    for_sweeps: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings of the five component rules."""

    under_provisioned: UnderProvisionedSettings = field(default_factory=UnderProvisionedSettings)
    over_provisioned: OverProvisionedSettings = field(default_factory=OverProvisionedSettings)
    cost_increase: CostIncreaseSettings = field(default_factory=CostIncreaseSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    unmeasured: UnmeasuredSettings = field(default_factory=UnmeasuredSettings)

    def settings_of(self, rule: Rule) -> RuleSettings:
        """Answer what the state machine needs of a rule."""
        chosen: Mapping[Rule, RuleSettings] = {
            Rule.UNDER_PROVISIONED: self.under_provisioned,
            Rule.OVER_PROVISIONED: self.over_provisioned,
            Rule.COST_INCREASE: self.cost_increase,
            Rule.BUDGET: self.budget,
            Rule.UNMEASURED: self.unmeasured,
        }
        return chosen.get(rule, INSTALLATION)


INSTALLATION = RuleSettings(page=PagingMode.ALWAYS, clear_sweeps=1, refire_sweeps=1)
"""Storms and outages: opened and resolved in the sweep that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StormLimits:
    """When single notices become one."""

    pages_per_team: int = 5
    """More new pages than this for one team in one sweep are one page. The same limit holds for its new Slack notices."""
    teams: int = 10
    """When more teams than this have new pages in one sweep, the platform is paged instead, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """Everything that judging one sweep needs to know about wishes."""

    instance: str
    """Names this installation in dedup keys (WORKER_INSTANCE)."""
    rules: Rules = field(default_factory=Rules)
    component_rules: Mapping[EntityRef, Rules] = field(default_factory=dict)
    """The whole set of rules of a component that wants some of them otherwise."""
    monthly_budgets: Mapping[EntityRef, Decimal] = field(default_factory=dict)
    """By component or team."""
    storm: StormLimits = field(default_factory=StormLimits)
    outage_share: Decimal = Decimal("0.3")
    """An outage is when more than this share of the components measured before is unknown."""
    production_lifecycles: frozenset[str] = frozenset({"production"})
    non_production_clusters: frozenset[str] = frozenset()
    longest_gap: timedelta = timedelta(hours=24)
    """Sweeps further apart than this are not consecutive."""

    def rules_of(self, about: EntityRef) -> Rules:
        """Answer the rules of a component, its own wishes included."""
        return self.component_rules.get(about, self.rules)

    def settings_of(self, rule: Rule, about: EntityRef) -> RuleSettings:
        """Answer one rule's settings for whom it is about."""
        return self.rules_of(about).settings_of(rule)

    def monthly_budget_of(self, about: EntityRef, *, is_team: bool = False) -> Decimal | None:
        """Answer the budget of a component or team; a team has only one of its own."""
        own = self.monthly_budgets.get(about)
        return own if own is not None or is_team else self.rules_of(about).budget.monthly_budget
