"""Validation of the blocks of one message, by Slack's documented and observed limits.

Sources: https://docs.slack.dev/reference/block-kit/blocks and, for the limit of a whole message, slackapi/bolt-js issue 2509.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NoReturn

MAX_BLOCKS: Final = 50
MAX_BLOCK_TEXT: Final = 13_000
"""For all texts of all blocks; undocumented, rejections were seen from 13,172 on."""
MAX_TABLE_ROWS: Final = 100
MAX_TABLE_CELLS: Final = 20
MAX_CHART_TITLE: Final = 50
"""Of a chart's title and of its axes."""
MAX_CHART_LABEL: Final = 20
"""Of a series, a category and a segment."""
MAX_CATEGORIES: Final = 20
MAX_SERIES: Final = 12


class BlockError(Exception):
    """Slack's error code, and its line in `response_metadata.messages`."""

    def __init__(self, code: str, line: str) -> None:
        super().__init__(line)
        self.code = code
        self.line = f"[ERROR] {line}"


def check_blocks(blocks: object, *, unsupported: Collection[str] = ()) -> None:
    """Raise BlockError for the first thing that Slack rejects. `unsupported`: kinds that the workspace does not know."""
    if not isinstance(blocks, list):
        _reject("must be an array [json-pointer:/blocks]")
    _limit(len(blocks), "no more than 50 items allowed [json-pointer:/blocks]", most=MAX_BLOCKS)
    for number, block in enumerate(blocks):
        at = f"/blocks/{number}"
        kind = str(block.get("type")) if isinstance(block, dict) else "none"
        if kind not in _CHECKS or kind in unsupported:
            _reject(f"unsupported type: {kind} [json-pointer:{at}/type]")
        if len(str(block.get("block_id", ""))) > 255:  # noqa: PLR2004 - Slack's documented limit
            _reject(f"must be at most 255 characters [json-pointer:{at}/block_id]")
        _CHECKS[kind](block, at)
    kinds = [block["type"] for block in blocks]
    if sum(kind in {"table", "data_table"} for kind in kinds) > 1:
        raise BlockError(code="only_one_table_allowed", line="only one table per message")
    _limit(kinds.count("data_visualization"), "no more than 2 data visualizations [json-pointer:/blocks]", most=2)
    names = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(names)) < len(names):
        _reject("block_id is not unique [json-pointer:/blocks]")
    if sum(map(_text_length, blocks)) > MAX_BLOCK_TEXT:
        raise BlockError(code="msg_blocks_too_long", line="the text of all blocks is too long")


def _reject(line: str) -> NoReturn:
    raise BlockError(code="invalid_blocks", line=line)


def _limit(count: int, line: str, *, most: int, least: int = 0) -> None:
    if not least <= count <= most:
        _reject(line)


def _text_length(part: object) -> int:
    if isinstance(part, dict):
        return sum(
            len(value) if name == "text" and isinstance(value, str) else _text_length(value) for name, value in part.items()
        )
    return sum(map(_text_length, part)) if isinstance(part, list) else 0


