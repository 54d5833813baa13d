import json
import re
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import DictLoader, PackageLoader, UndefinedError
from jinja2.exceptions import SecurityError

from domain.messages import Json, Variant
from reports import content
from reports.build.report import compose_platform, compose_team
from reports.facts import TeamFacts
from reports.formatting import clip, one_line, sparkline
from reports.render.charts import draw_trend
from reports.render.html_page import write_page
from reports.render.index_page import write_index
from reports.render.markdown import write_markdown
from reports.render.slack import write_slack
from reports.render.slack_blocks import MOST_BLOCKS, MOST_CHARACTERS, MOST_FALLBACK, MOST_HEADER, MOST_ROWS, MOST_SECTION, size_of
from reports.render.templating import make_environment
from tests.unit import report_cast as cast

FACTS: Mapping[str, Callable[[], TeamFacts]] = {
    "rich": cast.rich_facts,
    "first week": cast.facts_of_the_first_week,
    "nothing": cast.facts_of_nothing,
    "unknown": cast.facts_of_the_unknown,
    "no workloads": cast.facts_of_no_workloads,
    "too much": cast.facts_of_too_much,
}


@pytest.fixture(scope="module", params=[*FACTS, "platform"])
def report(request: pytest.FixtureRequest) -> content.Report:
    name: str = request.param
    return compose_platform(cast.platform_facts()) if name == "platform" else compose_team(FACTS[name]())


@pytest.fixture(scope="module")
def too_much() -> content.Report:
    return compose_team(cast.facts_of_too_much())


def native_of(report: content.Report) -> list[Mapping[str, Json]]:
    return [renderings[0].payload for renderings in write_slack(report)]


def blocks_of(report: content.Report) -> Iterator[dict[str, Any]]:
    for payload in native_of(report):
        blocks: Any = payload["blocks"]
        yield from blocks


def texts_in(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any part of a payload
    """Find every text object of a payload."""
    if isinstance(value, dict):
        if value.get("type") in {"mrkdwn", "plain_text", "raw_text"}:
            yield value
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)


# Slack ------------------------------------------------------------------------------------------------------------------


def test_every_message_stays_within_the_limits_of_slack(report: content.Report) -> None:
    for payload in native_of(report):
        blocks: Any = payload["blocks"]
        assert 1 <= len(blocks) <= MOST_BLOCKS
        assert size_of(blocks) <= MOST_CHARACTERS
        assert sum(block["type"] == "table" for block in blocks) <= 1
        assert 1 <= len(str(payload["text"])) <= MOST_FALLBACK


def test_every_text_stays_within_the_limits_of_slack(report: content.Report) -> None:
    for block in blocks_of(report):
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= MOST_HEADER
        if block["type"] == "table":
            assert len(block["rows"]) <= MOST_ROWS
            assert len({len(row) for row in block["rows"]}) == 1
        assert len(block.get("fields", [])) <= 10
        for text in texts_in(block):
            assert 1 <= len(text["text"]) <= MOST_SECTION


def test_every_message_has_a_plain_text_to_fall_back_to(report: content.Report) -> None:
    for native, plain in write_slack(report):
        assert (native.variant, plain.variant) == (Variant.NATIVE, Variant.TEXT)
        assert plain.payload["text"] == native.payload["text"]
        assert "blocks" not in plain.payload


def test_no_name_is_ever_interpreted_as_markup(too_much: content.Report) -> None:
    for payload in native_of(too_much):
        assert "<!here>" not in str(payload["text"])
        for text in texts_in(payload["blocks"]):
            if text["type"] == "mrkdwn":
                assert "!here" not in text["text"]
                assert "evil" not in text["text"]


def test_the_first_screen_says_what_changed_and_what_to_do() -> None:
    first = json.dumps(native_of(compose_team(cast.rich_facts()))[0], ensure_ascii=False)
    assert "Cost fell 3.3% (€32.40) like for like, to €1,042.65 for 7 days." in first
    assert "Give 1 workload more room, and take up 4 recommendations to save €378.30 a month." in first
    assert "1 of 4 components could not be measured." in first
    assert "Open in ScaleOps" in first


def test_too_much_for_the_thread_is_counted_and_not_dropped_in_silence(too_much: content.Report) -> None:
    everything = json.dumps(native_of(too_much), ensure_ascii=False)
    assert re.search(r"[\d,]+ more are not shown here", everything)
    assert len(native_of(too_much)) < 10


def test_the_sparkline_starts_at_zero_and_shows_gaps() -> None:
    trend = compose_team(cast.rich_facts()).sections[0].body
    assert isinstance(trend, content.Trend)
    assert sparkline(trend) == "▆▆▆▆·▆▇▇███▇"


