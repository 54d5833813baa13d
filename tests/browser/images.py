"""Make the pictures of docs/images from the demo in demo-out, in a real Chromium: `make images`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import FloatRect, sync_playwright

from tests.browser.conftest import QUIET, find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT: Final = Path(__file__).parents[2]
DEMO: Final = ROOT / "demo-out"
IMAGES: Final = ROOT / "docs" / "images"
WIDE, NARROW = 1280, 380


@dataclass(frozen=True, kw_only=True)
class Picture:
    name: str
    page: str
    """Below demo-out."""
    width: int
    height: int
    selector: str = ""
    """The element that is shown, up to `height`; empty: the top of the page."""


REPORT: Final = "reports/storefront/2026-W45.html"
COMPONENT: Final = "components/component/default/checkoutservice.html"
PICTURES: Final = (
    Picture(name="report-1280", page=REPORT, width=WIDE, height=1000),
    Picture(name="report-380", page=REPORT, width=NARROW, height=1100),
    Picture(name="component-1280", page=COMPONENT, width=WIDE, height=1000),
    Picture(name="component-380", page=COMPONENT, width=NARROW, height=1100),
    Picture(name="slack-1280", page="index.html", width=WIDE, height=900, selector="article:has(#kind-1) .slack"),
    Picture(name="slack-380", page="index.html", width=NARROW, height=1100, selector="article:has(#kind-1) .slack"),
    Picture(name="pagerduty-1280", page="index.html", width=WIDE, height=900, selector=".pager:has-text('checkoutservice')"),
    Picture(name="pagerduty-380", page="index.html", width=NARROW, height=1100, selector=".pager:has-text('checkoutservice')"),
)


def take(page: Page, picture: Picture) -> None:
    """Write one picture.

    Raises:
        FileNotFoundError: The demo has no such page.
    """
    file = DEMO / picture.page
    if not file.is_file():
        raise FileNotFoundError(file)
    page.set_viewport_size({"width": picture.width, "height": picture.height})
    page.goto(file.as_uri())
    left, top, width, height = 0.0, 0.0, float(picture.width), float(picture.height)
    if picture.selector:
        box = page.locator(picture.selector).first.bounding_box()
        if box is None:
            message = f"{picture.page} has nothing that matches {picture.selector}"
            raise LookupError(message)
        left, top, width, height = box["x"], box["y"], box["width"], min(box["height"], picture.height)
    clip = FloatRect(x=left, y=top, width=width, height=height)
    page.screenshot(path=IMAGES / f"{picture.name}.png", clip=clip, full_page=True)


def main() -> int:
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=list(QUIET))
        page = chromium.new_page(color_scheme="light")
        for picture in PICTURES:
            take(page, picture)
        chromium.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
