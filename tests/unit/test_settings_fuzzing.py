"""Whatever an environment, an `.env`, a configuration file or an app-config holds: it is read, or its mistakes are named. Nothing else."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wiring.config_file import ConfigFile, read_config_file
from wiring.environment import NAMES, SECRET_FILES, resolve_settings
from wiring.first_run.app_config import read_app_config
from wiring.loaded_config import load_config
from wiring.policy import build_policy
from wiring.settings import SECRETS, SettingsError

EXAMPLES = 40
MARK = "~hunter2~"
"""Ends every secret."""
SYNTAX = st.text("{}[]:,-#&*!|>'\"%@`?~<=\\\n\t $ab01.eE_+\x00\x85\u2028\ud800", max_size=40)
WORDS = st.sampled_from(
    [
        "off",
        "on",
        "0",
        "-1",
        "1e999",
        "nan",
        ".inf",
        "1_0",
        "30m",
        "0d",
        "9" * 400,
        "99999999999999999999y",
        "24:00",
        "\N{SUPERSCRIPT TWO}",
        "C0123",
        "[::1",
        "http://[",
        "https://h:99999",
        "https://\udcff",
        "component:default/checkout",
        "../x",
        "é" * 300,
        "postgresql://[",
        "redis://h:port",
        "UTC\x00",
        "/etc",
    ]
)
TEXTS = st.one_of(WORDS, SYNTAX, st.text(max_size=20))
ENVIRONMENTS = st.dictionaries(st.sampled_from([*NAMES, *SECRET_FILES, "SCALEOPS_X", "LOG_LEVE"]), TEXTS, max_size=6)
KEYS = st.sampled_from(
    [
        *ConfigFile.model_fields,
        *(
            "under-provisioned",
            "over-provisioned",
            "cost-increase",
            "budget",
            "storm",
            "group:default/payments",
            "component:default/checkout",
            "Component:CHECKOUT",
        ),
        *(
            "slack_channel",
            "timezone",
            "report_day",
            "report_time",
            "monthly_budget",
            "quiet",
            "alerts",
            "enabled",
            "for",
            "page",
            "repeat_after",
        ),
        *(
            "min_monthly_savings",
            "min_share",
            "min_ratio",
            "namespaces",
            "allowed_channels",
            "points",
            "pages_per_team",
            "shared",
        ),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=True).map(str),
    st.dates(),
    st.datetimes(),
    st.binary(max_size=5),
    TEXTS.filter(lambda text: "\ud800" not in text and "\udcff" not in text),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(KEYS, SCALARS), inner, max_size=4)),
    max_leaves=8,
)


def problems_or_nothing(read: Any) -> tuple[str, ...]:
    try:
        read()
    except SettingsError as error:
        problems = error.problems
    else:
        return ()
    assert problems
    assert all(problem.strip() and len(problem) < 2000 for problem in problems)
    return problems


@pytest.fixture(scope="module")
def folder() -> Any:
    with TemporaryDirectory() as found:
        yield Path(found)


@given(environment=ENVIRONMENTS)
@settings(max_examples=EXAMPLES)
def test_any_environment(environment: dict[str, str]) -> None:
    marked = {name: f"{value}{MARK}" if name.lower() in SECRETS else value for name, value in environment.items()}
    problems = problems_or_nothing(lambda: build_policy(resolve_settings(marked, None).settings, ConfigFile()))
    assert not [problem for problem in problems if MARK in problem]


@given(
    text=st.one_of(
        SYNTAX,
        st.text(max_size=60),
        st.lists(st.tuples(st.sampled_from(NAMES), TEXTS)).map(lambda rows: "\n".join(f"{name}={value}" for name, value in rows)),
    )
)
@settings(max_examples=EXAMPLES)
def test_any_env_file(folder: Path, text: str) -> None:
    file = folder / ".env"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    problems_or_nothing(lambda: resolve_settings({}, file))


@given(text=st.one_of(SYNTAX, st.text(max_size=60)))
@settings(max_examples=EXAMPLES)
def test_any_text_as_a_configuration_file(folder: Path, text: str) -> None:
    file = folder / "any.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    problems_or_nothing(lambda: read_config_file(file))
    problems_or_nothing(lambda: read_app_config([file], {}))


@given(document=DOCUMENTS)
@settings(max_examples=EXAMPLES)
def test_any_document_as_a_configuration_file(folder: Path, document: object) -> None:
    file = folder / "document.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    loaded = {"WORKER_CONFIG_FILE": str(file)}

    def read() -> None:
        found = load_config(loaded, None)
        build_policy(found.settings, found.config)

    problems_or_nothing(read)


@given(section=DOCUMENTS, access=DOCUMENTS)
@settings(max_examples=EXAMPLES)
def test_any_document_as_an_app_config(folder: Path, section: object, access: object) -> None:
    file = folder / "app-config.yaml"
    keys = ("baseUrl", "linkToDashboard", "currencyPrefix", "authentication")
    nested = dict.fromkeys(keys, section) | {"authentication": {"user": section, "password": access, "type": section}}
    content = {
        "scaleops": nested,
        "backend": {"baseUrl": access, "auth": {"externalAccess": [access, {"type": "static", "options": section}]}},
    }
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    problems_or_nothing(lambda: read_app_config([file], {}))
