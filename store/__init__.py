"""SQL: tables, queries, migrations. The only room that speaks it."""
