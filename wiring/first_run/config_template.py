"""The text of a new `scaleops-worker.yaml`: every section as a commented example, so that all defaults apply."""

from __future__ import annotations

from typing import Final

CONFIG_TEMPLATE: Final = """\
# Teams, components, rules and routes of scaleops-worker, written by `scaleops-worker init`.
# Every part is optional. Remove the `#` before what you want to set; docs/reference/configuration.md explains each key.
# References are kind:namespace/name, as in Backstage. `scaleops-worker check-config --live` compares them with the catalog.

# Routes, schedule and budget of a team. Annotations in the catalog (slack.com/bot-notify) take precedence over its channel.
#teams:
#  group:default/payments:
#    slack_channel: C0123ABCD          # a channel id, not a name
#    timezone: Europe/Madrid
#    report_time: "09:00"
#    monthly_budget: 12000             # in SCALEOPS_CURRENCY; enables the budget rule
#    quiet: true                       # a week without anything unusual is one short message

# Budget and rules of one component.
#components:
#  component:default/checkout:
#    monthly_budget: 900
#    alerts: {over-provisioned: off}

# These clusters never page.
#clusters:
#  non_production: [staging]

# The rules, for all components.
#alerts:
#  under-provisioned: {for: 2, page: with-evidence}
#  over-provisioned: {for: 2, min_monthly_savings: 50, min_share: 0.2}
#  cost-increase: {min_increase: 50, min_ratio: 0.25}

# The Slack channels that an annotation in the catalog may name. None listed: every channel.
#routes:
#  allowed_channels: [C0123ABCD]

# The namespaces in which the selector of a component, or of all components of a team, counts.
#selectors:
#  namespaces:
#    group:default/payments: [payments, checkout]

# Namespaces whose cost no component claims, on purpose.
#unallocated:
#  shared: [kube-system]

# The monthly roll-up for leadership. Without a channel it is not sent.
#monthly:
#  slack_channel: C0123ABCD

# How long measurements are kept.
#retention: {points: 14d, daily: 90d, weekly: 2y}
"""
