from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from alerts.policy import AlertPolicy, PagingMode, Rule, Rules
from domain.refs import EntityRef
from domain.routes import Route, platform_route
from wiring.config_file import ConfigFile, read_config_file
from wiring.environment import resolve_settings
from wiring.policy import alert_policy, build_policy
from wiring.settings import SettingsError

CHECKOUT = EntityRef("component", "default", "checkout")
PAYMENTS = EntityRef("group", "default", "payments")

COMPLETE = """
teams:
  group:default/payments: {slack_channel: C0123, timezone: Europe/Madrid, report_day: monday, report_time: "09:00",
                           pagerduty_routing_key_file: /run/secrets/pd, monthly_budget: 12000}
components:
  component:default/checkout: {monthly_budget: 900, alerts: {over-provisioned: off}}
alerts:
  under-provisioned: {for: 2, page: with-evidence, repeat_after: 24h}
  over-provisioned: {for: 2, min_monthly_savings: 50, min_share: 0.2, page: never}
  cost-increase: {min_increase: 50, min_ratio: 0.25}
  storm: {pages_per_team: 5, teams: 10}
routes: {slack_annotations: [slack.com/bot-notify], allowed_channels: []}
selectors: {namespaces: {}}
clusters: {non_production: [staging]}
retention: {points: 14d, daily: 90d, weekly: 2y}
"""


def read(tmp_path: Path, text: str) -> ConfigFile:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return read_config_file(path)


def policy_of(tmp_path: Path, text: str) -> AlertPolicy:
    return alert_policy(resolve_settings({"WORKER_INSTANCE": "acme"}, None).settings, read(tmp_path, text))


def test_a_complete_file(tmp_path: Path) -> None:
    config = read(tmp_path, COMPLETE)
    payments = config.teams[PAYMENTS]
    assert (payments.slack_channel, payments.report_time, payments.monthly_budget) == ("C0123", time(9, 0), Decimal(12000))
    checkout = config.components[CHECKOUT]
    assert checkout.alerts.over_provisioned is not None
    assert checkout.alerts.over_provisioned.enabled is False
    assert config.alerts.under_provisioned is not None
    assert (config.alerts.under_provisioned.for_sweeps, config.alerts.under_provisioned.repeat_after) == (2, timedelta(hours=24))
    assert config.retention.weekly == timedelta(days=730)
    assert config.clusters.non_production == ("staging",)


def test_quiet_teams_and_the_monthly_channel_reach_the_policy(tmp_path: Path) -> None:
    config = read(tmp_path, "teams: {Group:default/Payments: {quiet: true}}\nmonthly: {slack_channel: C0BOSS}")
    settings = resolve_settings({"WORKER_INSTANCE": "acme", "WORKER_TIMEZONE": "Europe/Madrid"}, None).settings
    found = build_policy(settings, config)
    assert (found.quiet_teams, found.routes.monthly_channel) == (frozenset({PAYMENTS}), "C0BOSS")
    assert (found.monthly_schedule.zone.key, found.monthly_schedule.at) == ("Europe/Madrid", time(9, 0))
    assert build_policy(settings, ConfigFile()).routes.monthly_channel is None


@pytest.mark.parametrize(
    ("channels", "rule"),
    [
        ({"WORKER_PLATFORM_CHANNEL": "C0PLATFORM", "SLACK_DEFAULT_CHANNEL": "C0GENERAL"}, "WORKER_PLATFORM_CHANNEL"),
        ({"SLACK_DEFAULT_CHANNEL": "C0GENERAL"}, "SLACK_DEFAULT_CHANNEL, because WORKER_PLATFORM_CHANNEL is not set"),
    ],
)
def test_messages_to_the_platform_name_the_setting_that_chose_their_channel(channels: dict[str, str], rule: str) -> None:
    route = platform_route(build_policy(resolve_settings(channels, None).settings, ConfigFile()).routes)
    assert isinstance(route, Route)
    assert route.rule == rule


def test_references_are_case_insensitive(tmp_path: Path) -> None:
    assert PAYMENTS in read(tmp_path, "teams: {'Group:Default/Payments': {}}").teams


def test_an_unquoted_time_is_still_a_time(tmp_path: Path) -> None:
    config = read(tmp_path, "teams: {group:default/x: {report_time: 10:30}}")
    assert config.teams[EntityRef("group", "default", "x")].report_time == time(10, 30)


