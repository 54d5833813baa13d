"""What the queries of all subjects share: the connection of their transaction, and dataclasses as rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
V = TypeVar("V")


class Queries:
    """The queries of one subject in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _is_one_of(self, column: ColumnElement[V], values: Iterable[V]) -> ColumnElement[bool]:
        """Return the condition that a column has one of many values.

        PostgreSQL gets them as one array: as a parameter each, they take the client longer to write than the server to find.
        """
        if self._connection.dialect.name == "postgresql":
            return column == any_(literal(list(values), ARRAY(column.type)))
        return column.in_(list(values))


def row_from(value: DataclassInstance, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of a dataclass as columns of the same names, `without` those that are stored otherwise."""
    return {name: getattr(value, name) for name in _field_names(type(value)) if name not in without}


def read_as(cls: type[T], row: RowMapping, /, **others: Any) -> T:  # noqa: ANN401 - fields of any type
    """Return a dataclass from the columns named like its fields; `others` are the fields that are stored otherwise."""
    return cls(**{name: row[name] for name in _field_names(cls) if name not in others}, **others)


@cache
def _field_names(cls: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(cls))
