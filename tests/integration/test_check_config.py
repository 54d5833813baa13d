"""`check-config`: what cannot work is red with what to do, and what is not configured is neither ok nor wrong."""

from pathlib import Path
from typing import Any

import pytest

from clients.redis.probe import redis_problem
from domain.zones import TZDATA_VERSION
from simulator.serving import Simulator
from tests.services.commands import Ran, Run
from tests.services.databases import PostgresServer
from tests.services.queues import QueueServer
from tests.services.simulated import settings_of
from wiring.environment import resolve_settings
from wiring.policy import can_link_pages


def check_of(ran: Ran, service: str) -> Any:
    (found,) = (check for check in ran.lines[0]["live"] if check["service"] == service)
    return found


def test_a_configuration_that_works_is_green(run: Run, simulator: Simulator, queues: QueueServer) -> None:
    ran = run("check-config", "--live", "--json", **settings_of(simulator), REDIS_URL=queues.url)

    assert [check for check in ran.lines[0]["live"] if check["ok"] is False] == []
    assert check_of(ran, "Redis")["message"].endswith("takes writes and evicts nothing")
    assert ran.lines[0]["tzdata"] == TZDATA_VERSION
    assert ran.status == 0


def test_nothing_configured_is_red_and_nothing_of_it_is_ok(run: Run) -> None:
    ran = run("check-config", "--live", "--json")

    assert ran.status == 1
    assert "set SCALEOPS_BASE_URL" in check_of(ran, "configuration")["message"]
    for service in ("Redis", "ScaleOps", "Backstage", "Slack", "PagerDuty"):
        assert (check_of(ran, service)["ok"], check_of(ran, service)["attempted"]) == (None, False)


def test_a_dead_redis_is_red(run: Run, simulator: Simulator, free_port: int) -> None:
    ran = run("check-config", "--live", **settings_of(simulator), REDIS_URL=f"redis://:hunter2@127.0.0.1:{free_port}/0")

    assert ran.status == 1
    assert "FAIL Redis: Redis cannot be used" in ran.out
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("info", "problem"),
    [
        ({"role": "master", "maxmemory_policy": "noeviction"}, ""),
        ({"role": "slave"}, "is a read-only replica; REDIS_URL must name the primary"),
        ({"role": "master", "maxmemory_policy": "allkeys-lru"}, "maxmemory-policy allkeys-lru, which evicts queued work"),
    ],
)
def test_a_redis_that_loses_or_refuses_work_is_named(info: dict[str, str], problem: str) -> None:
    assert problem in redis_problem(info)
    assert bool(problem) == bool(redis_problem(info))


def test_a_database_that_takes_no_writes_is_red(
    run: Run, simulator: Simulator, postgres_server: PostgresServer, postgres_url: str
) -> None:
    database = postgres_url.partition("@/")[2].partition("?")[0]
    postgres_server.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    ran = run("check-config", "--live", **settings_of(simulator) | {"DATABASE_URL": postgres_url})

    assert ran.status == 1
    assert "DATABASE_URL must name the primary" in ran.out


def test_teams_and_components_that_the_catalog_lacks_are_red(run: Run, simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "worker.yaml"
    file.write_text(
        "teams: {group:default/no-such-team: {timezone: UTC}}\n"
        "components: {component:default/no-such-component: {monthly_budget: 1}}\n"
        "selectors: {namespaces: {component:default/neither: [shop]}}\n",
        encoding="utf-8",
    )
    ran = run("check-config", "--live", "--json", **settings_of(simulator), WORKER_CONFIG_FILE=str(file))

    assert ran.status == 1
    message = check_of(ran, "configuration file")["message"]
    assert message.startswith(
        "teams.group:default/no-such-team, components.component:default/no-such-component, "
        "selectors.namespaces.component:default/neither: the catalog has no such component"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (None, "not configured")),
        ("routes: {allowed_channels: [C0GENERAL01]}", (True, "it names no team or component")),
        ("teams: {group:default/payments: {timezone: UTC}}", (True, "every team and component of it is in the catalog")),
    ],
)
@pytest.mark.parametrize("simulator", ["demo"], indirect=True)
def test_a_configuration_file_counts_whatever_it_sets(
    run: Run, simulator: Simulator, tmp_path: Path, text: str, found: tuple[bool | None, str]
) -> None:
    file = tmp_path / "worker.yaml"
    file.write_text(text, encoding="utf-8")
    ran = run("check-config", "--live", "--json", **settings_of(simulator), WORKER_CONFIG_FILE=str(file))

    check = check_of(ran, "configuration file")
    assert (check["ok"], check["message"]) == found


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"BACKSTAGE_CATALOG_FILE": "no/such.yaml"}, "BACKSTAGE_CATALOG_FILE: the catalog file no/such.yaml"),
        ({"SCALEOPS_BASE_URL": "https://s.example.com", "HTTPS_PROXY": "socks5://proxy:1080"}, "HTTPS_PROXY names a SOCKS proxy"),
        ({"SSL_CERT_FILE": "/no/ca.pem"}, "SSL_CERT_FILE names /no/ca.pem, which is not a file that can be read"),
        ({"REDIS_URL": "sentinel://host:26379"}, "REDIS_URL: names a Sentinel, which is not supported"),
        ({"DATABASE_URL": "postgresql://u:hunter2@ss@host/db"}, "DATABASE_URL: contains a character in its user or password"),
    ],
)
def test_what_can_be_seen_without_a_connection_is_an_invalid_setting(run: Run, settings: dict[str, str], problem: str) -> None:
    ran = run("check-config", **settings)

    assert ran.status == 2
    assert problem in ran.err
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"WORKER_PUBLIC_URL": "https://costs.example.com"}, "WORKER_PUBLIC_URL has no effect without WORKER_SECRET_KEY"),
        ({"BACKSTAGE_BASE_URL": "http://backstage:7007"}, "BACKSTAGE_BASE_URL is plain http"),
        ({"REDIS_URL": "rediss://cache/0?ssl_cert_reqs=none"}, "REDIS_URL switches off the verification of certificates"),
    ],
)
def test_what_works_but_should_be_known_is_a_warning(run: Run, settings: dict[str, str], warning: str) -> None:
    ran = run("check-config", **settings)

    assert ran.status == 0
    assert f"! {warning}" in ran.out


