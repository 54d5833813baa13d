"""The page of a component in a real browser: its form works, nothing is cut off, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

from simulator.serving import Simulator
from tests.integration.history_sample import NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from wiring.secrets import page_links

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SECRET = "a-secret-key-of-this-installation"
PAGE = "/components/component/default/checkout"
WIDTHS = (380, 1280)


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator, worker_secret_key=SECRET)


@pytest.fixture
def visit(browser: Browser, gateway: ServedGateway) -> Iterator[Callable[..., Page]]:
    opened: list[Page] = []
    links = page_links(gateway.settings)
    assert links is not None
    signed = urlsplit(links.sign_component(f"{gateway.url}{PAGE}", NOW + timedelta(days=1), origin="Slack #payments")).query

    def open_page(*, width: int = 1280, scheme: Literal["light", "dark"] = "light") -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=False)
        opened.append(page)
        page.goto(f"{gateway.url}{PAGE}?{signed}")
        return page

    yield open_page
    for page in opened:
        page.close()


@pytest.mark.parametrize("button", ["Acknowledge", "Snooze", "Dismiss"])
def test_the_form_answers_the_alert(visit: Callable[..., Page], button: str) -> None:
    page = visit()
    page.get_by_label("Your name").fill("ann")
    page.get_by_label("Reason").fill("a load test")
    page.get_by_role("button", name=button).click()
    page.wait_for_load_state()
    assert "#alerts" in page.url
    assert "by ann (link in Slack #payments)" in page.inner_text("article.alert")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_and_axe_finds_nothing(
    visit: Callable[..., Page], width: int, scheme: Literal["light", "dark"]
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - only where a browser test runs

    page = visit(width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_no_column_of_the_workloads_is_cut_at_380_pixels(visit: Callable[..., Page]) -> None:
    page = visit(width=380)
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every(one => one.scrollWidth <= one.clientWidth)")


def test_the_keyboard_reaches_the_form_and_the_timeline(visit: Callable[..., Page]) -> None:
    page = visit()
    reached: set[str] = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName"))
    assert {"INPUT", "SELECT", "BUTTON", "SUMMARY", "A"} <= reached


def test_print_opens_the_timeline(visit: Callable[..., Page]) -> None:
    page = visit()
    page.emulate_media(media="print")
    box = page.locator(".timeline").bounding_box()
    assert box is not None
    assert box["height"] > 0
