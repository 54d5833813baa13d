"""The report pages as people see them: no errors, nothing cut off, light and dark, printable, by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from reports.builders.report import build_platform_report, build_team_report
from reports.render.documents import render_page
from reports.render.index_page import page_path, render_index
from tests.unit import report_samples as samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PAGES: dict[str, Callable[[], str]] = {
    "rich": lambda: render_page(build_team_report(samples.rich_facts())),
    "first week": lambda: render_page(build_team_report(samples.facts_of_the_first_week())),
    "nothing": lambda: render_page(build_team_report(samples.facts_of_nothing())),
    "unknown": lambda: render_page(build_team_report(samples.facts_of_the_unknown())),
    "no workloads": lambda: render_page(build_team_report(samples.facts_of_no_workloads())),
    "too much": lambda: render_page(build_team_report(samples.facts_of_too_much(120))),
    "platform": lambda: render_page(build_platform_report(samples.platform_facts())),
    "index": lambda: render_index(samples.many_reports(), instance="demo"),
    "empty index": lambda: render_index((), instance="demo"),
}
WIDTHS = (380, 1280)
ALL_WIDTHS = (1280, 820, 768, 700, 600, 380)
A4 = 718
"""Pixels of text on a page of A4 with Chromium's margins."""

# Rows of figures that leave a part of their frame empty.
HOLES = """() => [...document.querySelectorAll('.figures')].filter(frame => {
  const tiles = [...frame.children].map(tile => tile.getBoundingClientRect());
  const right = frame.getBoundingClientRect().right - 2;
  const lasts = new Map(tiles.map(tile => [Math.round(tile.top), tile.right]));
  return [...lasts.values()].some(last => last < right - 1);
}).map(frame => frame.innerText)"""

# Lists with bullets that hang outside the text they belong to.
BULLETS_OUTSIDE = """() => [...document.querySelectorAll('ul, ol')].filter(list =>
  list.checkVisibility() && getComputedStyle(list).listStyleType !== 'none' && parseFloat(getComputedStyle(list).paddingLeft) < 14
).map(list => list.innerText.slice(0, 80))"""

# What a printed page would lose: content of closed details, and columns beyond the edge.
LOST_IN_PRINT = """() => [
  ...[...document.querySelectorAll('details')].filter(one => [...one.children].slice(1).every(part => !part.getBoundingClientRect().height)),
  ...[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1),
].map(one => one.innerText.slice(0, 80))"""

# The smallest contrast of any visible text against the nearest painted background behind it (WCAG 2, relative luminance).
SMALLEST_CONTRAST = """() => {
  const channel = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  let worst = [21, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.textContent.trim() || element.closest("svg, style") || !element.checkVisibility()) continue;
    let behind = element, paper = [255, 255, 255];
    while (behind) {
      const found = parse(getComputedStyle(behind).backgroundColor);
      if (found.length === 3 || found[3] === 1) { paper = found; break; }
      behind = behind.parentElement;
    }
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(paper)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < worst[0]) worst = [contrast, node.textContent.trim()];
  }
  return worst;
}"""


class Visit:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(f"could not load {request.url}"))


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    opened: list[Page] = []

    def open_page(name: str, *, width: int = 1280, scheme: Literal["light", "dark"] = "light") -> Visit:
        file = tmp_path / "page.html"
        file.write_text(PAGES[name](), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened.append(page)
        visited = Visit(page)
        page.goto(file.as_uri())
        return visited

    yield open_page
    for page in opened:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_at_every_width_with_enough_contrast(
    visit: Callable[..., Visit], name: str, scheme: Literal["light", "dark"]
) -> None:
    visited = visit(name, scheme=scheme)
    page = visited.page
    assert visited.complaints == []
    contrast, text = page.evaluate(SMALLEST_CONTRAST)
    assert contrast >= 4.5, text
    for width in ALL_WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(HOLES) == [], width
    assert page.evaluate(BULLETS_OUTSIDE) == []
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= min(ALL_WIDTHS)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_screen_shows_the_change_and_what_to_do(visit: Callable[..., Visit], width: int) -> None:
    page = visit("rich", width=width).page
    for text in (
        "1 of 4 components could not be measured.",
        "The known cost is €1,042.65 in the week to Mon 23 Nov, 00:00 CET, against the week before: added +€96.40, removed \N{MINUS SIGN}€64.20, not comparable \N{MINUS SIGN}€124.50, like for like \N{MINUS SIGN}€32.40 (\N{MINUS SIGN}3.3%), too little was measured to say whether that is usual.",
        "Raise the requests of checkout: OOM-killed 3x in the last 24 h.",
    ):
        box = page.get_by_text(text).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900


def test_the_key_facts_are_visible(visit: Callable[..., Visit]) -> None:
    page = visit("rich").page
    shown = page.inner_text("main")
    for fact in (
        "€1,042.65", "\N{MINUS SIGN}€32.40", "€398.30", "€103.70", "Raise the requests of checkout", "256Mi → 512Mi", "€214.80",
        "Done: saves €118.40 a month", "3 of 7 workloads automated", "ScaleOps answered 503 three times",
    ):  # fmt: skip
        assert fact in shown, fact


def test_light_and_dark_backgrounds_differ(visit: Callable[..., Visit]) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    assert visit("rich", scheme="light").page.evaluate(paper) != visit("rich", scheme="dark").page.evaluate(paper)


def test_the_chart_is_drawn_and_labelled(visit: Callable[..., Visit]) -> None:
    page = visit("rich").page
    picture = page.get_by_role(
        "img", name="Cost for 7 days, 12 weeks, from €870.50 to €1,042.65 (from 6 of 9 workloads), 1 not measured"
    )
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] > 600
    assert page.locator("svg .bar").count() == 11


def test_the_keyboard_reaches_links_and_wide_tables(visit: Callable[..., Visit]) -> None:
    page = visit("rich").page
    reached: list[str] = []
    page.keyboard.press("Tab")
    while (found := page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className")) != "BODY.":
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", found
        reached.append(found)
        assert len(reached) < 100
        page.keyboard.press("Tab")
    assert {"DIV.scroll", "A."} <= set(reached)


@pytest.mark.parametrize("name", ["rich", "index", "platform"])
def test_a_page_prints_whole_and_on_white(visit: Callable[..., Visit], name: str) -> None:
    page = visit(name, width=A4, scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate(HOLES) == []
    assert page.evaluate(LOST_IN_PRINT) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(SMALLEST_CONTRAST)[0] >= 4.5


def test_the_index_links_to_every_report(browser: Browser, tmp_path: Path) -> None:
    reports = samples.many_reports()
    for report in reports:
        file = tmp_path / page_path(report)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render_page(report), encoding="utf-8")
    index = tmp_path / "index.html"
    index.write_text(render_index(reports, instance="demo"), encoding="utf-8")
    page = browser.new_page()
    page.goto(index.as_uri())
    addresses = page.eval_on_selector_all("a", "links => [...new Set(links.map(link => link.href))]")
    assert len(addresses) == len(reports)
    for address in addresses:
        page.goto(address)
        assert page.locator("h1").count() == 1
    page.close()
