from datetime import time, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from wiring.environment import resolve_settings
from wiring.first_run.values import login_of
from wiring.settings import SettingsError


def problems_of(environment: dict[str, str], dotenv: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        resolve_settings(environment, dotenv)
    return caught.value.problems


def test_defaults_are_the_documented_ones() -> None:
    settings = resolve_settings({}, None).settings
    assert settings.auth == "none"
    assert settings.scaleops_currency == "USD"
    assert settings.worker_collect_every == timedelta(hours=6)
    assert settings.worker_report_time == time(9, 0)
    assert settings.database_url.get_secret_value() == "sqlite:///scaleops-worker.db"


@pytest.mark.parametrize(
    ("environment", "auth"),
    [
        ({"SCALEOPS_TOKEN": "t"}, "token"),
        ({"SCALEOPS_AZURE_TENANT_ID": "t"}, "azure"),
        ({"SCALEOPS_USER": "u", "SCALEOPS_PASSWORD": "p"}, "internal"),
        ({"SCALEOPS_USER": "u", "SCALEOPS_PASSWORD": "p", "SCALEOPS_AUTH": "ldap"}, "ldap"),
        ({"SCALEOPS_AZURE_CLIENT_ID": "c"}, "azure"),
        ({}, "none"),
    ],
)
def test_the_login_at_scaleops_follows_from_the_credentials(environment: dict[str, str], auth: str) -> None:
    assert resolve_settings(environment, None).settings.auth == auth
    assert (login_of(environment) or "none") == auth


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SCALEOPS_TOKEN": "t", "SCALEOPS_USER": "u"}, "SCALEOPS_AUTH: credentials of 2 kinds are set"),
        ({"SCALEOPS_AUTH": "none", "SCALEOPS_TOKEN": "t"}, "SCALEOPS_AUTH is none, but SCALEOPS_TOKEN is set too"),
        ({"SCALEOPS_BASEURL": "x"}, "SCALEOPS_BASEURL is an unknown setting; did you mean SCALEOPS_BASE_URL?"),
        ({"WORKER_NOISE": "x"}, "WORKER_NOISE is an unknown setting; docs/reference/settings.md lists the settings"),
        ({"SLACK_BOT_TOKN": "x"}, "SLACK_BOT_TOKN is an unknown setting; did you mean SLACK_BOT_TOKEN?"),
        ({"SCALEOPS_BASE_URL": "scaleops.example.com"}, "SCALEOPS_BASE_URL: is not a valid URL; write it as https://host"),
        ({"SCALEOPS_BASE_URL": "https://me:pw@host"}, "SCALEOPS_BASE_URL: contains a user or password"),
        ({"SLACK_BASE_URL": "http://slack.example.com"}, "SLACK_BASE_URL: must begin with https://"),
        ({"BACKSTAGE_BASE_URL": "http://backstage.example.com"}, "BACKSTAGE_BASE_URL: must begin with https://"),
        ({"SCALEOPS_BASE_URL": "https://s.example.com/?tenant=a"}, "SCALEOPS_BASE_URL: contains a query or fragment; write only"),
        ({"WORKER_HEARTBEAT_URL": "https://hc.example.com/x#y"}, "WORKER_HEARTBEAT_URL: contains a query or fragment"),
        ({"SLACK_DEFAULT_CHANNEL": "#costs"}, "SLACK_DEFAULT_CHANNEL: '#costs' is not a Slack channel id; write the id"),
        ({"WORKER_PLATFORM_CHANNEL": "platform-costs"}, "WORKER_PLATFORM_CHANNEL: 'platform-costs' is not a Slack channel id"),
        ({"WORKER_COLLECT_EVERY": "5h"}, "WORKER_COLLECT_EVERY: must divide 24 hours"),
        ({"WORKER_WATCH_EVERY": "7m"}, "WORKER_WATCH_EVERY: must divide WORKER_COLLECT_EVERY"),
        ({"WORKER_COLLECT_EVERY": "six"}, "WORKER_COLLECT_EVERY: 'six' is not a valid duration"),
        ({"WORKER_TIMEZONE": "Mars/Base"}, "WORKER_TIMEZONE: 'Mars/Base' is not a valid time zone"),
        ({"WORKER_REPORT_TIME": "25:00"}, "WORKER_REPORT_TIME: '25:00' is not a valid time of day"),
        ({"SCALEOPS_CURRENCY": "dollar"}, "SCALEOPS_CURRENCY: 'dollar' is not an ISO 4217 currency code"),
        ({"SCALEOPS_MAX_CONCURRENCY": "0"}, "SCALEOPS_MAX_CONCURRENCY: input should be greater than or equal to 1"),
        (
            {"BACKSTAGE_BASE_URL": "https://b", "BACKSTAGE_CATALOG_FILE": "c.yaml"},
            "BACKSTAGE_BASE_URL and BACKSTAGE_CATALOG_FILE are both set",
        ),
        ({"SCALEOPS_TOKEN": "a\nb"}, "SCALEOPS_TOKEN: contains a line break"),
        ({"BACKSTAGE_CATALOG_FILE": "a\0b"}, "BACKSTAGE_CATALOG_FILE: contains a null character"),
        ({"SCALEOPS_TOKEN_FILE": "a\0b"}, "SCALEOPS_TOKEN_FILE: the file a\0b cannot be read: a file name has no null character"),
        (
            {"SCALEOPS_TOKEN": "t", "SCALEOPS_USER": "u", "SCALEOPS_AUTH": "token"},
            "SCALEOPS_AUTH is token, but SCALEOPS_USER is set",
        ),
        (
            {"SCALEOPS_TOKEN": "t", "SCALEOPS_USER": "u", "SCALEOPS_PASSWORD": "p", "SCALEOPS_AUTH": "token"},
            "SCALEOPS_AUTH is token, but SCALEOPS_USER and SCALEOPS_PASSWORD are set",
        ),
        ({"WORKER_INSTANCE": "a:b"}, "WORKER_INSTANCE: must be one word"),
    ],
)
def test_an_invalid_setting_is_named_with_what_to_do(environment: dict[str, str], message: str) -> None:
    assert any(problem.startswith(message) for problem in problems_of(environment)), problems_of(environment)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://slack.com/api", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost:1", True),
        ("http://[::1]:80", True),
        ("https://10.0.0.1", True),
        ("http://slack.com/api/", False),
        ("http://10.0.0.1", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1@evil.example", False),
        ("ftp://x", False),
        ("slack", False),
    ],
)
@pytest.mark.parametrize("name", ["SLACK_BASE_URL", "PAGERDUTY_EVENTS_URL"])
def test_messages_are_sent_to_https_and_loopback_only(name: str, url: str, *, is_allowed: bool) -> None:
    if is_allowed:
        assert url in resolve_settings({name: url}, None).settings.model_dump().values()
    else:
        assert problems_of({name: url})[0].startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("backstage:7007", True),
        ("backstage.portal.svc", True),
        ("backstage.portal.svc.cluster.local:7007", True),
        ("BACKSTAGE.portal.SVC.cluster.local.", True),
        ("backstage.cluster.local", True),
        ("127.0.0.1:7007", True),
        ("backstage.example.com", False),
        ("backstage.svc.example.com", False),
        ("cluster.local.example.com", False),
        (".svc", False),
        ("10.0.0.1", False),
        ("2130706433", False),
        ("[fd00::1]", False),
    ],
)
def test_backstage_may_be_plain_http_inside_a_cluster_only(host: str, *, is_allowed: bool) -> None:
    if is_allowed:
        assert resolve_settings({"BACKSTAGE_BASE_URL": f"http://{host}"}, None).settings.backstage_base_url == f"http://{host}"
    else:
        assert problems_of({"BACKSTAGE_BASE_URL": f"http://{host}"})[0].startswith("BACKSTAGE_BASE_URL: ")


