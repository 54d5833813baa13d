import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import DictLoader, PackageLoader, UndefinedError
from jinja2.exceptions import SecurityError

from domain.block_refusals import optional_blocks_of
from domain.messages import Json, Variant
from reports import content
from reports.builders.monthly import build_monthly_report
from reports.builders.report import build_platform_report, build_team_report
from reports.builders.trend import build_trend
from reports.facts import TeamFacts
from reports.formatting import clip, one_line, sparkline
from reports.render import slack_blocks
from reports.render.charts import draw_trend
from reports.render.documents import render_markdown, render_page
from reports.render.index_page import render_index
from reports.render.renderings import slack_messages
from reports.render.slack import render_slack
from reports.render.templating import make_environment
from simulator.blocks import check_blocks
from tests.unit import report_samples as samples
from tests.unit.month_samples import month_facts

FACTS: Mapping[str, Callable[[], TeamFacts]] = {
    "rich": samples.rich_facts,
    "first week": samples.facts_of_the_first_week,
    "nothing": samples.facts_of_nothing,
    "unknown": samples.facts_of_the_unknown,
    "no workloads": samples.facts_of_no_workloads,
    "too much": samples.facts_of_too_much,
}


@pytest.fixture(scope="module", params=[*FACTS, "platform"])
def report(request: pytest.FixtureRequest) -> content.Report:
    name: str = request.param
    return build_platform_report(samples.platform_facts()) if name == "platform" else build_team_report(FACTS[name]())


@pytest.fixture(scope="module")
def too_much() -> content.Report:
    return build_team_report(samples.facts_of_too_much())


def native_of(report: content.Report) -> list[Mapping[str, Json]]:
    return [renderings[0].payload for renderings in render_slack(report)]


def blocks_of(report: content.Report) -> Iterator[dict[str, Any]]:
    for payload in native_of(report):
        blocks: Any = payload["blocks"]
        yield from blocks


def texts_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in {"mrkdwn", "plain_text", "raw_text"}:
            yield value
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)


def test_every_message_stays_within_the_limits_of_slack(report: content.Report) -> None:
    for payload in (one.payload for message in render_slack(report) for one in message if "blocks" in one.payload):
        blocks: Any = payload["blocks"]
        assert 1 <= len(blocks) <= slack_blocks.MAX_BLOCKS
        assert slack_blocks.size_of(blocks) <= slack_blocks.MAX_MESSAGE_LENGTH
        assert sum(block["type"] == "table" for block in blocks) <= 1
        assert 1 <= len(str(payload["text"])) <= slack_blocks.MAX_FALLBACK_LENGTH


def test_every_text_stays_within_the_limits_of_slack(report: content.Report) -> None:
    for block in blocks_of(report):
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= slack_blocks.MAX_HEADER_LENGTH
        if block["type"] == "table":
            assert len(block["rows"]) <= slack_blocks.MAX_TABLE_ROWS
            assert len({len(row) for row in block["rows"]}) == 1
        assert len(block.get("fields", [])) <= 10
        for text in texts_in(block):
            assert 1 <= len(text["text"]) <= slack_blocks.MAX_SECTION_LENGTH


def test_every_message_has_a_text_fallback(report: content.Report) -> None:
    for native, *basic, plain in render_slack(report):
        assert (native.variant, plain.variant) == (Variant.NATIVE, Variant.TEXT)
        assert plain.payload["text"] == native.payload["text"]
        assert "blocks" not in plain.payload
        assert [one.variant for one in basic] == ([Variant.BLOCKS] if optional_blocks_of(native.payload) else [])
        assert not any(optional_blocks_of(one.payload) for one in basic)


def test_slack_accepts_every_form_of_every_message(report: content.Report) -> None:
    for message in render_slack(report):
        for rendering in message:
            if "blocks" in rendering.payload:
                check_blocks(rendering.payload["blocks"])


