"""The private members of uvicorn that gateway.timeout_protocol uses. A new minor release of uvicorn must keep them, or change them here."""

import asyncio
import inspect
import tomllib
from pathlib import Path
from typing import Final

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

OVERRIDDEN: Final = {
    "connection_made": ["transport"],
    "connection_lost": ["exc"],
    "data_received": ["data"],
    "pause_writing": [],
    "resume_writing": [],
    "on_message_begin": [],
    "on_headers_complete": [],
    "on_body": ["body"],
    "on_message_complete": [],
    "on_response_complete": [],
    "timeout_keep_alive_handler": [],
}
READ: Final = ("loop", "transport", "url", "scope", "parser", "headers", "client")


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_uvicorn_has_the_methods_that_are_overridden(name: str) -> None:
    assert list(inspect.signature(getattr(HttpToolsProtocol, name)).parameters)[1:] == OVERRIDDEN[name]


@pytest.mark.anyio
async def test_uvicorn_sets_the_attributes_and_calls_the_methods() -> None:
    called: dict[str, set[str]] = {}

    def recording(name: str) -> object:
        def method(self: HttpToolsProtocol, *args: object) -> None:
            called[name] = {attribute for attribute in READ if getattr(self, attribute, None) is not None}
            getattr(HttpToolsProtocol, name)(self, *args)

        return method

    protocol: type[HttpToolsProtocol] = type("Recording", (HttpToolsProtocol,), {name: recording(name) for name in OVERRIDDEN})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    config = uvicorn.Config(app, timeout_keep_alive=0, log_config=None)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, ServerState(), {}, _loop=loop), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"POST /a#b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n.")
        assert b"204" in await reader.read()  # until the keep-alive timeout closes the connection
        writer.close()
        await writer.wait_closed()
    assert set(called) >= set(OVERRIDDEN) - {"pause_writing", "resume_writing"}
    assert called["connection_made"] == {"loop", "parser"}
    assert called["data_received"] >= {"loop", "transport"}
    assert called["on_headers_complete"] == set(READ)


@pytest.mark.parametrize("name", ["uvicorn", "httptools"])
def test_the_version_is_bounded_below_the_next_minor_release(name: str) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (bound,) = [line for line in project["dependencies"] if line.startswith(f"{name}>=")]
    oldest, ceiling = bound.removeprefix(f"{name}>=").split(",<")
    major, minor = oldest.split(".")
    assert ceiling == f"{major}.{int(minor) + 1}"
