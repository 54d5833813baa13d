"""The preview of Slack messages draws every kind of block, escapes what it shows, and never drops what it does not know."""

import pytest

from cli.demo_slack import SlackPreview
from simulator.blocks import _CHECKS

TEXT = {"type": "plain_text", "text": "A & <b>"}
RICH: dict[str, object] = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "rich", "style": {"bold": True}}]}],
}
BLOCKS: dict[str, dict[str, object]] = {
    "actions": {"elements": [{"type": "button", "text": TEXT, "url": "https://example.com/?a=1&b=2"}]},
    "context": {"elements": [TEXT]},
    "data_table": {"caption": "Costs", "rows": [[{"type": "raw_text", "text": "team"}], [{"type": "raw_number", "value": 7.5}]]},
    "data_visualization": {
        "title": "Trend",
        "chart": {
            "type": "bar",
            "series": [{"name": "cost", "data": [{"label": "W45", "value": 100}]}],
            "axis_config": {"categories": ["W45"]},
        },
    },
    "divider": {},
    "header": {"text": TEXT},
    "image": {"image_url": "https://example.com/x.png", "alt_text": "a chart"},
    "markdown": {"text": "# title"},
    "rich_text": RICH,
    "section": {"text": TEXT, "fields": [TEXT], "accessory": {"type": "button", "text": TEXT, "url": "https://example.com"}},
    "table": {"rows": [[{"type": "raw_text", "text": "team"}, RICH]], "column_settings": [{"align": "right"}]},
}


@pytest.mark.parametrize("kind", sorted(_CHECKS))
def test_every_block_that_the_simulated_slack_accepts_is_drawn(kind: str) -> None:
    drawn = str(SlackPreview().block({"type": kind, **BLOCKS[kind]}))
    assert drawn
    assert "cannot draw" not in drawn
    assert "<b>" not in drawn


@pytest.mark.parametrize("block", [{"type": "carousel", "title": "<i>"}, {"type": "section", "text": None}, {}])
def test_what_is_not_known_is_shown_as_such(block: dict[str, object]) -> None:
    drawn = str(SlackPreview().block(block))
    assert str(block.get("type", "none")) in drawn
    assert "cannot draw" in drawn
    assert "<i>" not in drawn


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* and _italic_", "<strong>bold</strong> and <em>italic</em>"),
        ("a*b*c snake_case_name", "a*b*c snake_case_name"),
        ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
        ("<https://a.example/x|the page>", '<a href="https://a.example/x">the page</a>'),
        ("<javascript:alert(1)|press>", "press"),
        ("<@U1> `a*b*`", '<span class="slack-mention">@U1</span> <code>a*b*</code>'),
        ("one\ntwo", "one<br>two"),
    ],
)
def test_mrkdwn(text: str, html: str) -> None:
    assert str(SlackPreview().mrkdwn(text)) == html


def test_links_lead_where_the_page_wants_them() -> None:
    preview = SlackPreview(lambda address: address.replace("http://127.0.0.1:8000/", ""))
    button = {"type": "button", "text": TEXT, "url": "http://127.0.0.1:8000/status"}
    assert 'href="status"' in preview.block({"type": "actions", "elements": [button]})


def test_a_message_without_blocks_is_its_text() -> None:
    assert "plain <strong>text</strong>" in SlackPreview().message({"text": "plain *text*"})
