"""What `init` writes and asks, and what it takes over from a Backstage app-config."""

import re
from io import StringIO
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.init_questions import QUESTIONS, ask_questions
from wiring.config_file import ConfigFile, read_config_file
from wiring.environment import NAMES, resolve_settings
from wiring.first_run.app_config import AppConfigSettings, read_app_config
from wiring.first_run.config_template import CONFIG_TEMPLATE
from wiring.first_run.env_file import quote_value, render_env_file
from wiring.first_run.folder import check_folder, write_files
from wiring.first_run.values import check_values, merge_settings, problem_of
from wiring.settings import SettingsError

FLAGS = {
    "SCALEOPS_BASE_URL": "--scaleops-url",
    "BACKSTAGE_BASE_URL": "--backstage-url",
    "BACKSTAGE_CATALOG_FILE": "--catalog-file",
}
COMPLETE = {"SCALEOPS_BASE_URL": "https://s.example.com", "SCALEOPS_TOKEN": "t", "BACKSTAGE_BASE_URL": "https://b.example.com"}


def read(tmp_path: Path, *texts: str, **environment: str) -> AppConfigSettings:
    files = [tmp_path / f"app-config.{number}.yaml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return read_app_config(files, environment)


def notes(found: AppConfigSettings) -> str:
    return "\n".join(sentence for _, sentence in found.notes)


APP_CONFIG = """
app: {baseUrl: "https://backstage.example.com"}
backend:
  baseUrl: https://backend.example.com
  auth:
    externalAccess:
      - {type: jwks, options: {url: "https://elsewhere.example.com"}}
      - {type: static, options: {token: "${WORKER}", subject: scaleops-worker}, accessRestrictions: [{plugin: catalog}]}
      - {type: static, options: {token: other, subject: ci}}
scaleops:
  baseUrl: https://${HOST}/
  linkToDashboard: true
  currencyPrefix: "€"
  authentication: {enabled: true, type: ldap, user: report, password: {$env: PASSWORD}}
"""


def test_a_complete_app_config_is_taken_over(tmp_path: Path) -> None:
    found = read(tmp_path, APP_CONFIG, HOST="scaleops.example.com", WORKER="worker-token", PASSWORD="hunter2")
    assert found.values == {
        "SCALEOPS_BASE_URL": "https://scaleops.example.com/",
        "SCALEOPS_LINK_TO_DASHBOARD": "true",
        "SCALEOPS_CURRENCY": "EUR",
        "SCALEOPS_AUTH": "ldap",
        "SCALEOPS_USER": "report",
        "SCALEOPS_PASSWORD": "hunter2",
        "BACKSTAGE_BASE_URL": "https://backend.example.com",
        "BACKSTAGE_APP_URL": "https://backstage.example.com",
        "BACKSTAGE_TOKEN": "worker-token",
    }
    assert found.notes == []
    assert found.origins["SCALEOPS_PASSWORD"] == "scaleops.authentication.password"


def test_a_placeholder_that_is_not_set_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, APP_CONFIG, HOST="h", WORKER="t")
    assert "SCALEOPS_PASSWORD" not in found.values
    assert (
        "SCALEOPS_PASSWORD",
        "scaleops.authentication.password names the environment variable PASSWORD, which is not set here: SCALEOPS_PASSWORD is not taken over",
    ) in found.notes


