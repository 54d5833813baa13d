"""Slack Web API: one message out, with what came of it."""
