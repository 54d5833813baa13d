"""JSON as it is read back from a database."""

import json

import pytest

from domain.messages import Json
from store.columns import load_json


@pytest.mark.parametrize("value", [None, "", "\u00e9\u2028", 2**70, -0.1, 1e-7, [], {"a": [1, {"b": True}]}], ids=json.dumps)
def test_json_is_read_as_it_was_written(value: Json) -> None:
    for written in (json.dumps(value), json.dumps(value).encode()):
        read = load_json(written)
        assert read == value
        assert type(read) is type(value)


@pytest.mark.parametrize("text", ["[" * 400 + "]" * 400, '"\\ud800"'], ids=["nested", "surrogate"])
def test_what_the_fast_parser_refuses_is_read_all_the_same(text: str) -> None:
    assert load_json(text) == json.loads(text)


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        load_json("{")
