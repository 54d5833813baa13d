"""The page of the keys of the configuration file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from alerts.policy import Rules as RulePolicy
from alerts.policy import RuleSettings, StormLimits
from tests.docgen.field_docs import field_docs
from tests.docgen.markdown import code, page, table
from tests.docgen.settings import spelled
from wiring.config_file import ConfigFile
from wiring.config_sections import ComponentSection, RulesSection


@dataclass(frozen=True, kw_only=True)
class ConfigKey:
    """One key: its path, default and meaning."""

    path: str
    default: str
    meaning: str


def config_keys(model: type[BaseModel] = ConfigFile, path: tuple[str, ...] = ()) -> Iterator[ConfigKey]:
    """Yield every key of the file; `<ref>` and `<rule>` stand for names."""
    meanings = field_docs(model)
    for name, field in model.model_fields.items():
        here = (*path, field.alias or name)
        section, is_mapping = _section_of(field.annotation)
        default = "" if section is not None else _default_of(name, here, field.default)
        yield ConfigKey(path=".".join(here), default=default, meaning=meanings.get(name, ""))
        if section is not None and not (model is ComponentSection and section is RulesSection):
            yield from config_keys(section, (*here, "<ref>") if is_mapping else here)


def _section_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the section in an annotation such as `Mapping[Ref, TeamSection]`, and whether it is a mapping of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    found = [_section_of(part) for part in get_args(annotation)]
    section = next((one for one, _ in found if one is not None), None)
    return section, section is not None and "Mapping" in str(annotation)


def _default_of(name: str, path: tuple[str, ...], default: object) -> str:
    if path[0] == "alerts" and len(path) > len(("alerts", "rule")):
        return spelled(_policy_default(path[1], name))
    return spelled(default) if not callable(default) and "Undefined" not in str(default) else ""


def _policy_default(rule: str, name: str) -> object:
    """Return the default that an omitted key of a rule has: the policy's."""
    settings: Any = StormLimits() if rule == "storm" else getattr(RulePolicy(), rule.replace("-", "_"))
    if name == "repeat_after" and isinstance(settings, RuleSettings) and settings.page == "never":
        return settings.slack_repeat_after
    return getattr(settings, name)


def render_configuration() -> str:
    """Return the page."""
    rows = [[code(key.path), code(key.default), key.meaning] for key in config_keys()]
    return page("The configuration file", _INTRODUCTION, table(["key", "default", "meaning"], rows), _EXAMPLE)


_INTRODUCTION = """\
`scaleops-worker.yaml` in the working directory, or the file of WORKER_CONFIG_FILE. Every key is optional; unknown and duplicate keys are refused with
their position. References are written `kind:namespace/name`, in any letter case. `<ref>` stands for one."""
_EXAMPLE = """\
## Example

```yaml
teams:
  group:default/payments:
    slack_channel: C0123ABCD
    timezone: Europe/Madrid
    report_time: "09:30"
    pagerduty_routing_key_file: /run/secrets/pagerduty-payments
    monthly_budget: 12000
    quiet: true
components:
  component:default/checkout:
    monthly_budget: 900
    alerts: {over-provisioned: off}
alerts:
  under-provisioned: {for: 2, page: with-evidence, repeat_after: 24h}
  over-provisioned: {for: 2, min_monthly_savings: 50, min_share: 0.2}
  cost-increase: {min_increase: 50, min_ratio: 0.25}
  budget: {repeat_after: 7d}
  unmeasured: {for: 3}
  storm: {pages_per_team: 5, teams: 10}
routes:
  slack_annotations: [slack.com/bot-notify]
  allowed_channels: []
selectors:
  namespaces:
    group:default/payments: [payments, checkout]
clusters:
  non_production: [staging]
  removed: []
unallocated: {shared: [kube-system]}
monthly: {slack_channel: C0BOSS}
pagerduty: {changes: false}
retention: {points: 14d, daily: 90d, weekly: 730d}
```"""