def test_a_missing_file_means_defaults_unless_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_config_file(None) == ConfigFile()
    with pytest.raises(SettingsError, match=r"WORKER_CONFIG_FILE: .*nothing\.yaml cannot be read"):
        read_config_file(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "teams: {group:default/x: {slack_chanel: C1}}",
            "teams.group:default/x.slack_chanel is an unknown key; did you mean slack_channel?",
        ),
        ("alert: {}", "alert is an unknown key; did you mean alerts?"),
        ("zzz: {}", "zzz is an unknown key; docs/reference/configuration.md lists the keys"),
        ("components: {component:default/a: {alerts: {over-provisiond: off}}}", "did you mean over-provisioned?"),
        ("alerts: {storm: {team: 3}}", "alerts.storm.team is an unknown key; did you mean teams?"),
        ("alerts: {over-provisioned: maybe}", "'maybe' is not off, on or a mapping of the rule's keys"),
        ("alerts: {over-provisioned: {page: sometimes}}", "alerts.over-provisioned.page:"),
        ("teams: {payments: {}}", "'payments' is not an entity reference"),
        ("teams: {group:default/x: {slack_channel: '#general'}}", "is not a Slack channel id"),
        ("teams: {group:default/x: {monthly_budget: -1}}", "should be greater than 0"),
        ("retention: {points: 14}", "retention.points: 14 is not a valid duration"),
        ("a: 1\na: 2", "line 2: duplicate key 'a'"),
        ("teams: {group:default/a: {}, 'Group:a': {}}", "group:default/a and Group:a are the same entity"),
        ("clusters: {non_production: staging}", "clusters.non_production: must be a list"),
        ("teams: [a]", "teams: must be a mapping"),
        ("- a", "the top level must be a mapping"),
        ("x: [", "line 1:"),
    ],
)
def test_a_problem_names_its_place_and_cause(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert any(message in problem for problem in caught.value.problems), caught.value.problems
    assert str(tmp_path / "config.yaml") in caught.value.problems[0]


def test_without_a_file_the_rules_are_the_defaults(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, "")
    assert policy.rules.under_provisioned.page is PagingMode.WITH_EVIDENCE
    assert policy.rules.over_provisioned.min_monthly_savings == Decimal(50)


def test_repeat_after_of_a_page_does_not_apply_to_slack(tmp_path: Path) -> None:
    rules = policy_of(
        tmp_path,
        "alerts: {under-provisioned: {repeat_after: 24h}, over-provisioned: {repeat_after: 2d}, unmeasured: {repeat_after: 14d}}",
    ).rules
    assert rules.under_provisioned == Rules().under_provisioned
    assert rules.over_provisioned.slack_repeat_after == timedelta(days=2)
    assert rules.unmeasured.slack_repeat_after == timedelta(days=14)


def test_the_file_overrides_only_what_it_names(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path,
        """
teams: {group:default/payments: {monthly_budget: 12000}}
components:
  component:default/checkout: {monthly_budget: 900, alerts: {over-provisioned: off, under-provisioned: {page: always}}}
alerts: {under-provisioned: {for: 3, repeat_after: 12h}, storm: {teams: 4}}
clusters: {non_production: [staging]}
""",
    )

    defaults = policy.rules
    checkout = policy.rules_of(CHECKOUT)
    assert (defaults.under_provisioned.for_sweeps, defaults.under_provisioned.repeat_after) == (3, timedelta(hours=12))
    assert (checkout.under_provisioned.for_sweeps, checkout.under_provisioned.page) == (3, PagingMode.ALWAYS)
    assert defaults.over_provisioned.enabled
    assert not policy.settings_of(Rule.OVER_PROVISIONED, CHECKOUT).enabled
    assert (policy.monthly_budget_of(CHECKOUT), policy.monthly_budget_of(PAYMENTS, is_team=True)) == (
        Decimal(900),
        Decimal(12000),
    )
    assert (policy.storm.teams, policy.storm.pages_per_team) == (4, 5)
    assert policy.non_production_clusters == {"staging"}
    assert policy.instance == "acme"


@pytest.mark.parametrize(
    ("app", "backend", "expected"),
    [
        ("https://portal.example.com", "http://backstage.svc:7007", "https://portal.example.com"),
        (None, "https://backstage.example.com", "https://backstage.example.com"),
        (None, "http://backstage.svc:7007", None),
        (None, "http://127.0.0.1:7007", None),
    ],
)
def test_links_to_backstage_lead_only_where_every_reader_can_go(app: str | None, backend: str, expected: str | None) -> None:
    environ = {"BACKSTAGE_BASE_URL": backend, "BACKSTAGE_TOKEN": "t"} | ({"BACKSTAGE_APP_URL": app} if app else {})
    assert build_policy(resolve_settings(environ, None).settings, ConfigFile()).catalog_url == expected


def test_a_section_of_which_all_is_commented_out_is_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, "teams:\n#  group:default/payments: {quiet: true}\nalerts:\n") == ConfigFile()
