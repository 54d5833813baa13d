"""Slack's Web API: post a message, find one again, identify the bot."""

from clients.slack.client import BotIdentity, PostedMessage, SlackClient

__all__ = ["BotIdentity", "PostedMessage", "SlackClient"]
