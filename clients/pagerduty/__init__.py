"""PagerDuty's Events API v2: one event to one routing key."""

from clients.pagerduty.client import PagerDutyClient

__all__ = ["PagerDutyClient"]
