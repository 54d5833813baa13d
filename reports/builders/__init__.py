"""Builders of report content from facts."""