def test_a_byte_order_mark_is_no_part_of_a_secret(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("xoxb-secret\n", encoding="utf-8-sig")
    settings = resolve_settings({"SLACK_BOT_TOKEN_FILE": str(secret)}, None).settings

    assert settings.slack_bot_token == SecretStr("xoxb-secret")


def test_service_variables_of_kubernetes_are_not_settings() -> None:
    links = {
        "SCALEOPS_WORKER_SERVICE_HOST": "10.0.0.1",
        "SCALEOPS_DASHBOARDS_PORT_8080_TCP_ADDR": "10.0.0.2",
        "GATEWAY_PORT_80_TCP": "tcp://x",
    }
    assert resolve_settings(links, None).settings.auth == "none"


def test_the_port_variable_of_a_service_named_gateway_is_not_a_setting() -> None:
    assert resolve_settings({"GATEWAY_PORT": "tcp://10.0.0.7:8080"}, None).settings.gateway_port == 8080


def test_every_problem_is_reported() -> None:
    problems = problems_of({"WORKER_TIMEZONE": "Nowhere", "SCALEOPS_CURRENCY": "x", "WORKER_X": "1"})
    assert len(problems) == 3


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("xoxb-secret\n", encoding="utf-8")
    resolved = resolve_settings({"SLACK_BOT_TOKEN_FILE": str(secret)}, None)
    assert resolved.settings.slack_bot_token is not None
    assert resolved.settings.slack_bot_token.get_secret_value() == "xoxb-secret"
    assert str(secret) in resolved.origins["SLACK_BOT_TOKEN"]


def test_an_unreadable_or_empty_secret_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert "SLACK_BOT_TOKEN_FILE: the file" in problems_of({"SLACK_BOT_TOKEN_FILE": str(tmp_path / "missing")})[0]
    assert "is empty" in problems_of({"SLACK_BOT_TOKEN_FILE": str(tmp_path / "empty")})[0]


def test_a_secret_set_twice_is_an_error(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("x", encoding="utf-8")
    assert "unset one" in problems_of({"SLACK_BOT_TOKEN": "y", "SLACK_BOT_TOKEN_FILE": str(secret)})[0]


def test_the_environment_takes_precedence_over_the_dotenv_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("WORKER_TIMEZONE=Europe/Madrid\nSCALEOPS_CURRENCY=EUR\n", encoding="utf-8")
    resolved = resolve_settings({"WORKER_TIMEZONE": "Asia/Kathmandu"}, dotenv)
    assert resolved.settings.worker_timezone == "Asia/Kathmandu"
    assert resolved.settings.scaleops_currency == "EUR"
    assert (resolved.origins["WORKER_TIMEZONE"], resolved.origins["SCALEOPS_CURRENCY"]) == ("environment", str(dotenv))


def test_no_secret_is_shown_in_settings_or_problems() -> None:
    settings = resolve_settings(
        {"SCALEOPS_TOKEN": "MARKED-SECRET", "DATABASE_URL": "postgresql://u:MARKED-SECRET@h/d"}, None
    ).settings
    assert "MARKED-SECRET" not in repr(settings)
    assert "MARKED-SECRET" not in str(problems_of({"SCALEOPS_TOKEN": "MARKED-SECRET\n2", "WORKER_SECRET_KEY": "MARKED"}))
