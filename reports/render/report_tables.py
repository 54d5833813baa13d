"""The tables of a report for CSV and JSON: each list of records in its content is one table, whatever the section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from reports import content
from reports.render.tables import Cell, PageTable


def tables_of(report: content.AnyReport) -> tuple[PageTable, ...]:
    """Return the tables of a report in the order of the page. An amount brings its own currency and period columns."""
    return tuple(_tables(report))


def _tables(report: content.AnyReport) -> Iterator[PageTable]:
    for section in report.sections:
        body = section.body
        if body is None:
            continue
        for name in type(body).model_fields:
            records = getattr(body, name)
            if isinstance(records, tuple) and records and all(isinstance(one, BaseModel) for one in records):
                rows = [dict(_cells(one)) for one in records]
                columns = tuple(dict.fromkeys(column for row in rows for column in row))
                yield PageTable(
                    name=f"{body.kind}-{name}".replace("_", "-").replace(" ", "-"),
                    title=section.title,
                    columns=columns,
                    rows=tuple(tuple(row.get(column) for column in columns) for row in rows),
                    currency=report.currency,
                    period="7 days" if _is_weekly(columns) else "",
                )


def _is_weekly(columns: Sequence[str]) -> bool:
    """Return True if no column says another period itself."""
    return not any("month" in column or column.endswith("period") for column in columns)


def _cells(record: BaseModel, prefix: str = "") -> Iterator[tuple[str, Cell]]:
    for name in type(record).model_fields:
        value: Any = getattr(record, name)
        yield from _flat(f"{prefix}{name}", value)


def _flat(name: str, value: object) -> Iterator[tuple[str, Cell]]:
    match value:
        case content.Amount():
            yield name, value.amount
            yield f"{name}_period", value.period
        case BaseModel():
            yield from _cells(value, f"{name}_")
        case None | bool() | str() | int() | float() | Decimal() | datetime():
            yield name, value
        case tuple() | list() | Mapping():
            yield name, "; ".join(map(_text, value))
        case _:
            yield name, str(value)


def _text(value: object) -> str:
    if isinstance(value, BaseModel):
        return " ".join("" if cell is None else str(cell) for _, cell in _cells(value)).strip()
    return str(value)
