"""Queries, one module per table or group of tables."""
