"""The tables of a database, as the database itself describes them."""

import sqlalchemy as sa

from store.engines import build_engine, reading
from store.urls import parse_url


def shape_of(url: str) -> dict[str, object]:
    """Describe every table as the database itself does."""
    engine = build_engine(parse_url(url))
    with reading(engine) as connection:
        inspector = sa.inspect(connection)
        shape: dict[str, object] = {}
        for table in inspector.get_table_names():
            if table == "alembic_version":
                continue
            columns = [
                (
                    column["name"],
                    str(column["type"]),
                    column["nullable"],
                    str(column["default"]).split("::")[0],
                    column.get("autoincrement"),
                )
                for column in inspector.get_columns(table)
            ]
            shape[table] = {
                "columns": columns,
                "primary key": inspector.get_pk_constraint(table),
                "unique": sorted(inspector.get_unique_constraints(table), key=str),
                "foreign keys": sorted(inspector.get_foreign_keys(table), key=str),
                "indexes": sorted(inspector.get_indexes(table), key=str),
            }
    engine.dispose()
    return shape
