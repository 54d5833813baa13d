"""Links between pages lead somewhere, every page is in the navigation, and the site loads nothing from elsewhere."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.test_commands_named import PACKAGES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NAMED_IN_CODE = re.compile(r"docs/[\w./-]+\.md\b")


def prose_of(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


@cache
def anchors_of(page: Path) -> frozenset[str]:
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return frozenset(re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower()) for text in headings)


def broken_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(prose_of(page)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_pages_named_in_code_exist() -> None:
    files = [
        file
        for package in set(PACKAGES) - {"docs"}
        for file in (ROOT / package).rglob("*")
        if file.suffix in {".py", ".yaml", ".yml", ".tpl", ".html"}
    ]
    named = {
        (str(file.relative_to(ROOT)), name) for file in files for name in NAMED_IN_CODE.findall(file.read_text(encoding="utf-8"))
    }

    assert {(file, name) for file, name in named if not (ROOT / name).exists()} == set()


def pages_in(entry: Any) -> Iterator[str]:
    match entry:
        case str():
            yield entry
        case list():
            for one in entry:
                yield from pages_in(one)
        case dict():
            for one in entry.values():
                yield from pages_in(one)


def test_every_page_is_in_the_navigation_once() -> None:
    listed = sorted(pages_in(SITE["nav"]))
    pages = sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if not re.match(r"\d{4}-", page.name))

    assert listed == pages


def test_the_site_fetches_nothing() -> None:
    assert SITE["theme"]["font"] is False
    assert {"extra_css", "extra_javascript", "repo_url"} & set(SITE) == set()
    assert [str(page) for page in PAGES if "```mermaid" in page.read_text(encoding="utf-8")] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# One thing\n[x](b.md) [y](#one-thing) [z](#other) [e](https://example.com)\n```\n[in code](c.md)\n```\n")

    assert list(broken_links(page)) == ["b.md", "#other"]
