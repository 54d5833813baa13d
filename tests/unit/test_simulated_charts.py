"""The simulated Slack refuses charts and kinds of blocks as Slack does (facts: data_visualization, `invalid_blocks`)."""

from typing import Any

import pytest

from simulator.blocks import BlockError, check_blocks


def chart(**changes: Any) -> dict[str, Any]:
    data = [{"label": week, "value": 1.5} for week in ("W1", "W2")]
    made: dict[str, Any] = {
        "type": "line",
        "series": [{"name": "Cost", "data": data}],
        "axis_config": {"categories": ["W1", "W2"]},
    }
    return {"type": "data_visualization", "title": "t", "chart": made | changes}


def series(*values: object, name: str = "Cost", labels: tuple[str, ...] = ("W1", "W2")) -> list[dict[str, Any]]:
    return [{"name": name, "data": [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)]}]


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        (chart() | {"title": "x" * 51}, "/blocks/0/title"),
        (chart(type="donut"), "/blocks/0/chart/type"),
        (chart(series=[]), "/blocks/0/chart/series"),
        (chart(series=series(1, None)), "/blocks/0/chart/series/0/data/1/value"),
        (chart(series=series(1, float("nan"))), "/blocks/0/chart/series/0/data/1/value"),
        (chart(series=series(1, 2, name="x" * 21)), "/blocks/0/chart/series/0/name"),
        (chart(series=series(1, labels=("W1",))), "/blocks/0/chart/series/0/data"),
        (chart(series=series(1, 2) * 2), "/blocks/0/chart/series"),
        (chart(axis_config={"categories": [f"W{n}" for n in range(21)]}), "/blocks/0/chart/axis_config/categories"),
        (chart(axis_config={"categories": ["W1", "W2"], "y_label": "x" * 51}), "/blocks/0/chart/axis_config/y_label"),
        (chart(type="pie", segments=[{"label": "a", "value": 0}]), "/blocks/0/chart/segments"),
    ],
)
def test_a_chart_that_slack_refuses(block: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BlockError) as refused:
        check_blocks([block])
    assert f"[json-pointer:{pointer}]" in refused.value.line


def test_charts_that_slack_accepts() -> None:
    check_blocks([chart(), chart(type="pie", segments=[{"label": "a", "value": 1}])])
    with pytest.raises(BlockError, match="no more than 2"):
        check_blocks([chart()] * 3)


def test_a_workspace_may_not_know_a_kind_of_block() -> None:
    with pytest.raises(BlockError) as refused:
        check_blocks([{"type": "divider"}, chart()], unsupported={"data_visualization"})
    assert refused.value.line == "[ERROR] unsupported type: data_visualization [json-pointer:/blocks/1/type]"
