"""Which refusals of Slack concern a kind of block, and which renderings would meet one again."""

import pytest

from domain.block_refusals import BlockRefusal, first_refusal, refused_kinds
from domain.messages import Json
from tests.factories import NOW

PAYLOAD: dict[str, Json] = {"text": "x", "blocks": [{"type": "header"}, {"type": "table"}, {"type": "data_visualization"}]}


@pytest.mark.parametrize(
    ("pointers", "kinds"),
    [
        (["/blocks/1/type"], {"table"}),
        (["/blocks/1/type", "/blocks/2/type"], {"table", "data_visualization"}),
        (["/blocks/1/rows/3/0/text"], set()),
        (["/blocks/1"], set()),
        (["/blocks/0/type"], set()),
        (["/blocks/9/type"], set()),
        (["/blocks"], set()),
        ([], set()),
    ],
)
def test_only_an_unsupported_kind_is_remembered(pointers: list[str], kinds: set[str]) -> None:
    assert refused_kinds(PAYLOAD, pointers) == kinds
    assert refused_kinds({"text": "x"}, pointers) == set()


def test_a_rendering_without_the_kind_meets_no_refusal() -> None:
    refusal = BlockRefusal(workspace="T0", kind="table", refused_at=NOW, expires_at=NOW, reason="unsupported type: table")
    assert first_refusal(PAYLOAD, [refusal]) == refusal
    assert first_refusal({"text": "x", "blocks": [{"type": "header"}]}, [refusal]) is None
    assert first_refusal({"text": "x"}, [refusal]) is None
    assert first_refusal({"text": "x", "blocks": ["table"]}, [refusal]) is None
