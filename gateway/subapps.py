"""What the gateway serves besides the proxy: the seam where the Actions Registry, MCP and the report pages are hung in.

A module offers `sections(rooms: Rooms) -> Iterable[Section]`. The caller is known and within their rate when a section is asked; it
finds them in `scope["caller"]`. What it raises before it answers (Refused, ActionError, ServiceError) becomes Backstage's error body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp

from actions.context import LiveContext, Viewer
from actions.ports import Catalog
from gateway.auth.callers import Caller
from gateway.auth.visibility import Visibility
from gateway.web.metrics import Metrics
from store import Store
from wiring.settings import Settings


@dataclass(frozen=True, kw_only=True)
class SubApp:
    """All that is at a path and below it."""

    path: str
    """`/mcp` serves `/mcp` and `/mcp/...`."""
    name: str
    """Names the section in the audit and in metrics."""
    app: ASGIApp
    lifespan: Callable[[], AbstractAsyncContextManager[object]] | None = None
    """Entered when the gateway starts, on its event loop."""


@dataclass(frozen=True, kw_only=True)
class SubAppContext:
    """What a section may work with."""

    settings: Settings
    store: Store
    desk: LiveContext
    """Where questions are asked, with the catalog as the service sees it."""
    catalog_as: Callable[[Caller], Catalog]
    """The catalog as the caller sees it. Its calls block: for threads."""
    visibility: Visibility
    metrics: Metrics

    def viewer_for(self, caller: Caller) -> Viewer:
        """Answer what this caller may be shown; for a question in a thread. Call it on the event loop."""
        return self.visibility.viewer_for(caller, asyncio.get_running_loop())


class SubAppFactory(Protocol):
    """What a module of sections offers."""

    def __call__(self, rooms: SubAppContext) -> Iterable[SubApp]:
        """Answer its sections."""
