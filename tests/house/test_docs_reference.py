"""Every command, setting, key, metric, rule, action, route and log event is documented, and nothing else is."""

import importlib

import pytest
from prometheus_client import REGISTRY

from actions.catalogue import ACTIONS
from alerts.policy import Rule, Rules, RuleSettings
from gateway.web.metrics import Metrics
from tests.docgen.commands import commands
from tests.docgen.configuration import config_keys
from tests.docgen.field_docs import field_docs
from tests.docgen.metrics import metrics
from tests.docgen.pages import GENERATED, ROOT
from tests.docgen.rules import DESTINATIONS
from tests.docgen.settings import GROUPS
from wiring.settings import SECRETS, Settings


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_is_what_the_code_says(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")

    assert written == GENERATED[name](), "run `make reference`"


def test_every_setting_has_a_meaning_and_a_section() -> None:
    meanings, prefixes = field_docs(Settings), {prefix for group in GROUPS.values() for prefix in group}

    assert [name for name in Settings.model_fields if not meanings.get(name)] == []
    assert {name.partition("_")[0] for name in Settings.model_fields} == prefixes


def test_the_page_of_the_settings_marks_the_secrets() -> None:
    rows = [line for line in GENERATED["docs/reference/settings.md"]().splitlines() if "*Secret.*" in line]

    assert {row.split("|")[1].strip().lower() for row in rows} == SECRETS


def test_every_key_of_the_configuration_file_has_a_meaning() -> None:
    assert [key.path for key in config_keys() if not key.meaning] == []


def test_every_rule_and_its_parameters_have_a_meaning() -> None:
    parameters: list[RuleSettings] = [Rules().settings_of(rule) for rule in Rule]

    assert set(DESTINATIONS) == set(Rule)
    assert [rule for rule in Rule if not field_docs(Rule).get(rule.name)] == []
    assert [name for one in parameters for name in type(one).__dataclass_fields__ if not field_docs(type(one)).get(name)] == []


def registered(families: object) -> set[str]:
    """Return the names of metrics as they are scraped."""
    return {f"{one.name}_total" if one.type == "counter" else one.name for one in families}  # type: ignore[attr-defined]


def test_the_metrics_of_worker_and_gateway_are_documented() -> None:
    importlib.import_module("worker.metrics")  # registers its metrics
    own = [family for family in REGISTRY.collect() if family.name.startswith("scaleops_worker")]

    assert {one.name for one in metrics("Worker")} == registered(own)
    assert {one.name for one in metrics("Gateway")} == registered(Metrics().registry.collect())


def test_every_action_and_its_inputs_have_a_meaning() -> None:
    assert [
        f"{action.name}.{name}"
        for action in ACTIONS.values()
        for name, field in action.input.model_fields.items()
        if not field.description
    ] == []


def test_every_command_has_a_purpose_and_an_example() -> None:
    found = dict(commands())

    assert [name for name, one in found.items() if not one.help] == []
    assert [name for name, one in found.items() if "Example" not in (one.help or "")] == []
