"""The sections of the configuration file: teams, components, rules and routes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alerts.policy import PagingMode
from domain.refs import EntityRef, InvalidReference
from wiring.setting_types import ChannelId, Duration, TimeOfDay, Weekday, Zone

Amount = Annotated[Decimal, Field(gt=0)]
Share = Annotated[Decimal, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=1000)]


def _parse_ref(value: object) -> object:
    return EntityRef.parse(value) if isinstance(value, str) else value


def _parse_page(value: object) -> object:
    return {False: "never", True: "always"}.get(value, value) if isinstance(value, bool) else value


def check_unique(value: object) -> object:
    """Reject two spellings of one entity: the last would silently win."""
    if isinstance(value, Mapping):
        spellings: dict[EntityRef, object] = {}
        for key in value:
            try:
                ref = EntityRef.parse(str(key))
            except InvalidReference:
                continue  # reported for that key
            if ref in spellings:
                message = f"{spellings[ref]} and {key} are the same entity; remove one"
                raise ValueError(message)
            spellings[ref] = key
    return value


Ref = Annotated[EntityRef, BeforeValidator(_parse_ref)]
Page = Annotated[PagingMode, BeforeValidator(_parse_page)]


class ConfigSection(BaseModel):
    """Base of all sections: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)


class TeamSection(ConfigSection):
    """teams.<ref>: overrides for one team."""

    slack_channel: ChannelId | None = None
    """Id of the channel of its reports and alerts. Annotations in the catalog come first."""
    timezone: Zone | None = None
    """Time zone of its reports, an IANA name. If unset, WORKER_TIMEZONE."""
    report_day: Weekday | None = None
    """Day of its weekly report. If unset, WORKER_REPORT_DAY."""
    report_time: TimeOfDay | None = None
    """Time of day of its weekly report. If unset, WORKER_REPORT_TIME."""
    pagerduty_routing_key_file: str | None = None
    """File with its Events API v2 integration key. The annotations in the catalog come first."""
    monthly_budget: Amount | None = None
    """Budget of all its components for a month, in SCALEOPS_CURRENCY; switches the rule `budget` on for it."""
    quiet: bool = False
    """Send a week without anything unusual or new as one short message."""


class RuleSection(ConfigSection):
    """The keys of every rule. An omitted key keeps its default."""

    enabled: bool | None = None
    """Whether the rule is evaluated; `off` or `on` in place of the whole mapping does the same."""
    repeat_after: Duration | None = None
    """Interval of repeats while the alert is open and not acknowledged: of the page for a rule that pages, else of the Slack message.
    A page is repeated only with evidence of the last 24 hours, unless the rule always pages."""

    @model_validator(mode="before")
    @classmethod
    def _parse_switch(cls, value: object) -> object:
        """Accept `off` and `on` for a whole rule (YAML 1.1 reads them as false and true)."""
        if value in (False, True, "off", "on"):
            return {"enabled": value in (True, "on")}
        if not isinstance(value, Mapping | BaseModel):
            message = f"{value!r} is not off, on or a mapping of the rule's keys"
            raise ValueError(message)  # noqa: TRY004 - pydantic reports a ValueError as a problem of the key
        return value


class UnmeasuredSection(RuleSection):
    """alerts.unmeasured."""

    for_sweeps: Count | None = Field(default=None, alias="for")
    """Consecutive sweeps in which the condition must hold before a notice; a production workload that was OOM-killed pages
    at the first."""


class UnderProvisionedSection(UnmeasuredSection):
    """alerts.under-provisioned."""

    page: Page | None = None
    """When the rule may page: `never`, `with-evidence` (at least one OOM kill in 24 hours) or `always`."""


class OverProvisionedSection(UnderProvisionedSection):
    """alerts.over-provisioned."""

    min_monthly_savings: Amount | None = None
    """Minimum savings per month."""
    min_share: Share | None = None
    """Minimum savings as a share of the workload's cost, both per month."""


