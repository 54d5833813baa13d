"""The pages of the demo: the gateway's own, served on loopback, or copied to files whose links lead to each other.

/reports/payments/2026-W46      the gateway's page
reports/payments/2026-W46.html  its copy; the server takes this path, too
"""

from __future__ import annotations

import asyncio
import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape, unescape
from http import HTTPStatus
from pathlib import Path
from posixpath import dirname, relpath
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import Gateway

HTML: Final = ".html"
_LINK: Final = re.compile(r'(?P<name>\b(?:href|action))="(?P<target>[^"]*)"')
_PAGES: Final = re.compile(r"/(reports|components|status)(\.html)?(/|$)")
_MAX_PATH: Final = 200


@dataclass(frozen=True, kw_only=True)
class FetchedPage:
    """A response of the gateway."""

    status: int
    content_type: str
    body: bytes

    @property
    def is_html(self) -> bool:
        """True for a page that may have links."""
        return self.content_type.startswith("text/html")


@dataclass(frozen=True, kw_only=True)
class PageCopies:
    """The gateway's pages by path, such as `/reports/payments/2026-W46`, and how a link to one of them is written."""

    public_url: str
    pages: Mapping[str, FetchedPage]

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield the file of each page, relative to the folder, and its text with relative links."""
        for path, page in sorted(self.pages.items()):
            text = page.body.decode()
            yield unquote(file_of(path)), self._rewrite(text, page=path) if page.is_html else text

    def relative(self, target: str, *, page: str = "/") -> str:
        """Return a link on the page of this path so that it leads to a copy; any other link as it is."""
        absolute = urljoin(f"{self.public_url}{page}", target)
        address = urlsplit(absolute)
        path = address.path.rstrip("/").removesuffix(HTML)
        if target.startswith("#") or not absolute.startswith(f"{self.public_url}/") or path not in self.pages:
            return target
        return relpath(file_of(path), dirname(page.lstrip("/")) or ".") + (f"#{address.fragment}" if address.fragment else "")

    def _rewrite(self, html: str, *, page: str) -> str:
        def link(found: re.Match[str]) -> str:
            return f'{found["name"]}="{escape(self.relative(unescape(found["target"]), page=page))}"'

        return _LINK.sub(link, html)


def file_of(path: str) -> str:
    """Return the file of a page, relative to the folder."""
    return path.lstrip("/") if Path(path).suffix in {".csv", ".json"} else f"{path.lstrip('/')}{HTML}"


def copy_pages(gateway: Gateway, first: Iterable[str], *, public_url: str) -> PageCopies:
    """Fetch these pages and all pages of the gateway that they link to."""
    return PageCopies(public_url=public_url, pages=asyncio.run(_crawl(gateway, first, public_url)))


async def _crawl(gateway: Gateway, first: Iterable[str], public_url: str) -> Mapping[str, FetchedPage]:
    found: dict[str, FetchedPage] = {}
    seen: set[str] = set()
    waiting = list(first)
    async with gateway.web.lifespan_context(gateway.web):
        while waiting:
            path = waiting.pop()
            if path in seen or len(path) > _MAX_PATH:
                continue
            seen.add(path)
            page = await _fetch(gateway, path, public_url)
            if page.status == HTTPStatus.OK:
                found[path] = page
                waiting += _linked_pages(page, path, public_url)
    return found


def _linked_pages(page: FetchedPage, path: str, public_url: str) -> Iterator[str]:
    if page.is_html:
        for link in _LINK.finditer(page.body.decode()):
            absolute = urlsplit(urljoin(f"{public_url}{path}", unescape(link["target"])))
            linked = absolute.path.rstrip("/").removesuffix(HTML)
            if link["name"] == "href" and f"{absolute.scheme}://{absolute.netloc}" == public_url and _PAGES.match(linked):
                yield linked


async def _fetch(app: ASGIApp, path: str, public_url: str) -> FetchedPage:
    """Send one GET request to an application, without a server."""
    address = urlsplit(public_url)
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": address.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", address.netloc.encode())],
        "client": (address.hostname, 1),
        "server": (address.hostname, address.port),
    }
    received: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        received.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type] # an ASGI message is any mutable mapping
    start = received[0]
    headers = {bytes(name).lower(): bytes(value) for name, value in start["headers"]}
    return FetchedPage(
        status=start["status"],
        content_type=headers.get(b"content-type", b"").decode(),
        body=b"".join(message.get("body", b"") for message in received[1:]),
    )


class DemoSite:
    """Serves the files of the demo, and everything else by the gateway: its pages are then the live ones."""

    def __init__(self, gateway: Gateway, folder: Path, files: Callable[[], Iterable[str]]) -> None:
        self._gateway = gateway
        self._folder = folder
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the gateway's lifespan."""
        path = scope.get("path", "")
        if scope["type"] == "http" and _PAGES.match(path):
            target = (scope.get("target") or scope["raw_path"]).removesuffix(HTML.encode())
            scope = {**scope, "path": path.removesuffix(HTML), "raw_path": target, "target": target}
        elif scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            name = path.lstrip("/") or "index.html"
            if name in set(self._files()):
                await _send_file(self._folder / name, send)
                return
        await self._gateway(scope, receive, send)


async def _send_file(file: Path, send: Send) -> None:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = [(b"content-type", f"{kind}; charset=utf-8".encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
    await send({"type": "http.response.body", "body": await asyncio.to_thread(file.read_bytes)})
