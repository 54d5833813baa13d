"""The deliver stage: outbox rows to Slack and PagerDuty."""
