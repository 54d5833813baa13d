"""The configuration file: teams, components, rules and routes in YAML. Unknown keys are errors."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from wiring.config_sections import (
    AlertsSection,
    ClustersSection,
    ComponentSection,
    ConfigSection,
    MonthlySection,
    PagerDutySection,
    Ref,
    RetentionSection,
    RoutesSection,
    SelectorsSection,
    TeamSection,
    UnallocatedSection,
    check_unique,
)
from wiring.environment import read_text
from wiring.settings import SettingsError

DEFAULT_NAME: Final = "scaleops-worker.yaml"
_SIMILARITY: Final = 0.7


class ConfigFile(ConfigSection):
    """The whole file. Every section is optional."""

    teams: Annotated[Mapping[Ref, TeamSection], BeforeValidator(check_unique)] = Field(default_factory=dict)
    """Overrides by team, for example `group:default/payments`."""
    components: Annotated[Mapping[Ref, ComponentSection], BeforeValidator(check_unique)] = Field(default_factory=dict)
    """Overrides by component, for example `component:default/checkout`."""
    alerts: AlertsSection = AlertsSection()
    """The rules for all components."""
    routes: RoutesSection = RoutesSection()
    """Which annotations name a Slack channel."""
    selectors: SelectorsSection = SelectorsSection()
    """Where selectors of the catalog may look."""
    clusters: ClustersSection = ClustersSection()
    """Clusters that are treated apart."""
    unallocated: UnallocatedSection = UnallocatedSection()
    """Cost that no component claims."""
    monthly: MonthlySection = MonthlySection()
    """The monthly roll-up for leadership."""
    pagerduty: PagerDutySection = PagerDutySection()
    """What else PagerDuty gets."""
    retention: RetentionSection = RetentionSection()
    """How long history is kept."""

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
        advice = f"did you mean {similar[0]}?" if similar else "docs/reference/configuration.md lists the keys"
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