class CostIncreaseSection(RuleSection):
    """alerts.cost-increase."""

    min_increase: Amount | None = None
    """Minimum increase of the 7-day cost above the mean of the four weeks before."""
    min_ratio: Annotated[Decimal, Field(ge=0, le=100)] | None = None
    """The same as a ratio."""


class StormSection(ConfigSection):
    """alerts.storm."""

    pages_per_team: Count | None = None
    """More new pages than this for one team in one sweep become one summary page."""
    teams: Count | None = None
    """When more teams than this have new pages in one sweep, the platform is paged once instead."""


class RulesSection(ConfigSection):
    """The rules, by their names."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    under_provisioned: UnderProvisionedSection | None = None
    """Settings of the rule `under-provisioned`."""
    over_provisioned: OverProvisionedSection | None = None
    """Settings of the rule `over-provisioned`."""
    cost_increase: CostIncreaseSection | None = None
    """Settings of the rule `cost-increase`."""
    budget: RuleSection | None = None
    """Settings of the rule `budget`."""
    unmeasured: UnmeasuredSection | None = None
    """Settings of the rule `unmeasured`."""


class AlertsSection(RulesSection):
    """alerts: the rules for all components, and the storm limits."""

    storm: StormSection = StormSection()
    """When many pages become one."""


class ComponentSection(ConfigSection):
    """components.<ref>: overrides for one component."""

    monthly_budget: Amount | None = None
    """Budget for a month, in SCALEOPS_CURRENCY; switches the rule `budget` on for the component."""
    alerts: RulesSection = RulesSection()
    """Overrides of the rules for this component; each has the keys of `alerts`."""


class RoutesSection(ConfigSection):
    """routes: annotations that name a Slack channel, and the channels that they may name (none listed: every channel)."""

    slack_annotations: tuple[str, ...] = ("slack.com/bot-notify",)
    """Annotations that name a Slack channel, in order."""
    allowed_channels: tuple[ChannelId, ...] = ()
    """Channels that an annotation may name; empty: every channel."""


class SelectorsSection(ConfigSection):
    """selectors: by component or team, the namespaces that its selector is limited to."""

    namespaces: Annotated[Mapping[Ref, tuple[str, ...]], BeforeValidator(check_unique)] = Field(default_factory=dict)
    """By component or team, the namespaces that a selector of the catalog is limited to."""


class ClustersSection(ConfigSection):
    """clusters: those that never page, and those that were removed."""

    non_production: tuple[str, ...] = ()
    """Clusters whose workloads never page."""
    removed: tuple[str, ...] = ()
    """Decommissioned clusters: their workloads count as removed, not as unknown."""


class UnallocatedSection(ConfigSection):
    """unallocated: namespaces whose unclaimed cost is shared on purpose, as that of `kube-system`."""

    shared: tuple[str, ...] = ()
    """Namespaces whose unclaimed cost is intended, such as `kube-system`; it is shown apart."""


class MonthlySection(ConfigSection):
    """monthly: the channel of the monthly roll-up. Without one it is not sent."""

    slack_channel: ChannelId | None = None
    """Id of the channel of the monthly roll-up. If unset, it is not sent."""


class PagerDutySection(ConfigSection):
    """pagerduty: whether what was done is shown there as change events."""

    changes: bool = False
    """Record recommendations that were carried out and automation that was switched on as change events, for components with a key of
    their own. Change events notify no one."""


class RetentionSection(ConfigSection):
    """retention: of points, of the last points of a day, and of closing snapshots."""

    points: Duration = timedelta(days=14)
    """Every full sweep is kept for this long."""
    daily: Duration = timedelta(days=90)
    """The last sweep of each UTC day, and sent messages with their delivery attempts, are kept for this long."""
    weekly: Duration = timedelta(days=730)
    """Sweeps that closed a week, the content of reports, and ended recommendations are kept for this long."""
