"""The values of the chart, without Helm: documented, typed, valid, and in step with settings and version. `make chart` renders it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from wiring.settings import SECRETS, Settings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
SET_BY_THE_CHART = {"WORKER_CONFIG_FILE", "WORKER_METRICS_HOST", "WORKER_METRICS_PORT", "GATEWAY_HOST", "GATEWAY_PORT"}
OF_THE_NETWORK = {"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}


def schemas(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each named value of the schema with its path; `*` for the names that a user chooses."""
    for choice in schema.get("oneOf", []):
        yield from schemas(choice, path)
    further = schema.get("additionalProperties")
    inner = dict(schema.get("properties", {}))
    if isinstance(further, dict) and "properties" in (further.get("oneOf", [further])[-1]):
        inner["*"] = further["oneOf"][-1] if "oneOf" in further else further
    for name, its in inner.items():
        place = f"{path}.{name}" if path else name
        yield place, its
        if "$ref" not in its:
            yield from schemas(its, place)


def paths_of(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, its in value.items():
            place = f"{path}.{name}" if path else name
            yield place
            yield from paths_of(its, place)


def test_the_default_values_are_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert [error.message for error in VALIDATOR.iter_errors(VALUES)] == []


@pytest.mark.parametrize("values", [{"gatway": {}}, {"mode": "cron"}, {"workers": {"collect": {"queues": ["reports"]}}}])
def test_wrong_values_are_not(values: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors({**VALUES, **values}))


def test_every_value_is_typed_and_described() -> None:
    for path, schema in schemas(SCHEMA):
        assert schema.get("$ref") == "#/$defs/resources" or schema.get("description"), path
        if schema.get("type") == "object":
            assert "additionalProperties" in schema or path in {"global", "config.content", "pod.affinity"}, path


def test_every_value_has_a_default_and_every_default_a_type() -> None:
    named = {path for path, _ in schemas(SCHEMA)} - {"global"}
    found = {path.replace("workers.collect", "workers.*").replace("workers.notify", "workers.*") for path in paths_of(VALUES)}
    free = ("resources.", "dashboard.labels.")
    assert {path for path in found if not any(part in path for part in free)} == named


def test_the_settings_of_the_chart_are_those_of_the_code() -> None:
    properties = SCHEMA["properties"]
    public = {name.upper() for name in Settings.model_fields} - {name.upper() for name in SECRETS}
    assert set(properties["settings"]["propertyNames"]["enum"]) == (public - SET_BY_THE_CHART) | OF_THE_NETWORK
    secrets = sorted(name.upper() for name in SECRETS)
    assert properties["secrets"]["properties"]["values"]["propertyNames"]["enum"] == secrets
    for listed in (properties["secrets"]["properties"]["files"], properties["externalSecret"]["properties"]["data"]):
        assert listed["items"]["properties"]["setting"]["enum"] == secrets


def test_the_chart_has_the_version_of_the_project() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_documentation_names_the_objects_of_the_release_costs() -> None:
    fullname = f"costs-{yaml.safe_load((CHART / 'Chart.yaml').read_text(encoding='utf-8'))['name']}"
    templates = "\n".join(file.read_text(encoding="utf-8") for file in (CHART / "templates").glob("*.yaml"))
    made = set(re.findall(r"^  name: \{\{.*(?:\$fullname|fullname\" \.) \}\}-([a-z-]+)", templates, re.MULTILINE))
    pages = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "docs").rglob("*.md"))
    named = set(re.findall(rf"(?:deploy/|pvc |name: |http://|`){fullname}-([a-z-]+)", pages))
    assert {"gateway", "data"} <= named
    assert {name.removesuffix("-collect") for name in named} <= made
    assert f"{fullname}-gateway, port: {{number: {VALUES['gateway']['service']['port']}}}" in pages
    assert not re.search(r"(?:name: |http://)scaleops-worker[,:]", pages), "the chart makes no object of this name"
