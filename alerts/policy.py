"""Settings of the rules: defaults, and overrides by component. Built once by `wiring`, from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from domain.refs import EntityRef


class Rule(StrEnum):
    """What an alert is about. The first five concern components (a budget also teams), the others the installation."""

    UNDER_PROVISIONED = "under-provisioned"
    """The requests of a workload are too small: ScaleOps advises more, or it was OOM-killed."""
    OVER_PROVISIONED = "over-provisioned"
    """A workload is not automated and costs far more than it needs."""
    COST_INCREASE = "cost-increase"
    """The 7-day cost of a component is far above the mean of the weeks before."""
    BUDGET = "budget"
    """The forecast of the month is above the monthly budget of a component or team."""
    UNMEASURED = "unmeasured"
    """A component, or one kind of figure in a cluster, was measured before and is unknown now."""
    STORM = "storm"
    """A team, or the platform, has too many new pages at once: they become one."""
    OUTAGE = "outage"
    """Too many components could not be measured at once: nothing resolves, and no alert about money opens."""
    CATALOG = "catalog"
    """The catalog lists nothing, far fewer components than before, or cannot be listed completely for hours."""


COMPONENT_RULES = (Rule.UNDER_PROVISIONED, Rule.OVER_PROVISIONED, Rule.COST_INCREASE, Rule.BUDGET, Rule.UNMEASURED)


class PagingMode(StrEnum):
    """When a rule may page through PagerDuty."""

    NEVER = "never"
    WITH_EVIDENCE = "with-evidence"
    """Only with evidence of harm: at least one OOM kill in 24 hours."""
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """What every rule has."""

    enabled: bool = True
    """Whether the rule is evaluated."""
    for_sweeps: int = 1
    """Consecutive measured sweeps in which the condition must hold before a notice."""
    page: PagingMode = PagingMode.NEVER
    """When it may page."""
    repeat_after: timedelta = timedelta(hours=24)
    """Interval between pages of an open incident."""
    slack_repeat_after: timedelta | None = None
    """Interval between Slack messages of an open alert. None: it is posted once; from then on the weekly report lists it."""
    clear_sweeps: int = 2
    """Consecutive measured sweeps that find nothing before an alert resolves."""
    refire_within: timedelta = timedelta(hours=24)
    """A condition that comes back this soon after resolving is flapping ..."""
    refire_sweeps: int = 4
    """... and must hold for this many sweeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderProvisionedSettings(RuleSettings):
    """Workloads whose requests are too small."""

    for_sweeps: int = 2
    page: PagingMode = PagingMode.WITH_EVIDENCE
    oom_kills_for_error: int = 1
    """OOM kills of a workload in 24 hours that are evidence: the alert is an error, and pages ..."""
    oom_kills_for_critical: int = 3
    """... and that make it critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverProvisionedSettings(RuleSettings):
    """Workloads that are not automated and cost far more than they need."""

    for_sweeps: int = 2
    min_monthly_savings: Decimal = Decimal(50)
    """Minimum savings per month."""
    min_share: Decimal = Decimal("0.2")
    """Minimum savings as a share of the workload's cost, both per month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostIncreaseSettings(RuleSettings):
    """A component's cost above its usual cost."""

    min_increase: Decimal = Decimal(50)
    """Minimum increase of the 7-day cost above the mean of the weeks before ..."""
    min_ratio: Decimal = Decimal("0.25")
    """... and the same as a ratio."""
    weeks: int = 4
    """Closing snapshots to compare with ..."""
    min_weeks: int = 2
    """... of which this many must be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings(RuleSettings):
    """The month's forecast cost above the monthly budget."""

    monthly_budget: Decimal | None = None
    """For every component without one of its own; None: only named ones have a budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmeasuredSettings(RuleSettings):
    """A component that was measured before and no longer is."""

    for_sweeps: int = 3
    slack_repeat_after: timedelta | None = timedelta(days=7)
    """No report of a team lists it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings of the five component rules."""

    under_provisioned: UnderProvisionedSettings = field(default_factory=UnderProvisionedSettings)
    over_provisioned: OverProvisionedSettings = field(default_factory=OverProvisionedSettings)
    cost_increase: CostIncreaseSettings = field(default_factory=CostIncreaseSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    unmeasured: UnmeasuredSettings = field(default_factory=UnmeasuredSettings)

    def settings_of(self, rule: Rule) -> RuleSettings:
        """Return a rule's settings."""
        chosen: Mapping[Rule, RuleSettings] = {
            Rule.UNDER_PROVISIONED: self.under_provisioned,
            Rule.OVER_PROVISIONED: self.over_provisioned,
            Rule.COST_INCREASE: self.cost_increase,
            Rule.BUDGET: self.budget,
            Rule.UNMEASURED: self.unmeasured,
        }
        return chosen.get(rule, PLATFORM_RULE_SETTINGS)


PLATFORM_RULE_SETTINGS = RuleSettings(
    page=PagingMode.ALWAYS, slack_repeat_after=timedelta(days=7), clear_sweeps=1, refire_sweeps=1
)
"""Storms, outages and the catalog: opened and resolved by the first sweep that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StormLimits:
    """When several notices become one."""

    pages_per_team: int = 5
    """More new pages than this for one team in one sweep are one page. The same limit holds for its new Slack notices."""
    teams: int = 10
    """When more teams than this have new pages in one sweep, the platform is paged instead, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """Everything configurable that evaluating a sweep depends on."""

    instance: str
    """Names this installation in dedup keys (WORKER_INSTANCE)."""
    rules: Rules = field(default_factory=Rules)
    component_rules: Mapping[EntityRef, Rules] = field(default_factory=dict)
    """The full rule set of each component with overrides."""
    monthly_budgets: Mapping[EntityRef, Decimal] = field(default_factory=dict)
    """By component or team."""
    storm: StormLimits = field(default_factory=StormLimits)
    outage_share: Decimal = Decimal("0.3")
    """An outage is when more than this share of the components measured before is unknown ..."""
    outage_components: int = 3
    """... and at least this many."""
    production_lifecycles: frozenset[str] = frozenset({"production"})
    non_production_clusters: frozenset[str] = frozenset()
    max_gap: timedelta = timedelta(hours=24)
    """Sweeps further apart than this are not consecutive."""
    full_sweep_every: timedelta = timedelta(0)
    """Interval of full sweeps: what they limit by sweep is limited over this time when watch sweeps run between them."""

    def rules_of(self, about: EntityRef) -> Rules:
        """Return the rules of a component, its overrides included."""
        return self.component_rules.get(about, self.rules)

    def settings_of(self, rule: Rule, about: EntityRef) -> RuleSettings:
        """Return one rule's settings for an entity."""
        return self.rules_of(about).settings_of(rule)

    def monthly_budget_of(self, about: EntityRef, *, is_team: bool = False) -> Decimal | None:
        """Return the budget of a component or team; the default applies to components only."""
        own = self.monthly_budgets.get(about)
        return own if own is not None or is_team else self.rules_of(about).budget.monthly_budget
