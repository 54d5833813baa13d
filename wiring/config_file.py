"""The configuration file: teams, components, rules and routes in YAML. What it holds is checked to the last key."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.refs import EntityRef, InvalidReference
from wiring.settings import Duration, SettingsError, TimeOfDay, Weekday, Zone

DEFAULT_NAME: Final = "scaleops-worker.yaml"
_NEAR: Final = 0.7

Amount = Annotated[Decimal, Field(gt=0)]
Share = Annotated[Decimal, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=1000)]


def _reference(value: object) -> object:
    return EntityRef.parse(value) if isinstance(value, str) else value


def _switch(value: object) -> object:
    """Let a whole rule be written as `off` or `on` (YAML 1.1 reads those as false and true)."""
    if value in (False, "off"):
        return {"enabled": False}
    if value in (True, "on"):
        return {"enabled": True}
    if not isinstance(value, Mapping | BaseModel):
        message = f"{value!r} is neither off, on nor the rule's own keys"
        raise ValueError(message)  # noqa: TRY004 - pydantic tells a ValueError as the key's own problem
    return value


def _page(value: object) -> object:
    return {False: "never", True: "always"}.get(value, value) if isinstance(value, bool) else value


def _channel_id(value: str) -> str:
    if not value or value.startswith("#") or any(sign.isspace() for sign in value):
        message = f"{value!r} is no Slack channel id; write the id (for example C0123ABCD), not the name"
        raise ValueError(message)
    return value


def _each_once(value: object) -> object:
    """Refuse the same entity written in two ways: the last would win without a word."""
    if isinstance(value, Mapping):
        written: dict[EntityRef, object] = {}
        for key in value:
            try:
                ref = EntityRef.parse(str(key))
            except InvalidReference:
                continue  # told as that key's own problem
            if ref in written:
                message = f"{written[ref]} and {key} are the same entity; keep one"
                raise ValueError(message)
            written[ref] = key
    return value


Ref = Annotated[EntityRef, BeforeValidator(_reference)]
Page = Annotated[Literal["never", "with-evidence", "always"], BeforeValidator(_page)]
ChannelId = Annotated[str, AfterValidator(_channel_id)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)


def _dashed(name: str) -> str:
    return name.replace("_", "-")


class TeamSection(_Section):
    """What one team wants otherwise."""

    slack_channel: ChannelId | None = None
    timezone: Zone | None = None
    report_day: Weekday | None = None
    report_time: TimeOfDay | None = None
    pagerduty_routing_key_file: str | None = None
    monthly_budget: Amount | None = None


class RuleSection(_Section):
    """What every rule knows. A key left out keeps its default."""

    enabled: bool | None = None
    repeat_after: Duration | None = None


class UnderProvisionedSection(RuleSection):
    """alerts.under-provisioned."""

    for_: Count | None = Field(default=None, alias="for")
    page: Page | None = None


class OverProvisionedSection(RuleSection):
    """alerts.over-provisioned."""

    for_: Count | None = Field(default=None, alias="for")
    page: Page | None = None
    min_monthly_savings: Amount | None = None
    min_share: Share | None = None


class CostIncreaseSection(RuleSection):
    """alerts.cost-increase."""

    min_increase: Amount | None = None
    min_ratio: Annotated[Decimal, Field(ge=0, le=100)] | None = None


class BudgetSection(RuleSection):
    """alerts.budget."""


class UnmeasuredSection(RuleSection):
    """alerts.unmeasured."""

    for_: Count | None = Field(default=None, alias="for")


class StormSection(_Section):
    """alerts.storm."""

    pages_per_team: Count | None = None
    teams: Count | None = None


OverProvisioned = Annotated[OverProvisionedSection, BeforeValidator(_switch)]
UnderProvisioned = Annotated[UnderProvisionedSection, BeforeValidator(_switch)]
CostIncrease = Annotated[CostIncreaseSection, BeforeValidator(_switch)]
Budget = Annotated[BudgetSection, BeforeValidator(_switch)]
Unmeasured = Annotated[UnmeasuredSection, BeforeValidator(_switch)]


class RulesSection(_Section):
    """The rules, by their names with a dash."""

    model_config = ConfigDict(alias_generator=_dashed, extra="forbid", frozen=True, hide_input_in_errors=True)

    under_provisioned: UnderProvisioned | None = None
    over_provisioned: OverProvisioned | None = None
    cost_increase: CostIncrease | None = None
    budget: Budget | None = None
    unmeasured: Unmeasured | None = None


class AlertsSection(RulesSection):
    """The rules of everybody, and the storm rule."""

    storm: StormSection = StormSection()


class ComponentSection(_Section):
    """What one component wants otherwise."""

    monthly_budget: Amount | None = None
    alerts: RulesSection = RulesSection()


class RoutesSection(_Section):
    """Which annotations name a Slack channel, and which channels may be named at all (none listed: every channel)."""

    slack_annotations: tuple[str, ...] = ("slack.com/bot-notify",)
    allowed_channels: tuple[ChannelId, ...] = ()


class SelectorsSection(_Section):
    """By component or team: the namespaces in which its selector may look."""

    namespaces: Annotated[Mapping[Ref, tuple[str, ...]], BeforeValidator(_each_once)] = Field(default_factory=dict)


class ClustersSection(_Section):
    """Clusters that never page, and clusters that are gone for good."""

    non_production: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class RetentionSection(_Section):
    """How long points, last points of a day, and closing snapshots are kept."""

    points: Duration = timedelta(days=14)
    daily: Duration = timedelta(days=90)
    weekly: Duration = timedelta(days=730)


class ConfigFile(_Section):
    """The whole file. Every part may be left out."""

    teams: Annotated[Mapping[Ref, TeamSection], BeforeValidator(_each_once)] = Field(default_factory=dict)
    components: Annotated[Mapping[Ref, ComponentSection], BeforeValidator(_each_once)] = Field(default_factory=dict)
    alerts: AlertsSection = AlertsSection()
    routes: RoutesSection = RoutesSection()
    selectors: SelectorsSection = SelectorsSection()
    clusters: ClustersSection = ClustersSection()
    retention: RetentionSection = RetentionSection()


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML itself would keep the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                message = f"the key {key!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, message, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_config_file(path: Path | None) -> ConfigFile:
    """Read the configuration file that WORKER_CONFIG_FILE names, or `scaleops-worker.yaml` when it is there.

    Raises:
        SettingsError: a sentence for each thing that is wrong, with the place in the file.
    """
    chosen = path or Path(DEFAULT_NAME)
    if path is None and not chosen.exists():
        return ConfigFile()
    try:
        text = chosen.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        message = f"WORKER_CONFIG_FILE: {chosen} cannot be read: {reason}"
        raise SettingsError(message) from error
    try:
        content = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader that also refuses doubled keys
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        message = f"{chosen}{line}: {error.problem or 'this is no YAML'}"
        raise SettingsError(message) from error
    except (yaml.YAMLError, TypeError) as error:
        message = f"{chosen}: this is no YAML that can be read"
        raise SettingsError(message) from error
    if content is None:
        return ConfigFile()
    if not isinstance(content, dict):
        message = f"{chosen}: the file must hold keys such as teams, alerts or routes at its top"
        raise SettingsError(message)
    return _validated(content, str(chosen))


def _validated(content: dict[Hashable, Any], name: str) -> ConfigFile:
    try:
        return ConfigFile.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise SettingsError(*dict.fromkeys(f"{name}: {_sentence(dict(detail))}" for detail in details)) from error


def _sentence(detail: dict[str, Any]) -> str:
    location = [str(part) for part in detail["loc"] if part != "[key]"]
    where = ".".join(location)
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(location[-1], _keys_beside(location), n=1, cutoff=_NEAR)
        advice = f"did you mean {near[0]}?" if near else "docs/configuration.md lists the keys"
        return f"{where} is no key; {advice}"
    plain = {
        "tuple_type": "must be a list, for example [a, b]",
        "dict_type": "must hold keys of its own",
        "model_type": "must hold keys of its own",
    }
    return f"{where}: {plain.get(detail['type'], detail['msg'].removeprefix('Value error, '))}"


def _keys_beside(location: list[str]) -> list[str]:
    """List the keys that the file may hold where `location`, which ends in an unknown key, points."""
    model: Any = ConfigFile
    for part in location[:-1]:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
        annotation = next((field.annotation for name, field in model.model_fields.items() if part in (name, field.alias)), None)
        model = _section_of(annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _section_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation of a field
    """Find the section inside an annotation such as `Mapping[Ref, TeamSection]` or `OverProvisioned | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _section_of(part))), None)