@pytest.mark.parametrize(
    ("section", "note"),
    [
        ("{baseUrl: 'https://s', colour: red}", "scaleops.colour is not taken over: there is no such setting"),
        ("{authentication: {realm: x}}", "scaleops.authentication.realm is not taken over"),
        ("{enabled: false}", "scaleops.enabled is false"),
        ("{baseUrl: nowhere}", "scaleops.baseUrl is not taken over: SCALEOPS_BASE_URL: is not a valid URL"),
        ("{baseUrl: [a]}", "scaleops.baseUrl is not text"),
        ("{currencyPrefix: kr}", "'kr' names no single currency: set SCALEOPS_CURRENCY"),
        ("{authentication: {type: saml}}", "scaleops.authentication.type is neither internal nor ldap"),
        ("{authentication: {enabled: false, password: x}}", "its user and password are not taken over"),
        (
            "{authentication: {password: {$include: 'secrets.yaml#password'}}}",
            "includes secrets.yaml#password, which is not followed",
        ),
        ("{authentication: {password: {$file: no-such-file}}}", "no-such-file cannot be read"),
        ("{authentication: {password: true}}", "scaleops.authentication.password is not text"),
        ("{}", "backend.auth.externalAccess has no static token that may read the catalog"),
    ],
)
def test_what_cannot_be_taken_over_is_named(tmp_path: Path, section: str, note: str) -> None:
    assert note in notes(read(tmp_path, f"scaleops: {section}"))


def test_a_later_file_overrides_an_earlier_one_also_with_what_cannot_be_resolved(tmp_path: Path) -> None:
    earlier = "backend: {baseUrl: 'https://dev'}\nscaleops: {baseUrl: 'https://one', authentication: {user: u, password: p}}"
    later = "backend: {$include: b.yaml}\nscaleops: {baseUrl: 'https://two', authentication: {password: '${NOPE}'}}"
    found = read(tmp_path, earlier, later)
    assert (found.values["SCALEOPS_BASE_URL"], found.values["SCALEOPS_USER"]) == ("https://two", "u")
    assert {"SCALEOPS_PASSWORD", "BACKSTAGE_BASE_URL"}.isdisjoint(found.values)
    assert "scaleops.authentication.password names the environment variable NOPE" in notes(found)
    assert "backend.baseUrl includes b.yaml, which is not followed" in notes(found)


def test_placeholders_are_replaced_as_backstage_does(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n", encoding="utf-8")
    text = "scaleops: {authentication: {user: 'a$${B}${ C }', password: {$file: secret}}}"
    found = read(tmp_path, text, C="d")
    assert (found.values["SCALEOPS_USER"], found.values["SCALEOPS_PASSWORD"]) == ("a${B}d", "from-a-file")


def test_several_static_tokens_are_not_guessed(tmp_path: Path) -> None:
    access = "[{type: static, options: {token: a, subject: one}}, {type: static, options: {token: b, subject: two}}]"
    found = read(tmp_path, f"backend: {{auth: {{externalAccess: {access}}}}}\nscaleops: {{}}")
    assert "BACKSTAGE_TOKEN" not in found.values
    assert "static tokens of one, two: set BACKSTAGE_TOKEN" in notes(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("app: {}\nbackend: {}\n", "there is no section scaleops, only app, backend"),
        ("- a", "the top level must be a mapping"),
        ("a: [", "app-config.0.yaml, line 2: did not find expected node content"),
        ("a: 1\na: 2", "line 2: the key 'a' is duplicated"),
        ("", "the top level must be a mapping"),
    ],
)
def test_a_file_that_is_no_app_config_is_an_error(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(problem)):
        read(tmp_path, text)


def test_the_examples_of_the_env_file_are_valid_settings() -> None:
    uncommented = re.sub("^#(?=[A-Z])", "", render_env_file({}), flags=re.MULTILINE)
    examples = dotenv_values(stream=StringIO(uncommented), interpolate=False)
    assert {"SCALEOPS_BASE_URL", "REDIS_URL"} <= examples.keys() <= set(NAMES)
    assert {name: problem for name, value in examples.items() if (problem := problem_of(name, value or ""))} == {}


def test_an_env_file_sets_what_it_was_written_with_and_nothing_else() -> None:
    values = COMPLETE | {"SLACK_BASE_URL": "http://127.0.0.1:1/api", "PAGERDUTY_ROUTING_KEY_FILE": "/run/secrets/pd"}
    assert dotenv_values(stream=StringIO(render_env_file(values)), interpolate=False) == values


@given(value=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30))
@settings(max_examples=30)
def test_any_value_survives_the_env_file(value: str) -> None:
    assert dotenv_values(stream=StringIO(f"NAME={quote_value(value)}\n"), interpolate=False) == {"NAME": value}


