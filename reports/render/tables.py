"""Tables of the pages as CSV and JSON: the same rows, with plain numbers, their currency and their period."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from reports.formatting import printable

Cell = str | int | float | Decimal | datetime | None
BOM: Final = "\ufeff"
"""Without it Excel reads UTF-8 as another encoding."""
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""What a spreadsheet may read as the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """A table of a page. `currency` and `period` are columns of the exported rows; None and empty: the table has no money."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    currency: str | None = None
    period: str = ""
    as_of: datetime | None = None


def write_csv(table: PageTable) -> str:
    """Return a table as CSV (RFC 4180) that a spreadsheet opens without running anything."""
    text = io.StringIO()
    writer = csv.writer(text)
    extra_names, extra = _extra_columns(table)
    writer.writerow([*table.columns, *extra_names])
    writer.writerows([_csv_cell(cell) for cell in (*row, *extra)] for row in table.rows)
    return BOM + text.getvalue()


def write_json(table: PageTable) -> str:
    """Return a table as one JSON object with its rows as objects."""
    extra_names, extra = _extra_columns(table)
    names = (*table.columns, *extra_names)
    rows = [dict(zip(names, map(_json_cell, (*row, *extra)), strict=True)) for row in table.rows]
    return json.dumps({"table": table.name, "title": table.title, "rows": rows}, ensure_ascii=False, indent=1)


def find_table(tables: Sequence[PageTable], name: str | None) -> PageTable | None:
    """Return the table of a name, or the first; None if there is none."""
    return next((table for table in tables if name in (None, table.name)), None)


def _extra_columns(table: PageTable) -> tuple[tuple[str, ...], tuple[Cell, ...]]:
    if table.currency is None:
        return ("as_of",), (table.as_of,)
    return ("currency", "period", "as_of"), (table.currency, table.period, table.as_of)


def _csv_cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            shown = printable(cell)
            return f"'{shown}" if shown.lstrip(" \u00a0").startswith(_FORMULA) else shown
        case Decimal():
            return f"{cell:f}"
        case datetime():
            return cell.isoformat()
        case _:
            return str(cell)


def _json_cell(cell: Cell) -> str | int | float | None:
    match cell:
        case Decimal():
            return float(cell)
        case datetime():
            return cell.isoformat()
        case _:
            return cell
