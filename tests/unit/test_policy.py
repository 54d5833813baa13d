from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from alerts.policy import PagingMode, Rule, Rules
from domain.refs import EntityRef
from wiring.config_file import read_config_file
from wiring.environment import resolve_settings
from wiring.policy import alert_policy

CHECKOUT = EntityRef.parse("component:default/checkout")
PAYMENTS = EntityRef.parse("group:default/payments")


def test_without_a_file_the_rules_are_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").touch()

    policy = alert_policy(resolve_settings({}, None).settings, read_config_file(tmp_path / "empty.yaml"))

    assert policy.rules.under_provisioned.page is PagingMode.WITH_EVIDENCE
    assert policy.rules.over_provisioned.min_monthly_savings == Decimal(50)


def test_repeat_after_of_a_page_does_not_apply_to_slack(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "alerts: {under-provisioned: {repeat_after: 24h}, over-provisioned: {repeat_after: 2d}, unmeasured: {repeat_after: 14d}}",
        encoding="utf-8",
    )

    rules = alert_policy(resolve_settings({}, None).settings, read_config_file(file)).rules

    assert rules.under_provisioned == Rules().under_provisioned
    assert rules.over_provisioned.slack_repeat_after == timedelta(days=2)
    assert rules.unmeasured.slack_repeat_after == timedelta(days=14)


def test_the_file_overrides_only_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        """
teams: {group:default/payments: {monthly_budget: 12000}}
components:
  component:default/checkout: {monthly_budget: 900, alerts: {over-provisioned: off, under-provisioned: {page: always}}}
alerts: {under-provisioned: {for: 3, repeat_after: 12h}, storm: {teams: 4}}
clusters: {non_production: [staging]}
""",
        encoding="utf-8",
    )

    policy = alert_policy(resolve_settings({"WORKER_INSTANCE": "acme"}, None).settings, read_config_file(file))

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
