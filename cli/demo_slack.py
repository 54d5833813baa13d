"""Draws a Slack message as its reader sees it: HTML of Block Kit and mrkdwn. What it does not know is shown as such, never dropped.

Block kinds and their fields: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup, escape

Json = Mapping[str, Any]
LinkTarget = Callable[[str], str]
"""Returns where a link of a message leads on the page that shows it."""

_TOKEN: Final = re.compile(
    r"```(?P<pre>.+?)```|`(?P<code>[^`\n]+)`|<(?P<link>[^<>\s|]+)(?:\|(?P<label>[^<>]*))?>"
    r"|(?<![\w*])\*(?P<bold>[^*\n]+)\*(?![\w*])|(?<![\w_])_(?P<italic>[^_\n]+)_(?![\w_])|(?<![\w~])~(?P<strike>[^~\n]+)~(?![\w~])",
    re.DOTALL,
)
_STYLES: Final = {"bold": "strong", "italic": "em", "strike": "s", "code": "code"}
_MAX_SHOWN_JSON: Final = 2_000


class SlackPreview:
    """Draws messages. `target` is applied to the address of every link."""

    def __init__(self, target: LinkTarget = lambda address: address) -> None:
        self._target = target
        self._blocks: Mapping[str, Callable[[Json], Markup]] = {
            "actions": self._actions,
            "context": self._context,
            "data_table": self._table,
            "data_visualization": self._chart,
            "divider": lambda _: Markup("<hr>"),
            "header": lambda block: _tag("p", self._text(block["text"]), "slack-header"),
            "image": lambda block: _tag("p", Markup("Image: {}").format(block.get("alt_text", "")), "slack-image"),
            "markdown": lambda block: _tag("p", _lines(str(block["text"])), "slack-text"),
            "rich_text": self._rich_text,
            "section": self._section,
            "table": self._table,
        }

    def message(self, message: Json) -> Markup:
        """Return the blocks of a message, or its text if it has none."""
        blocks = message.get("blocks")
        if not blocks:
            return _tag("p", self.mrkdwn(str(message.get("text", ""))), "slack-text")
        return _join(map(self.block, blocks))

    def block(self, block: Json) -> Markup:
        """Return one block."""
        draw = self._blocks.get(str(block.get("type")))
        try:
            return _unknown("block", block) if draw is None else draw(block)
        except (KeyError, TypeError, AttributeError, ValueError):  # a field that Slack would have refused
            return _unknown("block", block)

    def mrkdwn(self, text: str) -> Markup:
        """Return mrkdwn as HTML: bold, italic, struck, code, links and line breaks."""
        parts, end = [], 0
        for found in _TOKEN.finditer(text):
            parts += [_lines(_unescape(text[end : found.start()])), self._token(found)]
            end = found.end()
        return _join([*parts, _lines(_unescape(text[end:]))])

    def _token(self, found: re.Match[str]) -> Markup:
        kind = str(found.lastgroup) if found["link"] is None else "link"
        if kind == "link":
            return self._link(_unescape(found["link"]), _unescape(found["label"] or ""))
        if kind == "pre":
            return _tag("pre", _unescape(found["pre"].strip("\n")))
        return _tag(_STYLES[kind], _unescape(found[kind]) if kind == "code" else self.mrkdwn(found[kind]))

    def _link(self, address: str, label: str) -> Markup:
        if address.startswith("!date^"):
            return escape(label)
        if address[:1] in {"@", "#", "!"}:  # a mention
            return _tag("span", label or address, "slack-mention")
        if not re.match(r"(https?|mailto):", address):
            return escape(label or address)
        return Markup('<a href="{}">{}</a>').format(self._target(address), label or address)

    def _text(self, text: Json) -> Markup:
        content = str(text["text"])
        return self.mrkdwn(content) if text["type"] == "mrkdwn" else _lines(content)

    def _section(self, block: Json) -> Markup:
        parts = [_tag("p", self._text(block["text"]), "slack-text")] if "text" in block else []
        if block.get("fields"):
            parts.append(_tag("div", _join(_tag("p", self._text(field)) for field in block["fields"]), "slack-fields"))
        if "accessory" not in block:
            return _join(parts)
        return _tag("div", _tag("div", _join(parts)) + self._element(block["accessory"]), "slack-section")

    def _context(self, block: Json) -> Markup:
        shown = (
            self._text(one) if one.get("type") in {"mrkdwn", "plain_text"} else self._element(one) for one in block["elements"]
        )
        return _join(_tag("p", one, "slack-context") for one in shown)

    def _actions(self, block: Json) -> Markup:
        return _tag("div", _join(map(self._element, block["elements"])), "slack-actions")

    def _element(self, element: Json) -> Markup:
        if element.get("type") == "image":
            return _tag("span", Markup("Image: {}").format(element.get("alt_text", "")), "slack-image")
        if element.get("type") != "button":
            return _unknown("element", element)
        style = f"slack-button {element.get('style', '')}".strip()
        label = self._text(element["text"])
        if "url" not in element:
            return _tag("span", label, style)
        return Markup('<a class="{}" href="{}">{}</a>').format(style, self._target(str(element["url"])), label)

    def _rich_text(self, block: Json) -> Markup:
        return _join(map(self._rich_part, block["elements"]))

    def _rich_part(self, part: Json) -> Markup:
        match part.get("type"):
            case "rich_text_section":
                return _tag("p", self._rich_inline(part["elements"]), "slack-text")
            case "rich_text_list":
                tag = "ol" if part.get("style") == "ordered" else "ul"
                return _tag(tag, _join(_tag("li", self._rich_inline(one["elements"])) for one in part["elements"]))
            case "rich_text_preformatted":
                return _tag("pre", self._rich_inline(part["elements"]))
            case "rich_text_quote":
                return _tag("blockquote", self._rich_inline(part["elements"]))
            case _:
                return _unknown("rich text", part)

    def _rich_inline(self, elements: Sequence[Json]) -> Markup:
        return _join(map(self._rich_element, elements))

    def _rich_element(self, element: Json) -> Markup:
        match element.get("type"):
            case "text":
                shown = _lines(str(element["text"]))
            case "link":
                shown = self._link(str(element["url"]), str(element.get("text", "")))
            case "emoji":
                shown = escape(f":{element['name']}:")
            case "user" | "usergroup" | "channel" | "broadcast" as kind:
                shown = _tag("span", f"@{element.get(f'{kind}_id', element.get('range', kind))}", "slack-mention")
            case _:
                shown = _unknown("rich text", element)
        for style, tag in _STYLES.items():
            if element.get("style", {}).get(style):
                shown = _tag(tag, shown)
        return shown

    def _table(self, block: Json) -> Markup:
        settings = block.get("column_settings") or []
        right = {number for number, one in enumerate(settings) if one and one.get("align") == "right"}
        rows = [
            _tag("tr", _join(self._cell(cell, is_head=not number, is_right=column in right) for column, cell in enumerate(row)))
            for number, row in enumerate(block["rows"])
        ]
        caption = _tag("caption", block["caption"]) if block.get("caption") else Markup()
        return _tag("div", _tag("table", caption + _join(rows)), "slack-table")

    def _cell(self, cell: Json, *, is_head: bool, is_right: bool) -> Markup:
        match cell.get("type"):
            case "raw_text":
                shown = _lines(str(cell["text"]))
            case "raw_number":
                shown, is_right = escape(cell.get("text", cell["value"])), True
            case "rich_text":
                shown = self._rich_text(cell)
            case _:
                shown = _unknown("cell", cell)
        return _tag("th" if is_head else "td", shown, "n" if is_right else "")

    def _chart(self, block: Json) -> Markup:
        """Return a chart as bars of its first series with the values of all: the figures are faithful, Slack's drawing is its own."""
        chart = block["chart"]
        series = chart["series"] if "series" in chart else [{"name": "", "data": chart["segments"]}]
        axis = chart.get("axis_config") or {}
        values = [{point["label"]: point["value"] for point in one["data"]} for one in series]
        highest = max((abs(float(value)) for value in values[0].values()), default=0.0) or 1.0
        head = _join(_tag("th", text) for text in ("", "", *(str(one.get("name", "")) for one in series)))
        rows = [
            Markup('<tr><th>{}</th><td><span class="slack-bar" style="width:{:.0f}%"></span></td>{}</tr>').format(
                label, 100 * abs(float(value)) / highest, _join(_tag("td", f"{one[label]:,}", "n") for one in values)
            )
            for label, value in values[0].items()
        ]
        caption = _tag("caption", str(axis.get("y_label", "")))
        drawn = _tag("table", caption + _tag("tr", head) + _join(rows), "slack-chart")
        return _tag("div", _tag("p", str(block.get("title", "")), "slack-chart-title") + drawn, "slack-table")


def _unknown(what: str, part: Json) -> Markup:
    shown = json.dumps(part, ensure_ascii=False, indent=1)[:_MAX_SHOWN_JSON]
    return Markup(
        '<details class="slack-unknown"><summary>A {} of kind {}, which this preview cannot draw</summary><pre>{}</pre></details>'
    ).format(what, part.get("type", "none"), shown)


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _lines(text: str) -> Markup:
    return Markup("<br>").join(text.split("\n"))


def _join(parts: Any) -> Markup:  # noqa: ANN401 - any iterable of markup
    return Markup().join(parts)


def _tag(name: str, content: str, style: str = "") -> Markup:
    attribute = Markup(' class="{}"').format(style) if style else Markup()
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), attribute, content)  # noqa: S704 - names of this module
