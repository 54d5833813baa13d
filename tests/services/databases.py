"""Real databases: SQLite files and a PostgreSQL from a wheel."""
