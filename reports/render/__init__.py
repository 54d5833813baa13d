"""Renders report content: Slack, HTML, Markdown and charts."""
