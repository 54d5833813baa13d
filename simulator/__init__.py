"""Simulated ScaleOps, Backstage, Slack and PagerDuty servers, for tests and the demo."""
