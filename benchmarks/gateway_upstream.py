"""An upstream that is never the bottleneck: one static response per path; it parses only the request line.

`python -m benchmarks.gateway_upstream PORT BODIES` where BODIES is a JSON file: path to body; `*` is every other path.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import cast

import uvloop


class StaticResponses(asyncio.Protocol):
    """Responds to GET requests without a body, pipelined or not."""

    def __init__(self, responses: dict[bytes, bytes]) -> None:
        self._responses = responses
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # a stream, as asyncio promises of a server's

    def data_received(self, data: bytes) -> None:
        """Respond to every request in this piece; requests are small and arrive whole."""
        if self._transport is not None:
            path = data.split(b" ", 2)[1].partition(b"?")[0]
            self._transport.write(self._responses.get(path, self._responses[b"*"]) * data.count(b"\r\n\r\n"))


def _response(body: str) -> bytes:
    content = body.encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(content), content)


async def _serve(port: int, responses: dict[bytes, bytes]) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: StaticResponses(responses), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    known: dict[str, str] = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    uvloop.run(_serve(int(sys.argv[1]), {path.encode(): _response(body) for path, body in known.items()}))
