"""Alembic's migrations, run by `store.upgrades`; there is no ini file."""