def test_the_new_configuration_file_sets_nothing_and_its_examples_are_valid(tmp_path: Path) -> None:
    file = tmp_path / "scaleops-worker.yaml"
    file.write_text(CONFIG_TEMPLATE, encoding="utf-8")
    assert read_config_file(file) == ConfigFile()
    file.write_text(re.sub(r"^#(?=\S|  )", "", CONFIG_TEMPLATE, flags=re.MULTILINE), encoding="utf-8")
    assert read_config_file(file) != ConfigFile()
    sections = set(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert set(ConfigFile.model_fields) - sections == {"pagerduty"}


@pytest.mark.parametrize(
    ("sources", "merged"),
    [
        (
            [{"SCALEOPS_TOKEN": "t"}, {"SCALEOPS_USER": "u", "SCALEOPS_PASSWORD": "p", "SCALEOPS_AUTH": "ldap"}],
            {"SCALEOPS_TOKEN": "t"},
        ),
        (
            [{"SCALEOPS_PASSWORD": "p"}, {"SCALEOPS_USER": "u", "SCALEOPS_AUTH": "ldap", "SCALEOPS_TOKEN": "t"}],
            {"SCALEOPS_PASSWORD": "p", "SCALEOPS_USER": "u", "SCALEOPS_AUTH": "ldap"},
        ),
        ([{"SCALEOPS_AUTH": "none"}, {"SCALEOPS_TOKEN": "t"}], {"SCALEOPS_AUTH": "none"}),
        ([{"SCALEOPS_TOKEN_FILE": "/t"}, {"SCALEOPS_TOKEN": "t"}], {"SCALEOPS_TOKEN_FILE": "/t"}),
        (
            [
                {"BACKSTAGE_CATALOG_FILE": "c"},
                {"BACKSTAGE_BASE_URL": "https://b", "BACKSTAGE_TOKEN": "t", "BACKSTAGE_APP_URL": "https://a"},
            ],
            {"BACKSTAGE_CATALOG_FILE": "c", "BACKSTAGE_APP_URL": "https://a"},
        ),
        ([{"BACKSTAGE_BASE_URL": "https://b"}, {"BACKSTAGE_CATALOG_FILE": "c"}], {"BACKSTAGE_BASE_URL": "https://b"}),
    ],
)
def test_one_login_and_one_catalog_are_left_of_several_sources(sources: list[dict[str, str]], merged: dict[str, str]) -> None:
    assert merge_settings(sources) == merged


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, "SCALEOPS_BASE_URL is missing: name the ScaleOps dashboard with --scaleops-url"),
        ({}, "the catalog is missing: name the Backstage backend with --backstage-url"),
        (
            COMPLETE | {"SCALEOPS_TOKEN": "", "SCALEOPS_AUTH": "token"},
            "SCALEOPS_TOKEN is missing: signing in to ScaleOps by token",
        ),
        (COMPLETE | {"SCALEOPS_CURRENCY": "euro"}, "SCALEOPS_CURRENCY: 'euro' is not an ISO 4217 currency code"),
        (COMPLETE | {"SLACK_BOT_TOKEN_FILE": "/no/such/file"}, "SLACK_BOT_TOKEN_FILE: the file /no/such/file cannot be read"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(values: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_values({name: value for name, value in values.items() if value}, FLAGS)
    assert any(one.startswith(problem) for one in caught.value.problems), caught.value.problems


class Person:
    """A person who has planned answers by setting, in their order, and presses Enter otherwise."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.unseen: set[str] = set()
        self.reported: list[str] = []

    def __call__(self, text: str, *, default: str, is_secret: bool) -> str:
        name = next(question.name for question in QUESTIONS if text.startswith(question.text))
        self.asked.append(name)
        if is_secret:
            self.unseen.add(name)
        left = self.answers.get(name, [])
        return left.pop(0) if left else default

    def ask(self, present: dict[str, str], *given: str) -> dict[str, str]:
        return ask_questions(present, given=given, prompt=self, report=self.reported.append)


def test_answers_become_settings_and_secrets_are_typed_unseen() -> None:
    person = Person(
        SCALEOPS_BASE_URL=["scaleops.example.com", "https://scaleops.example.com"],
        SCALEOPS_USER=["", "report"],
        SCALEOPS_PASSWORD=["hunter2"],
        BACKSTAGE_BASE_URL=["https://b.example.com"],
        BACKSTAGE_TOKEN=["t"],
        SLACK_BOT_TOKEN=["xoxb-1"],
        SLACK_DEFAULT_CHANNEL=["#costs", "C0123ABCD"],
    )
    values = person.ask({})
    assert values == {
        "SCALEOPS_BASE_URL": "https://scaleops.example.com",
        "SCALEOPS_AUTH": "internal",
        "SCALEOPS_USER": "report",
        "SCALEOPS_PASSWORD": "hunter2",
        "BACKSTAGE_BASE_URL": "https://b.example.com",
        "BACKSTAGE_TOKEN": "t",
        "SCALEOPS_CURRENCY": "USD",
        "WORKER_TIMEZONE": "UTC",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_DEFAULT_CHANNEL": "C0123ABCD",
    }
    assert resolve_settings(values, None).settings.auth == "internal"
    assert person.unseen == {"SCALEOPS_PASSWORD", "BACKSTAGE_TOKEN", "SLACK_BOT_TOKEN", "PAGERDUTY_ROUTING_KEY"}
    assert [text.partition(":")[0] for text in person.reported] == ["SCALEOPS_BASE_URL", "SCALEOPS_USER", "SLACK_DEFAULT_CHANNEL"]


def test_only_what_applies_is_asked_and_what_is_there_is_kept() -> None:
    person = Person(SCALEOPS_AUTH=["token"], SCALEOPS_TOKEN=["t"], BACKSTAGE_CATALOG_FILE=["catalog.yaml"])
    present = {
        "SCALEOPS_BASE_URL": "https://s",
        "SCALEOPS_USER": "old",
        "SLACK_BOT_TOKEN_FILE": "/run/slack",
        "LOG_LEVEL": "debug",
    }
    values = person.ask(present, "SCALEOPS_BASE_URL")
    assert {"SCALEOPS_BASE_URL", "SCALEOPS_USER", "BACKSTAGE_TOKEN", "SLACK_BOT_TOKEN"}.isdisjoint(person.asked)
    assert "SCALEOPS_USER" not in values
    assert values["BACKSTAGE_CATALOG_FILE"] == "catalog.yaml"
    assert (values["LOG_LEVEL"], values["SLACK_BOT_TOKEN_FILE"]) == ("debug", "/run/slack")


def test_present_files_are_replaced_only_with_force_and_kept(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("SCALEOPS_TOKEN=old\n", encoding="utf-8")
    env.chmod(0o644)
    with pytest.raises(SettingsError, match=r"\.env exists in .*; --force replaces"):
        check_folder(tmp_path, replaces=False)
    check_folder(tmp_path, replaces=True)
    written = write_files(tmp_path, env_text="A=1\n", config_text="")
    assert [path.name for path in written] == [".env", "scaleops-worker.yaml"]
    assert env.stat().st_mode & 0o777 == 0o600
    kept = tmp_path / ".env.bak"
    assert (kept.read_text(encoding="utf-8"), kept.stat().st_mode & 0o777) == ("SCALEOPS_TOKEN=old\n", 0o600)


def test_files_replaced_twice_are_all_kept(tmp_path: Path) -> None:
    for text in ("1", "2", "3", "4"):
        write_files(tmp_path, env_text=text, config_text="")
    names = (".env.bak", ".env.bak.1", ".env.bak.2", ".env")
    assert [(tmp_path / name).read_text(encoding="utf-8") for name in names] == ["1", "2", "3", "4"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingsError, match="is not a folder"):
        check_folder(file, replaces=False)