def test_no_name_is_ever_interpreted_as_markup(too_much: content.Report) -> None:
    for payload in native_of(too_much):
        assert "<!here>" not in str(payload["text"])
        for text in texts_in(payload["blocks"]):
            if text["type"] == "mrkdwn":
                assert "!here" not in text["text"]
                assert "evil" not in text["text"]


def test_the_first_screen_has_the_change_and_what_to_do() -> None:
    first = json.dumps(native_of(build_team_report(samples.rich_facts()))[0], ensure_ascii=False)
    assert (
        "Payments: The known cost is €1,042.65 in the week to Mon 23 Nov, 00:00 CET, against the week before: added +€96.40, removed \N{MINUS SIGN}€64.20"
        in first
    )
    assert (
        "Raise the requests of 1 workload, and apply 4 recommendations to save €378.30 a month; another €20.00 a month is left to ScaleOps automation."
        in first
    )
    assert "1 of 4 components could not be measured." in first
    assert "Open in ScaleOps" in first


def test_omitted_thread_rows_are_counted(too_much: content.Report) -> None:
    everything = json.dumps(native_of(too_much), ensure_ascii=False)
    assert re.search(r"[\d,]+ more are not shown here", everything)
    assert len(native_of(too_much)) < 10


def test_the_sparkline_has_the_scale_of_the_chart_and_shows_gaps() -> None:
    trend = build_trend(samples.rich_facts().weeks, "EUR")
    assert sparkline(trend) == "▄▅▅▄·▅▆▆█▇█▆"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_page_has_no_external_requests_and_no_scripts(report: content.Report) -> None:
    page = Page(render_page(report))
    tags = {tag for tag, _ in page.tags}
    assert tags.isdisjoint({"script", "iframe", "object", "embed", "img", "form", "base"})
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert "src" not in attributes
        if tag == "link":
            assert attributes["href"] == "data:,"


def test_a_page_is_accessible_to_screen_readers(report: content.Report) -> None:
    page = Page(render_page(report))
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag, _ in page.tags].count("h1") == 1
    ids = {attributes.get("id") for _, attributes in page.tags}
    for tag, attributes in page.tags:
        if tag == "th":
            assert attributes["scope"] in {"row", "col"}
        if tag == "svg":
            assert attributes["role"] == "img"
            title, description = (attributes["aria-labelledby"] or "").split()
            assert {title, description} <= ids
        if (attributes.get("class") or "") == "scroll":
            assert attributes["tabindex"] == "0"
            assert attributes.get("aria-label") or attributes.get("aria-labelledby")


