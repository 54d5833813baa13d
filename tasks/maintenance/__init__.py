"""Retention, self-monitoring and status."""
