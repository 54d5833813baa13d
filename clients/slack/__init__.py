"""Slack's Web API: post a message, find one again, identify the bot."""
