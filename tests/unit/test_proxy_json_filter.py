"""Responses of ScaleOps keep their bytes, except for a missing list and for rows that the caller may not see."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.json_filter import UnparseableJson, read_rows, repair


@pytest.mark.parametrize(
    "body",
    [
        b'{"workloads":[{"a":1.10}],"x":1e5}',
        b' { "x" : null, "workloads" : [ ] } ',
        b'{"workloads":"odd"}',
        b"<html>no json</html>",
        b"",
        b'{"workloads":[1,2',
        b'{"workloads":null} x',
        b'[{"a":1};{"b":2}]',
        b'[{"a":1},]',
        b'{"x":[1 2]}',
        b"\xff",
        b'"text"',
        b'{"x":1e9999999999999999999}',
        b'{"x":' + b"[" * 20_000,
    ],
)
def test_a_response_without_a_missing_list_keeps_its_bytes(body: bytes) -> None:
    assert repair(body, "workloads", empty=list) is body


@pytest.mark.parametrize(
    ("body", "repaired"),
    [
        (b'{"workloads":null}', b'{"workloads":[]}'),
        (b'{"a":1.10, "workloads" : null ,"b":2}', b'{"a":1.10,"workloads":[],"b":2}'),
        (b"{}", b'{"workloads":[]}'),
        (b'{"a":1.10}', b'{"a":1.10,"workloads":[]}'),
        (b' {"a": {"workloads": null} } ', b'{"a":{"workloads":null},"workloads":[]}'),
        (b"null", b'{"workloads":[]}'),
        (b'[{"a":1.10}]\n', b'{"workloads":[{"a":1.10}]}'),
    ],
)
def test_a_null_or_missing_list_is_made_empty_and_a_bare_array_wrapped(body: bytes, repaired: bytes) -> None:
    assert repair(body, "workloads", empty=list) == repaired


def test_a_missing_map_is_made_empty_and_an_array_is_not_wrapped() -> None:
    assert repair(b'{"networkCostEnabled":null}', "networkCostEnabled", empty=dict) == b'{"networkCostEnabled":{}}'
    assert repair(b"[]", "networkCostEnabled", empty=dict) == b"[]"


def test_numbers_and_texts_of_kept_rows_survive() -> None:
    body = (
        b'{"total": 1.10, "rows" : [ {"id":"a","n":1.10,"big":12345678901234567890.12345678901234567890} , {"id":"b"},'
        b'{"id":"\xc3\xa9\\ud800\\"1.5","n":0.30000000000000004,"m":-0.0}] , "z":[]}'
    )
    rows = read_rows(body, "rows")
    assert rows.filtered(lambda row: row["id"] != "b") == (
        b'{"total":1.10,"rows":[{"id":"a","n":1.10,"big":12345678901234567890.12345678901234567890},'
        b'{"id":"\xc3\xa9\\ud800\\"1.5","n":0.30000000000000004,"m":-0.0}],"z":[]}'
    )
    assert rows.filtered(lambda _: True) is body
    assert rows.filtered(lambda _: False) == b'{"total":1.10,"rows":[],"z":[]}'


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"rows":null}',
        b'{"rows":{}}',
        b'{"rows":[1]}',
        b'{"rows":[{}],"rows":[{}]}',
        b'{"rows":[{}]} x',
        b'{"rows":[{};{}]}',
        b'{"rows":[{} {}]}',
        b'{"rows":[{},]}',
        b'{"rows":[{}],"other":[1;2]}',
        b'{"rows":[{}],"other":[1,2}',
        b'{"rows":[{}',
        b'{"rows":[{"n":1e9999999999999999999}]}',
        b"\xff",
        b"",
    ],
)
def test_rows_of_another_shape_are_an_error(body: bytes) -> None:
    with pytest.raises(UnparseableJson):
        read_rows(body, "rows")


def test_a_row_that_is_not_an_object_costs_no_other_row() -> None:
    rows = read_rows(b'{"rows":[null,{"id":"a"},7]}', "rows")
    assert rows.filtered(lambda _: True) == b'{"rows":[{"id":"a"}]}'


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
rows = st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=6) | numbers | st.none(), max_size=4), max_size=6)


@given(rows=rows, others=st.dictionaries(st.text(max_size=4), rows, max_size=3), indent=st.sampled_from([None, 0, 2]))
def test_filtering_removes_rows_and_changes_nothing_else(
    rows: list[dict[str, object]], others: dict[str, object], indent: int | None
) -> None:
    content = {**others, "rows": rows}
    body = json.dumps(content, indent=indent).encode()

    def keep(row: dict[str, object]) -> bool:
        return len(row) % 2 == 0

    filtered = read_rows(body, "rows").filtered(keep)
    assert json.loads(filtered) == {**others, "rows": [row for row in rows if keep(row)]}
