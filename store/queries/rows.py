"""What the queries of all subjects share: the connection of their transaction, and dataclasses as rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, RowMapping

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


class Queries:
    """The queries of one subject in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def row_from(value: DataclassInstance, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of a dataclass as columns of the same names, `without` those that are stored otherwise."""
    return {one.name: getattr(value, one.name) for one in fields(value) if one.name not in without}


def read_as(cls: type[T], row: RowMapping, /, **others: Any) -> T:  # noqa: ANN401 - fields of any type
    """Return a dataclass from the columns named like its fields; `others` are the fields that are stored otherwise."""
    return cls(**{one.name: row[one.name] for one in fields(cls) if one.name not in others}, **others)