# The page ---------------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_page_loads_nothing_and_runs_nothing(report: content.Report) -> None:
    page = Page(write_page(report))
    tags = {tag for tag, _ in page.tags}
    assert tags.isdisjoint({"script", "iframe", "object", "embed", "img", "form", "base"})
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert "src" not in attributes
        if tag == "link":
            assert attributes["href"] == "data:,"


def test_a_page_can_be_read_aloud(report: content.Report) -> None:
    page = Page(write_page(report))
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag, _ in page.tags].count("h1") == 1
    for tag, attributes in page.tags:
        if tag == "th":
            assert attributes["scope"] in {"row", "col"}
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-labelledby"] == "trend-title trend-desc"
        if (attributes.get("class") or "") == "scroll":
            assert attributes["tabindex"] == "0"
            assert attributes.get("aria-label") or attributes.get("aria-labelledby")


def test_ids_of_a_page_are_its_own(report: content.Report) -> None:
    ids = [attributes["id"] for _, attributes in Page(write_page(report)).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_picture_knows_no_clock_and_no_script() -> None:
    trend = compose_team(cast.rich_facts()).sections[0].body
    assert isinstance(trend, content.Trend)
    picture = draw_trend(trend, currency="EUR", ident="trend")
    assert picture == draw_trend(trend, currency="EUR", ident="trend")
    assert "script" not in picture
    assert "pygal.org" not in picture
    assert "2026-W40: not measured" in picture


def test_a_name_cannot_break_out_of_the_page(too_much: content.Report) -> None:
    page = write_page(too_much)
    assert "<script" not in page
    assert "\u202e" not in page


def test_the_index_of_nothing_says_so() -> None:
    assert "No report has been made yet" in write_index((), instance="demo")


# Markdown ---------------------------------------------------------------------------------------------------------------


def test_markdown_shows_names_as_they_are(too_much: content.Report) -> None:
    text = write_markdown(too_much)
    assert "<script" not in text
    assert "<!here>" not in text
    assert re.search(r"(?<!\\)`", text) is None
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {3, 5, 8}


# Templates --------------------------------------------------------------------------------------------------------------


class Watching(PackageLoader):
    """Remembers which templates were asked for."""

    def __init__(self) -> None:
        super().__init__("templates", "")
        self.seen: set[str] = set()

    def get_source(self, environment: Any, template: str) -> Any:  # noqa: ANN401 - the types of Jinja's loaders
        self.seen.add(template)
        return super().get_source(environment, template)


def test_every_template_is_rendered_and_none_has_a_gap() -> None:
    html, markdown = Watching(), Watching()
    page_env, text_env = make_environment("html", html), make_environment("markdown", markdown)
    for report in (compose_team(cast.rich_facts()), compose_platform(cast.platform_facts())):
        for text in (write_page(report, page_env), write_markdown(report, text_env)):
            assert "could not be" not in text.replace("could not be measured", "")
    page_env.get_template("index.html")
    all_of_them = {name for name in html.list_templates() if not name.endswith((".py", ".pyc"))}
    gateways = {name for name in all_of_them if name.startswith("pages/")}  # rendered by the gateway's own tests
    assert html.seen | markdown.seen == all_of_them - gateways
    for name in gateways:
        page_env.get_template(name)


@pytest.mark.parametrize("kind", ["trend", "movers", "actions", "follow-up", "network", "automation", "gaps"])
def test_a_broken_template_costs_one_section_and_not_the_report(kind: str) -> None:
    whole = PackageLoader("templates", "")
    env = make_environment("html", whole)
    sources = {name: whole.get_source(env, name)[0] for name in env.list_templates() if name.endswith((".html", ".css"))}
    sources[f"sections/{kind}.html"] = "{{ body.nobody_wrote_this }}"
    page = write_page(compose_team(cast.rich_facts()), make_environment("html", DictLoader(sources)))
    assert page.count("This section could not be drawn") == 1
    assert "Cost fell 3.3%" in page


def test_templates_are_strict_sandboxed_and_escaping() -> None:
    env = make_environment("html", DictLoader({}))
    assert env.from_string("{{ name }}").render(name="<b>&\n") == "&lt;b&gt;&amp; "
    with pytest.raises(UndefinedError):
        env.from_string("{{ nobody }}").render()
    with pytest.raises(SecurityError):
        env.from_string("{{ name.__class__.__mro__ }}").render(name="x")


# Words ------------------------------------------------------------------------------------------------------------------


def test_a_long_name_is_shortened_with_a_sign() -> None:
    assert clip("a" * 100, 10) == "aaaaaaaaa…"
    assert clip("short", 10) == "short"


def test_line_breaks_and_direction_marks_become_blanks() -> None:
    assert one_line("a\nb\u202ec\x00d") == "a b c d"
