"""Slack's Web API, as far as we need it: post a message, look one up again, ask who we are."""

from clients.slack.client import BotIdentity, PostedMessage, SlackClient

__all__ = ["BotIdentity", "PostedMessage", "SlackClient"]
