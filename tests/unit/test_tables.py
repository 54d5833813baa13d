"""Exported tables: no cell is a formula, numbers are plain, money has its currency and period."""

import csv
import io
import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reports.render.tables import Cell, PageTable, write_csv, write_json

FORMULAS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def table(*cells: Cell) -> PageTable:
    return PageTable(
        name="t", title="T", columns=("name",), rows=tuple((cell,) for cell in cells), currency="EUR", period="7 days"
    )


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@given(st.lists(st.one_of(st.text(), st.text(FORMULAS + " a1", min_size=1)), min_size=1))
def test_no_text_is_read_as_a_formula_and_none_is_lost(texts: list[str]) -> None:
    cells = [row[0] for row in rows_of(write_csv(table(*texts)))[1:] if row]
    assert not [cell for cell in cells if cell.lstrip(" ").startswith(tuple(FORMULAS))]
    assert [row["name"] for row in json.loads(write_json(table(*texts)))["rows"]] == texts


def test_numbers_are_plain_and_unknown_is_empty() -> None:
    rows = rows_of(write_csv(table(Decimal("-1234.50"), Decimal("1E+3"), 7, None)))
    assert rows[0] == ["name", "currency", "period", "as_of"]
    assert [row[0] for row in rows[1:]] == ["-1234.50", "1000", "7", ""]
    assert rows[1][1:] == ["EUR", "7 days", ""]
