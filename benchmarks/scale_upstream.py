"""A static ScaleOps that is never the bottleneck: responses by path, component and cluster, on uvloop.

`python -m benchmarks.scale_upstream COMPONENTS` prints its port. On the same port, `POST /control` with
`{"latency_ms": 200, "record": true}` sets the latency and resets the counts; `GET /control` returns the calls since then, also by route.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter
from typing import Any, Final, cast

import uvloop

from benchmarks import scale_data as data

_COMPONENT: Final = re.compile(rb"service-(\d{5})")
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CLUSTER: Final = re.compile(rb"x-scaleops-cluster: *([^\r]+)", re.IGNORECASE)


class StaticScaleOps:
    """The responses, and the requests received."""

    def __init__(self, components: int) -> None:
        self.latency_s = 0.0
        self.routes: Counter[str] = Counter()
        self.recorded: list[tuple[bytes, bytes]] | None = None
        self._workloads = [_response(data.workloads_body(number)) for number in range(components)]
        self._costs = {
            (b"%05d" % number, cluster.encode()): _response(data.costs_body(number, cluster))
            for number in range(components)
            for cluster in data.CLUSTERS
        }
        numbers = range(components)
        self._inventory = _response(_joined("workloads", [data.workloads_body(number) for number in numbers]))
        self._costs_of_cluster = {
            cluster.encode(): _response(_joined("aggregatedWorkloads", [data.costs_body(number, cluster) for number in numbers]))
            for cluster in data.CLUSTERS
        }
        self._network = _response(data.network_body())
        self._flags = _response(data.flags_body())
        self._policies = _response(data.policies_body())

    def respond(self, head: bytes, body: bytes) -> bytes:
        """Return the response to one request."""
        method, path, _ = head.split(b" ", 2)
        if path == b"/control":
            return _response(self._control(json.loads(body)) if body else self._report())
        self.routes[f"{method.decode()} {path.partition(b'?')[0].decode()}"] += 1
        if self.recorded is not None:
            self.recorded.append((head, body))
        if path.startswith(b"/api/v1/workload-network"):
            return self._network
        if path.startswith(b"/detailedCostReport"):
            number, cluster = _COMPONENT.search(body), _CLUSTER.search(head)
            if cluster is None:
                return _NOT_FOUND
            return self._costs[number[1], cluster[1]] if number else self._costs_of_cluster[cluster[1]]
        if path.startswith(b"/api/v1/dashboard"):
            number = _COMPONENT.search(body)
            return self._workloads[int(number[1])] if number else self._inventory
        return self._flags if path.startswith(b"/api/v1/networkCost") else self._policies

    def _control(self, settings: dict[str, Any]) -> bytes:
        self.latency_s = settings.get("latency_ms", 0) / 1000
        self.recorded = [] if settings.get("record") else None
        self.routes.clear()
        return b"{}"

    def _report(self) -> bytes:
        recorded = [_recorded(*request) for request in self.recorded or ()]
        return json.dumps({"calls": self.routes.total(), "routes": self.routes, "recorded": recorded}).encode()


class StaticScaleOpsProtocol(asyncio.Protocol):
    """Responds to HTTP/1.1 requests in order, each after the latency."""

    def __init__(self, scaleops: StaticScaleOps) -> None:
        self._scaleops = scaleops
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # a stream, as asyncio promises of a server's

    def data_received(self, data: bytes) -> None:
        """Respond to every complete request."""
        self._pending += data
        while self._transport is not None:
            head, end, rest = self._pending.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            wanted = int(length[1]) if length else 0
            if not end or len(rest) < wanted:
                return
            self._pending = rest[wanted:]
            response = self._scaleops.respond(head, rest[:wanted])
            if self._scaleops.latency_s:
                asyncio.get_running_loop().call_later(self._scaleops.latency_s, self._transport.write, response)
            else:
                self._transport.write(response)


def _response(content: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(content), content)


def _joined(member: str, documents: list[bytes]) -> bytes:
    """Return the rows of several responses as one: what a request without a filter gets."""
    return json.dumps({member: [row for document in documents for row in json.loads(document)[member]]}).encode()


_NOT_FOUND: Final = _response(b"{}", b"404 Not Found")
_SENT_BY_EVERY_CLIENT: Final = {"host", "connection", "content-length", "accept", "accept-encoding", "user-agent"}


def _recorded(head: bytes, body: bytes) -> dict[str, Any]:
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines)
    kept = {name: value for name, value in headers.items() if name.lower() not in _SENT_BY_EVERY_CLIENT}
    return {"method": method, "target": target, "headers": kept, "body": body.decode()}


async def _serve(components: int) -> None:
    scaleops = StaticScaleOps(components)
    server = await asyncio.get_running_loop().create_server(lambda: StaticScaleOpsProtocol(scaleops), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
