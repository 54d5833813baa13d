"""Upstream's answers stay as they are, but for the member that the frontend crashes without and rows that are not the caller's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.json_filter import UnparseableJson, read_rows, repair
from gateway.responses import render_head


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
    ],
)
def test_an_answer_with_nothing_to_put_right_passes_byte_for_byte(body: bytes) -> None:
    assert repair(body, "workloads", empty=b"[]") == body


@pytest.mark.parametrize(
    ("body", "repaired"),
    [
        (b'{"workloads":null}', b'{"workloads":[]}'),
        (b'{"a":1.10, "workloads" : null ,"b":2}', b'{"a":1.10, "workloads" : [] ,"b":2}'),
        (b"{}", b'{"workloads":[]}'),
        (b'{"a":1.10}', b'{"a":1.10,"workloads":[]}'),
        (b' {"a": {"workloads": null} } ', b' {"a": {"workloads": null} ,"workloads":[]} '),
        (b"null", b'{"workloads":[]}'),
        (b'[{"a":1.10}]\n', b'{"workloads":[{"a":1.10}]}'),
    ],
)
def test_a_null_or_missing_member_is_made_empty_and_a_bare_array_wrapped(body: bytes, repaired: bytes) -> None:
    assert repair(body, "workloads", empty=b"[]") == repaired
    json.loads(repaired)


def test_a_map_is_made_empty_and_no_array_is_taken_for_it() -> None:
    assert repair(b'{"networkCostEnabled":null}', "networkCostEnabled", empty=b"{}") == b'{"networkCostEnabled":{}}'
    assert repair(b"[]", "networkCostEnabled", empty=b"{}") == b"[]"


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: x", b"a\nb", b"a\rb"])
def test_a_header_that_would_break_its_line_is_never_sent(value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        render_head(200, ((b"retry-after", value),), 0)


def test_rows_that_stay_keep_their_bytes() -> None:
    body = b'{"total": 1.10, "rows" : [ {"id":"a","n":1.10} , {"id":"b"},{"id":"c","n":0.30000000000000004}] , "z":[]}'

    listed = read_rows(body, "rows")

    assert listed.keeping(lambda row: row["id"] != "b") == (
        b'{"total": 1.10, "rows" : [{"id":"a","n":1.10},{"id":"c","n":0.30000000000000004}] , "z":[]}'
    )
    assert listed.keeping(lambda _: True) is body
    assert listed.keeping(lambda _: False) == b'{"total": 1.10, "rows" : [] , "z":[]}'


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
        b"\xff",
        b"",
    ],
)
def test_an_answer_that_cannot_be_cut_is_no_answer(body: bytes) -> None:
    with pytest.raises(UnparseableJson):
        read_rows(body, "rows")


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
rows = st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=6) | numbers | st.none(), max_size=4), max_size=6)


@given(rows=rows, others=st.dictionaries(st.text(max_size=4), rows, max_size=3), indent=st.sampled_from([None, 0, 2]))
def test_cutting_means_what_filtering_means(rows: list[dict[str, object]], others: dict[str, object], indent: int | None) -> None:
    content = {**others, "rows": rows}
    body = json.dumps(content, indent=indent).encode()

    def keep(row: dict[str, object]) -> bool:
        return len(row) % 2 == 0

    listed = read_rows(body, "rows")

    assert json.loads(listed.keeping(keep)) == {**others, "rows": [row for row in rows if keep(row)]}
    assert list(listed.rows) == rows
