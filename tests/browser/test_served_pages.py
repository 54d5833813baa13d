"""The pages of the gateway in a real browser: the form works, nothing is cut off, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

from reports.signed_links import COMPONENT_PAGE
from simulator.serving import Simulator
from tests.browser.test_report_pages import A4, ALL_WIDTHS, BULLETS_OUTSIDE, HOLES, LOST_IN_PRINT
from tests.integration.history_sample import NOW, serve_with_history
from tests.services.gateways import ServedGateway, ServeGateway
from wiring.secrets import page_links

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SECRET = "a-secret-key-of-this-installation"
PAGE = "/components/component/default/checkout"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    return serve_with_history(serve_gateway, simulator, worker_secret_key=SECRET)


@pytest.fixture
def visit(browser: Browser, gateway: ServedGateway) -> Iterator[Callable[..., Page]]:
    opened: list[Page] = []
    links = page_links(gateway.settings)
    assert links is not None
    signed = urlsplit(
        links.sign(f"{gateway.url}{PAGE}", NOW + timedelta(days=1), page=COMPONENT_PAGE, origin="Slack #payments")
    ).query

    def open_page(*, path: str = f"{PAGE}?{signed}", headers: dict[str, str] | None = None) -> Page:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=False, extra_http_headers=headers or {})
        opened.append(page)
        page.goto(f"{gateway.url}{path}")
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


@pytest.mark.parametrize("path", [PAGE, "/reports/payments/2026-W47", "/reports/payments", "/status", "/reports"])
def test_nothing_is_cut_off_and_axe_finds_nothing(visit: Callable[..., Page], gateway: ServedGateway, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - only where a browser test runs

    page = visit(headers=gateway.as_ci(), path=path)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    for width in ALL_WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(HOLES) == [], width
    assert page.evaluate(BULLETS_OUTSIDE) == []
    cut = page.evaluate(
        "[...document.querySelectorAll('.scroll:has(.stacked)')].filter(one => one.scrollWidth > one.clientWidth).length"
    )
    assert cut == 0, "no column of a stacked table is cut at 380 pixels"
    page.set_viewport_size({"width": A4, "height": 900})
    page.emulate_media(media="print")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false; })")
    assert page.evaluate(HOLES) == []
    assert page.evaluate(LOST_IN_PRINT) == []


def test_the_keyboard_reaches_the_form_and_the_timeline(visit: Callable[..., Page]) -> None:
    page = visit()
    reached: set[str] = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName"))
    assert {"INPUT", "SELECT", "BUTTON", "SUMMARY", "A"} <= reached
