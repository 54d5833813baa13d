"""The tables of a report for CSV and JSON, whatever the section: each list of records in its content, and its other figures as one row.

An amount brings its period, coverage and as-of as columns of their own, so that a partial sum never looks complete outside the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

from reports import content
from reports.render.tables import Cell, PageTable

_OF_THE_TABLE: Final = frozenset({"kind", "currency", "period", "as_of"})
"""Fields of a section that its tables have in columns of their own, or in their name."""
_CLOSED_AT: Final = ("as_of", "now_as_of", "until")
"""Fields of a section that say until when it was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """A table before its cells are made: its name, and the parts of the content that are its rows."""

    name: str
    records: tuple[BaseModel, ...] = ()
    """A row for each."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the one row of a table without records."""

    def rows(self) -> Iterator[dict[str, Cell]]:
        """Yield the cells of each row by column."""
        if self.figures:
            yield dict(cell for name, value in self.figures.items() for cell in _flat(name, value))
        yield from (dict(_cells(one)) for one in self.records)


def tables_of(report: content.AnyReport) -> tuple[PageTable, ...]:
    """Return the tables of a report in the order of the page, its first screen last."""
    return tuple(_tables(report))


def names_of_tables(body: content.Body) -> tuple[str, ...]:
    """Return the names of the tables of a section."""
    return tuple(one.name for one in _sources_of(body, body.kind))


def _tables(report: content.AnyReport) -> Iterator[PageTable]:
    for section in report.sections:
        if section.body is not None:
            as_of = _as_of(section.body) or _closing(report)
            for source in _sources_of(section.body, section.body.kind):
                yield _table(source, section.title, report.currency, as_of=as_of)
    for source in _sources_of(report.headline, "headline"):
        yield _table(source, report.title, report.currency, as_of=_closing(report))


def _sources_of(part: BaseModel, name: str) -> Iterator[TableSource]:
    """Yield a table for each list of records in a part of the content, and one of its other figures."""
    figures: dict[str, Any] = {}
    for field_name in type(part).model_fields:
        value: Any = getattr(part, field_name)
        table = f"{name}-{field_name}".replace("_", "-")
        if _is_records(value):
            yield TableSource(name=table, records=value)
        elif isinstance(value, BaseModel) and any(_is_records(getattr(value, one)) for one in type(value).model_fields):
            yield from _sources_of(value, table)
        elif field_name not in _OF_THE_TABLE and value != ():
            figures[field_name] = value
    if figures:
        yield TableSource(name=name, figures=figures)


def _is_records(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(one, BaseModel) for one in value)


def _table(source: TableSource, title: str, currency: str, *, as_of: datetime) -> PageTable:
    rows = tuple(source.rows())
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    return PageTable(
        name=source.name,
        title=title,
        columns=columns,
        rows=tuple(tuple(row.get(column) for column in columns) for row in rows),
        currency=currency,
        period="7 days" if _is_weekly(columns) else "",
        as_of=as_of,
    )


def _as_of(body: content.Body) -> datetime | None:
    found = (getattr(body, name, None) for name in _CLOSED_AT)
    return next((at for at in found if isinstance(at, datetime)), None)


def _closing(report: content.AnyReport) -> datetime:
    """Return the as-of of the closing snapshots; when the report was made if there is none."""
    closed = report.headline.as_of if isinstance(report, content.MonthlyReport) else report.headline.cost.as_of
    return closed or report.made_at


def _is_weekly(columns: Iterable[str]) -> bool:
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
            known, workloads = value.counts
            yield f"{name}_known_workloads", known
            yield f"{name}_workloads", workloads
            yield f"{name}_is_partial", value.known < value.parts
            yield f"{name}_as_of", value.as_of
            yield f"{name}_unknown_reason", value.unknown_reason
        case BaseModel():
            yield from _cells(value, f"{name}_")
        case None | bool() | str() | int() | float() | Decimal() | datetime():
            yield name, value
        case Mapping():
            for key, amount in value.items():
                yield f"{name}_{key}".replace(" ", "_"), amount
        case tuple() | list():
            yield name, "; ".join(map(_text, value))
        case _:
            yield name, str(value)


def _text(value: object) -> str:
    if isinstance(value, BaseModel):
        return " ".join("" if cell is None else str(cell) for _, cell in _cells(value)).strip()
    return str(value)
