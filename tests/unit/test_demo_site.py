"""Copies of the gateway's pages link to each other as files; every other link stays as it is."""

import pytest

from cli.demo_site import FetchedPage, PageCopies

HTML = "text/html; charset=utf-8"
PAGES = {
    "/reports": '<a href="reports/data/2026-W46.html">',
    "/reports/data/2026-W46": '<a href="/components/component/default/kafka?a=1&amp;b=2#alerts">',
    "/components/component/default/kafka": "",
}


def copies() -> PageCopies:
    pages = {path: FetchedPage(status=200, content_type=HTML, body=body.encode()) for path, body in PAGES.items()}
    return PageCopies(public_url="http://127.0.0.1:8000", pages=pages)


def test_pages_become_files_with_relative_links() -> None:
    assert dict(copies().files()) == {
        "reports.html": '<a href="reports/data/2026-W46.html">',
        "reports/data/2026-W46.html": '<a href="../../components/component/default/kafka.html#alerts">',
        "components/component/default/kafka.html": "",
    }


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("http://127.0.0.1:8000/reports/data/2026-W46?until=1&sig=x", "reports/data/2026-W46.html"),
        ("/reports", "reports.html"),
        ("/reports/data/2020-W01", "/reports/data/2020-W01"),
        ("https://example.com/reports", "https://example.com/reports"),
        ("http://127.0.0.1:80001/reports", "http://127.0.0.1:80001/reports"),
        ("#story", "#story"),
    ],
)
def test_only_links_to_copies_are_relative(target: str, written: str) -> None:
    assert copies().relative(target) == written