def test_element_ids_are_unique(report: content.Report) -> None:
    ids = [attributes["id"] for _, attributes in Page(render_page(report)).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_chart_has_no_date_and_no_script() -> None:
    trend = build_trend(samples.rich_facts().weeks, "EUR")
    picture = draw_trend(trend, currency="EUR", ident="trend")
    assert picture == draw_trend(trend, currency="EUR", ident="trend")
    assert "script" not in picture
    assert "pygal.org" not in picture
    assert "2026-W40: not measured" in picture


def test_names_are_escaped_on_a_page(too_much: content.Report) -> None:
    page = render_page(too_much)
    assert "<script" not in page
    assert "\u202e" not in page


def test_an_empty_index_says_so() -> None:
    assert "No reports yet" in render_index((), instance="demo")


def test_markdown_shows_names_unchanged(too_much: content.Report) -> None:
    text = render_markdown(too_much)
    assert "<script" not in text
    assert "<!here>" not in text
    assert re.search(r"(?<!\\)`", text) is None
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {3, 4, 5, 7, 8}


class Watching(PackageLoader):
    def __init__(self) -> None:
        super().__init__("templates", "")
        self.seen: set[str] = set()

    def get_source(self, environment: Any, template: str) -> Any:
        self.seen.add(template)
        return super().get_source(environment, template)


def test_every_template_renders_without_undefined_names() -> None:
    html, markdown = Watching(), Watching()
    page_env, text_env = make_environment("html", html), make_environment("markdown", markdown)
    weekly = (build_team_report(samples.rich_facts()), build_platform_report(samples.platform_facts()))
    for report in (*weekly, build_monthly_report(month_facts())):
        for text in (render_page(report, page_env), render_markdown(report, text_env)):
            assert "could not be" not in text.replace("could not be measured", "")
    page_env.get_template("index.html")
    all_of_them = {name for name in html.list_templates() if not name.endswith((".py", ".pyc"))}
    # The tests of the gateway and of the demo render the others.
    others = {name for name in all_of_them if name.startswith(("pages/", "demo/"))}
    stored = {"sections/budgets.html", "markdown/budgets.md"}  # tests/unit/test_stored_reports.py
    assert html.seen | markdown.seen == all_of_them - others - stored
    for name in others:
        page_env.get_template(name)


@pytest.mark.parametrize(
    "kind", ["why", "components", "actions", "follow-up", "alerts", "trend", "network", "automation", "gaps"]
)
def test_a_broken_template_fails_one_section_only(kind: str) -> None:
    whole = PackageLoader("templates", "")
    env = make_environment("html", whole)
    sources = {name: whole.get_source(env, name)[0] for name in env.list_templates() if name.endswith((".html", ".css"))}
    sources[f"sections/{kind}.html"] = "{{ body.nobody_wrote_this }}"
    page = render_page(build_team_report(samples.rich_facts()), make_environment("html", DictLoader(sources)))
    assert page.count("This section could not be rendered") == 1
    assert "The known cost is" in page


@pytest.mark.parametrize(
    ("make", "kind", "broken", "name"),
    [
        (lambda: build_team_report(samples.rich_facts()), "why", {"amount": None}, ""),
        (lambda: build_team_report(samples.rich_facts()), "components", {"total": None}, ""),
        (lambda: build_team_report(samples.rich_facts()), "trend", {"weeks": None}, "Cost over the weeks: "),
        (lambda: build_monthly_report(month_facts()), "unallocated", {"cost": None}, "Unallocated cost: "),
    ],
)
def test_a_broken_section_loses_no_message(
    make: Callable[[], content.AnyReport], kind: str, broken: Mapping[str, Any], name: str
) -> None:
    report = make()
    sections = tuple(
        one.model_copy(update={"body": one.body.model_copy(update=broken)}) if one.body and one.body.kind == kind else one
        for one in report.sections
    )
    texts = [str(forms[-1].payload["text"]) for forms in slack_messages(report.model_copy(update={"sections": sections}))]
    assert f"{name}This section could not be rendered" in "\n".join(texts)
    others = [one.title for one in sections if one.body is not None and one.body.kind not in (kind, "trend", "actions")]
    assert [title for title in others if title not in "\n".join(texts)] == []


def test_a_page_spells_a_currency_as_it_is_spelled() -> None:
    team, platform = samples.rich_facts(), samples.platform_facts()
    for made in (
        build_team_report(replace(team, meta=replace(team.meta, currency="CHF"))),
        build_platform_report(replace(platform, meta=replace(platform.meta, currency="CHF"))),
    ):
        page = render_page(made)
        assert "CHF" in page
        assert "chf" not in page


def test_templates_are_strict_sandboxed_and_escaping() -> None:
    env = make_environment("html", DictLoader({}))
    assert env.from_string("{{ name }}").render(name="<b>&\n") == "&lt;b&gt;&amp; "
    with pytest.raises(UndefinedError):
        env.from_string("{{ nobody }}").render()
    with pytest.raises(SecurityError):
        env.from_string("{{ name.__class__.__mro__ }}").render(name="x")


def test_a_long_name_is_clipped_with_an_ellipsis() -> None:
    assert clip("a" * 100, 10) == "aaaaaaaaa…"
    assert clip("short", 10) == "short"


def test_line_breaks_and_direction_marks_become_spaces() -> None:
    assert one_line("a\nb\u202ec\x00d") == "a b c d"