def _check_text(text: object, at: str, *, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> None:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        _reject(f"must be a text object of {' or '.join(kinds)} [json-pointer:{at}]")
    content = text.get("text")
    if not isinstance(content, str) or not content.strip():
        _reject(f"must be more than 0 characters [json-pointer:{at}/text]")
    _limit(len(content), f"must be less than {most + 1} characters [json-pointer:{at}/text]", most=most)


def _header(block: Mapping[str, Any], at: str) -> None:
    _check_text(block.get("text"), f"{at}/text", most=150, kinds=("plain_text",))


def _section(block: Mapping[str, Any], at: str) -> None:
    fields = block.get("fields")
    if "text" not in block and not fields:
        _reject(f"missing text or fields [json-pointer:{at}]")
    if "text" in block:
        _check_text(block["text"], f"{at}/text", most=3000)
    if fields is not None:
        _limit(len(fields), f"no more than 10 items allowed [json-pointer:{at}/fields]", least=1, most=10)
        for number, field in enumerate(fields):
            _check_text(field, f"{at}/fields/{number}", most=2000)


def _divider(block: Mapping[str, Any], at: str) -> None:
    if set(block) - {"type", "block_id"}:
        _reject(f"additional property [json-pointer:{at}]")


def _context(block: Mapping[str, Any], at: str) -> None:
    elements = block.get("elements") or []
    _limit(len(elements), f"1 to 10 items allowed [json-pointer:{at}/elements]", least=1, most=10)
    for number, element in enumerate(elements):
        if element.get("type") == "image":
            _image(element, f"{at}/elements/{number}")
        else:
            _check_text(element, f"{at}/elements/{number}", most=3000)


def _actions(block: Mapping[str, Any], at: str) -> None:
    elements = block.get("elements") or []
    _limit(len(elements), f"1 to 25 items allowed [json-pointer:{at}/elements]", least=1, most=25)
    for number, element in enumerate(elements):
        here = f"{at}/elements/{number}"
        if element.get("type") == "button":
            _check_text(element.get("text"), f"{here}/text", most=75, kinds=("plain_text",))
        for name, most in (("action_id", 255), ("value", 2000), ("url", 3000)):
            _limit(len(str(element.get(name, ""))), f"must be at most {most} characters [json-pointer:{here}/{name}]", most=most)


def _image(block: Mapping[str, Any], at: str) -> None:
    if "slack_file" not in block:
        _limit(len(str(block.get("image_url", ""))), f"invalid url [json-pointer:{at}/image_url]", least=1, most=3000)
    _limit(len(str(block.get("alt_text", ""))), f"1 to 2000 characters [json-pointer:{at}/alt_text]", least=1, most=2000)
    if "title" in block:
        _check_text(block["title"], f"{at}/title", most=2000, kinds=("plain_text",))


def _table(block: Mapping[str, Any], at: str) -> None:
    rows = block.get("rows") or []
    _limit(len(rows), f"1 to 100 rows allowed [json-pointer:{at}/rows]", least=1, most=MAX_TABLE_ROWS)
    _limit(len(block.get("column_settings") or []), f"at most 20 items [json-pointer:{at}/column_settings]", most=MAX_TABLE_CELLS)
    for row_number, row in enumerate(rows):
        here = f"{at}/rows/{row_number}"
        _limit(len(row), f"1 to 20 cells allowed [json-pointer:{here}]", least=1, most=MAX_TABLE_CELLS)
        for cell_number, cell in enumerate(row):
            _cell(cell, f"{here}/{cell_number}")


def _cell(cell: Mapping[str, Any], at: str) -> None:
    match cell.get("type"):
        case "raw_text":
            if not str(cell.get("text") or ""):
                _reject(f"must be more than 0 characters [json-pointer:{at}/text]")
        case "raw_number":
            if not isinstance(cell.get("value"), int | float):
                _reject(f"must be a number [json-pointer:{at}/value]")
        case "rich_text":
            _rich_text(cell, at)
        case other:
            _reject(f"unsupported type: {other} [json-pointer:{at}/type]")


def _rich_text(block: Mapping[str, Any], at: str) -> None:
    if not block.get("elements") or not _text_length(block):
        _reject(f"missing elements [json-pointer:{at}/elements]")
    for number, part in enumerate(block["elements"]):
        here = f"{at}/elements/{number}"
        match part.get("type"):
            case "rich_text_section" | "rich_text_preformatted" | "rich_text_quote":
                _rich_inline(part, here)
            case "rich_text_list":
                if part.get("style") not in {"bullet", "ordered"}:
                    _reject(f"must be one of: bullet, ordered [json-pointer:{here}/style]")
                _limit(len(part.get("elements") or []), f"missing elements [json-pointer:{here}/elements]", least=1, most=1_000)
                for line, section in enumerate(part["elements"]):
                    _rich_inline(section, f"{here}/elements/{line}")
            case other:
                _reject(f"unsupported type: {other} [json-pointer:{here}/type]")


def _rich_inline(part: Mapping[str, Any], at: str) -> None:
    for number, element in enumerate(part.get("elements") or []):
        here = f"{at}/elements/{number}"
        match element.get("type"):
            case "text":
                _limit(
                    len(str(element.get("text", ""))),
                    f"must be more than 0 characters [json-pointer:{here}/text]",
                    least=1,
                    most=13_000,
                )
            case "link":
                if not str(element.get("url", "")).startswith(("https://", "http://", "mailto:")):
                    _reject(f"invalid url [json-pointer:{here}/url]")
                _limit(len(str(element["url"])), f"must be at most 3000 characters [json-pointer:{here}/url]", most=3000)
            case "emoji" | "channel" | "user" | "usergroup" | "broadcast" | "date":
                pass
            case other:
                _reject(f"unsupported type: {other} [json-pointer:{here}/type]")


def _markdown(block: Mapping[str, Any], at: str) -> None:
    _limit(len(str(block.get("text", ""))), f"1 to 12000 characters [json-pointer:{at}/text]", least=1, most=12_000)


def _data_table(block: Mapping[str, Any], at: str) -> None:
    if not block.get("caption"):
        _reject(f"missing caption [json-pointer:{at}/caption]")
    rows = block.get("rows") or []
    _limit(len(rows), f"2 to 101 rows allowed [json-pointer:{at}/rows]", least=2, most=MAX_TABLE_ROWS + 1)
    for row_number, row in enumerate(rows):
        _limit(len(row), f"1 to 20 cells allowed [json-pointer:{at}/rows/{row_number}]", least=1, most=MAX_TABLE_CELLS)
        for cell_number, cell in enumerate(row):
            _cell(cell, f"{at}/rows/{row_number}/{cell_number}")


def _data_visualization(block: Mapping[str, Any], at: str) -> None:
    _limit(len(str(block.get("title", ""))), f"1 to 50 characters [json-pointer:{at}/title]", least=1, most=MAX_CHART_TITLE)
    chart, here = block.get("chart"), f"{at}/chart"
    if not isinstance(chart, dict) or chart.get("type") not in {"area", "bar", "line", "pie"}:
        _reject(f"unsupported chart [json-pointer:{here}/type]")
    if chart["type"] == "pie":
        segments = chart.get("segments") or []
        _limit(len(segments), f"1 to 12 items allowed [json-pointer:{here}/segments]", least=1, most=MAX_SERIES)
        _chart_points(segments, f"{here}/segments")
        if any(one["value"] <= 0 for one in segments):
            _reject(f"must be positive [json-pointer:{here}/segments]")
        return
    axis = chart.get("axis_config") or {}
    for name in ("x_label", "y_label"):
        _limit(
            len(str(axis.get(name, ""))), f"at most 50 characters [json-pointer:{here}/axis_config/{name}]", most=MAX_CHART_TITLE
        )
    categories = axis.get("categories") or []
    _limit(len(categories), f"1 to 20 items allowed [json-pointer:{here}/axis_config/categories]", least=1, most=MAX_CATEGORIES)
    _check_series(chart.get("series") or [], categories, f"{here}/series")


def _check_series(series: Sequence[Mapping[str, Any]], categories: Sequence[str], at: str) -> None:
    _limit(len(series), f"1 to 12 items allowed [json-pointer:{at}]", least=1, most=MAX_SERIES)
    names = [str(one.get("name", "")) for one in series]
    if len(set(names)) < len(names):
        _reject(f"names are not unique [json-pointer:{at}]")
    for number, one in enumerate(series):
        here = f"{at}/{number}"
        _limit(len(names[number]), f"1 to 20 characters [json-pointer:{here}/name]", least=1, most=MAX_CHART_LABEL)
        points = one.get("data") or []
        _chart_points(points, f"{here}/data")
        if sorted(point["label"] for point in points) != sorted(categories):
            _reject(f"labels must be the categories [json-pointer:{here}/data]")


def _chart_points(points: Sequence[Mapping[str, Any]], at: str) -> None:
    for number, point in enumerate(points):
        label, value = point.get("label"), point.get("value")
        if not isinstance(label, str) or not 1 <= len(label) <= MAX_CHART_LABEL:
            _reject(f"1 to 20 characters [json-pointer:{at}/{number}/label]")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            _reject(f"must be a number [json-pointer:{at}/{number}/value]")


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any], str], None]]] = {
    "actions": _actions,
    "context": _context,
    "data_table": _data_table,
    "data_visualization": _data_visualization,
    "divider": _divider,
    "header": _header,
    "image": _image,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "section": _section,
    "table": _table,
}
