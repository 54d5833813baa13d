"""A canned ScaleOps that is never the bottleneck: ready answers, found by path, component and cluster, on uvloop.

`python -m benchmarks.scale_upstream COMPONENTS` prints its port. It is steered over the same port: `POST /control` with
`{"latency_ms": 200, "record": true}` begins anew; `GET /control` answers the number of calls since then, and what was recorded.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any, Final, cast

import uvloop

from benchmarks import scale_world as world

_COMPONENT: Final = re.compile(rb"service-(\d{5})")
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CLUSTER: Final = re.compile(rb"x-scaleops-cluster: *([^\r]+)", re.IGNORECASE)


class Canned:
    """The ready answers, and what was asked."""

    def __init__(self, components: int) -> None:
        self.latency_s = 0.0
        self.calls = 0
        self.recorded: list[tuple[bytes, bytes]] | None = None
        self._workloads = [_whole(world.workloads_answer(number)) for number in range(components)]
        self._costs = {
            (b"%05d" % number, cluster.encode()): _whole(world.costs_answer(number, cluster))
            for number in range(components)
            for cluster in world.CLUSTERS
        }
        self._network = _whole(world.network_answer())
        self._flags = _whole(world.flags_answer())
        self._policies = _whole(world.policies_answer())

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Answer one request."""
        path = head.split(b" ", 2)[1]
        if path == b"/control":
            return _whole(self._steer(json.loads(body)) if body else self._tell())
        self.calls += 1
        if self.recorded is not None:
            self.recorded.append((head, body))
        if path.startswith(b"/api/v1/workload-network"):
            return self._network
        if path.startswith(b"/detailedCostReport"):
            number, cluster = _COMPONENT.search(body), _CLUSTER.search(head)
            return self._costs[number[1], cluster[1]] if number and cluster else _NOT_FOUND
        if path.startswith(b"/api/v1/dashboard"):
            number = _COMPONENT.search(body)
            return self._workloads[int(number[1])] if number else _NOT_FOUND
        return self._flags if path.startswith(b"/api/v1/networkCost") else self._policies

    def _steer(self, wanted: dict[str, Any]) -> bytes:
        self.latency_s = wanted.get("latency_ms", 0) / 1000
        self.recorded = [] if wanted.get("record") else None
        self.calls = 0
        return b"{}"

    def _tell(self) -> bytes:
        return json.dumps({"calls": self.calls, "recorded": [_call_of(*one) for one in self.recorded or ()]}).encode()


class Protocol(asyncio.Protocol):
    """Answers HTTP/1.1 requests one after the other, each after the latency."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)  # a stream, as asyncio promises of a server's

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._pending += data
        while self._transport is not None:
            head, end, rest = self._pending.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            wanted = int(length[1]) if length else 0
            if not end or len(rest) < wanted:
                return
            self._pending = rest[wanted:]
            answer = self._canned.answer(head, rest[:wanted])
            if self._canned.latency_s:
                asyncio.get_running_loop().call_later(self._canned.latency_s, self._transport.write, answer)
            else:
                self._transport.write(answer)


def _whole(content: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(content), content)


_NOT_FOUND: Final = _whole(b"{}", b"404 Not Found")
_SENT_BY_EVERY_CLIENT: Final = {"host", "connection", "content-length", "accept", "accept-encoding", "user-agent"}


def _call_of(head: bytes, body: bytes) -> dict[str, Any]:
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines)
    kept = {name: value for name, value in headers.items() if name.lower() not in _SENT_BY_EVERY_CLIENT}
    return {"method": method, "target": target, "headers": kept, "body": body.decode()}


async def _serve(components: int) -> None:
    canned = Canned(components)
    server = await asyncio.get_running_loop().create_server(lambda: Protocol(canned), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
