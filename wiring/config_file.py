"""The configuration file: teams, components, rules and routes in YAML. Unknown keys are errors."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from alerts.policy import PagingMode
from domain.refs import EntityRef, InvalidReference
from wiring.environment import read_text
from wiring.settings import ChannelId, Duration, SettingsError, TimeOfDay, Weekday, Zone

DEFAULT_NAME: Final = "scaleops-worker.yaml"
_SIMILARITY: Final = 0.7

Amount = Annotated[Decimal, Field(gt=0)]
Share = Annotated[Decimal, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=1000)]


def _parse_ref(value: object) -> object:
    return EntityRef.parse(value) if isinstance(value, str) else value


def _parse_page(value: object) -> object:
    return {False: "never", True: "always"}.get(value, value) if isinstance(value, bool) else value


def _check_unique(value: object) -> object:
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


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)


class TeamSection(_Section):
    """teams.<ref>: overrides for one team."""

    slack_channel: ChannelId | None = None
    timezone: Zone | None = None
    report_day: Weekday | None = None
    report_time: TimeOfDay | None = None
    pagerduty_routing_key_file: str | None = None
    monthly_budget: Amount | None = None
    quiet: bool = False


class RuleSection(_Section):
    """The keys of every rule. An omitted key keeps its default."""

    enabled: bool | None = None
    repeat_after: Duration | None = None

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


class UnderProvisionedSection(UnmeasuredSection):
    """alerts.under-provisioned."""

    page: Page | None = None


class OverProvisionedSection(UnderProvisionedSection):
    """alerts.over-provisioned."""

    min_monthly_savings: Amount | None = None
    min_share: Share | None = None


class CostIncreaseSection(RuleSection):
    """alerts.cost-increase."""

    min_increase: Amount | None = None
    min_ratio: Annotated[Decimal, Field(ge=0, le=100)] | None = None


class StormSection(_Section):
    """alerts.storm."""

    pages_per_team: Count | None = None
    teams: Count | None = None


class RulesSection(_Section):
    """The rules, by their names."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    under_provisioned: UnderProvisionedSection | None = None
    over_provisioned: OverProvisionedSection | None = None
    cost_increase: CostIncreaseSection | None = None
    budget: RuleSection | None = None
    unmeasured: UnmeasuredSection | None = None


class AlertsSection(RulesSection):
    """alerts: the rules for all components, and the storm limits."""

    storm: StormSection = StormSection()


class ComponentSection(_Section):
    """components.<ref>: overrides for one component."""

    monthly_budget: Amount | None = None
    alerts: RulesSection = RulesSection()


class RoutesSection(_Section):
    """routes: annotations that name a Slack channel, and the channels that they may name (none listed: every channel)."""

    slack_annotations: tuple[str, ...] = ("slack.com/bot-notify",)
    allowed_channels: tuple[ChannelId, ...] = ()


class SelectorsSection(_Section):
    """selectors: by component or team, the namespaces that its selector is limited to."""

    namespaces: Annotated[Mapping[Ref, tuple[str, ...]], BeforeValidator(_check_unique)] = Field(default_factory=dict)


class ClustersSection(_Section):
    """clusters: those that never page, and those that were removed."""

    non_production: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class UnallocatedSection(_Section):
    """unallocated: namespaces whose unclaimed cost is shared on purpose, as that of `kube-system`."""

    shared: tuple[str, ...] = ()


class MonthlySection(_Section):
    """monthly: the channel of the monthly roll-up. Without one it is not sent."""

    slack_channel: ChannelId | None = None


class PagerDutySection(_Section):
    """pagerduty: whether what was done is shown there as change events."""

    changes: bool = False


class RetentionSection(_Section):
    """retention: of points, of the last points of a day, and of closing snapshots."""

    points: Duration = timedelta(days=14)
    daily: Duration = timedelta(days=90)
    weekly: Duration = timedelta(days=730)


class ConfigFile(_Section):
    """The whole file. Every section is optional."""

    teams: Annotated[Mapping[Ref, TeamSection], BeforeValidator(_check_unique)] = Field(default_factory=dict)
    components: Annotated[Mapping[Ref, ComponentSection], BeforeValidator(_check_unique)] = Field(default_factory=dict)
    alerts: AlertsSection = AlertsSection()
    routes: RoutesSection = RoutesSection()
    selectors: SelectorsSection = SelectorsSection()
    clusters: ClustersSection = ClustersSection()
    unallocated: UnallocatedSection = UnallocatedSection()
    monthly: MonthlySection = MonthlySection()
    pagerduty: PagerDutySection = PagerDutySection()
    retention: RetentionSection = RetentionSection()

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, value: object) -> object:
        """Treat a section without content, of which all is commented out, as left out."""
        return {key: one for key, one in value.items() if one is not None} if isinstance(value, Mapping) else value


class _StrictLoader(yaml.SafeLoader):
    """Rejects a duplicate key: YAML itself would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                message = f"duplicate key {key!r}"
                raise yaml.constructor.ConstructorError(None, None, message, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_config_file(path: Path | None) -> ConfigFile:
    """Read the file that WORKER_CONFIG_FILE names, or `scaleops-worker.yaml` if it exists.

    Raises:
        SettingsError: a sentence for each problem, with its place in the file.
    """
    file = path or Path(DEFAULT_NAME)
    if path is None and not file.exists():
        return ConfigFile()
    try:
        content = yaml.load(read_text(file, "WORKER_CONFIG_FILE: "), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader that also rejects duplicate keys
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        message = f"{file}{line}: {error.problem or 'not valid YAML'}"
        raise SettingsError(message) from error
    except (yaml.YAMLError, TypeError) as error:
        message = f"{file}: not valid YAML"
        raise SettingsError(message) from error
    if content is None:
        return ConfigFile()
    if not isinstance(content, dict):
        message = f"{file}: the top level must be a mapping with keys such as teams, alerts or routes"
        raise SettingsError(message)
    return _validate(content, str(file))


def _validate(content: dict[Hashable, Any], name: str) -> ConfigFile:
    try:
        return ConfigFile.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise SettingsError(*dict.fromkeys(f"{name}: {_format_problem(dict(detail))}" for detail in details)) from error


def _format_problem(detail: dict[str, Any]) -> str:
    location = [str(part) for part in detail["loc"] if part != "[key]"]
    where = ".".join(location)
    if detail["type"] == "extra_forbidden":
        similar = difflib.get_close_matches(location[-1], _sibling_keys(location), n=1, cutoff=_SIMILARITY)
        advice = f"did you mean {similar[0]}?" if similar else "docs/configuration.md lists the keys"
        return f"{where} is an unknown key; {advice}"
    messages = {
        "tuple_type": "must be a list, for example [a, b]",
        "dict_type": "must be a mapping",
        "model_type": "must be a mapping",
    }
    return f"{where}: {messages.get(detail['type'], detail['msg'].removeprefix('Value error, '))}"


def _sibling_keys(location: list[str]) -> list[str]:
    """Return the valid keys next to the unknown key at the end of `location`."""
    model: Any = ConfigFile
    for part in location[:-1]:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
        annotation = next((field.annotation for name, field in model.model_fields.items() if part in (name, field.alias)), None)
        model = _section_of(annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _section_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation of a field
    """Find the section in an annotation such as `Mapping[Ref, TeamSection]` or `RuleSection | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _section_of(part))), None)
