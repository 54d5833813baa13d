"""Slack's Web API, as far as we need it: post a message, look one up again, ask who we are."""

from clients.slack.client import Identity, Posted, SlackClient

__all__ = ["Identity", "Posted", "SlackClient"]