@pytest.mark.parametrize(
    ("settings", "is_linked"),
    [
        ({}, False),
        ({"WORKER_SECRET_KEY": "0123456789abcdef"}, True),
        ({"GATEWAY_AUTH": "none"}, True),
        ({"GATEWAY_AUTH": "token"}, False),
    ],
)
def test_a_page_is_linked_only_if_its_reader_can_open_it(settings: dict[str, str], *, is_linked: bool) -> None:
    assert can_link_pages(resolve_settings(settings, None).settings) is is_linked


@pytest.mark.parametrize(
    ("channel", "reason"),
    [({}, "channel_not_found"), ({"C0GENERAL01": {"is_member": False}, "C0PLATFORM1": {}}, "not_in_channel")],
)
def test_a_channel_that_the_bot_cannot_read_is_red(run: Run, simulator: Simulator, channel: dict[str, Any], reason: str) -> None:
    simulator.state.slack.channels = channel or {"C0OTHER0001": {}}
    ran = run("check-config", "--live", **settings_of(simulator))

    assert ran.status == 1
    assert (
        f"FAIL Slack channel: SLACK_DEFAULT_CHANNEL: Slack rejected conversations.history of channel C0GENERAL01: {reason}"
        in ran.out
    )
    assert "check the id, and invite the bot" in ran.out


@pytest.mark.parametrize(
    ("granted", "ok", "said"),
    [
        (("chat:write",), False, "SLACK_BOT_TOKEN lacks the scopes channels:history, groups:history; add them to the app"),
        (("chat:write",), False, "without channels:history a message to a public channel whose response was lost cannot be"),
        (("channels:history", "groups:history"), False, "without chat:write no report or alert can be posted or updated"),
        (("chat:write", "channels:history"), True, "without groups:history a message to a private channel whose response was"),
        ((), True, "Slack did not say which scopes the token has"),
    ],
)
def test_missing_scopes_are_named_with_what_suffers(
    run: Run, simulator: Simulator, granted: tuple[str, ...], *, ok: bool, said: str
) -> None:
    simulator.state.slack.scopes = granted
    check = check_of(run("check-config", "--live", "--json", **settings_of(simulator)), "Slack")

    assert check["ok"] is ok
    assert said in check["message"]


def test_each_routing_key_is_proved_once(run: Run, simulator: Simulator, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a" * 32, encoding="utf-8")
    odd = tmp_path / "odd"
    odd.write_text("b" * 20, encoding="utf-8")
    file = tmp_path / "worker.yaml"
    teams = (
        f"{{group:default/one: {{pagerduty_routing_key_file: {key}}}, group:default/two: {{pagerduty_routing_key_file: {odd}}}}}"
    )
    file.write_text(f"teams: {teams}\n", encoding="utf-8")
    ran = run("check-config", "--live", "--json", **settings_of(simulator), WORKER_CONFIG_FILE=str(file))
    checks = [check["message"] for check in ran.lines[0]["live"] if check["service"] == "PagerDuty"]

    assert "accepts events with teams.group:default/one.pagerduty_routing_key_file; no incident was opened" in checks
    assert any(
        message.startswith("teams.group:default/two.pagerduty_routing_key_file: ") and "32 letters or digits" in message
        for message in checks
    )
    assert simulator.state.pagerduty.incidents == []
