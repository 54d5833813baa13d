"""A large answer is read beside the event loop: who asks for a small one does not wait for it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from clients.http.client import HttpRequest
from clients.http.client import HttpResponse as UpstreamAnswer
from domain.workload import WorkloadKey
from gateway.auth.callers import ANONYMOUS
from gateway.auth.visibility import Visibility
from gateway.proxy.body_worker import LARGE_BYTES, BodyWorker
from gateway.proxy.cache import CachedResponse, ResponseCache
from gateway.proxy.component_index import ComponentIndex
from gateway.proxy.handler import Proxy
from gateway.proxy.routes import RouteTable
from gateway.proxy.scope import ProxyScope
from gateway.proxy.workload_owners import CachedWorkloadOwners
from gateway.request import GatewayRequest, parse_request
from gateway.responses import GatewayResponse, HttpError
from tests.unit.questioning import WEB, OneEntity, a_component

FLAGS = b"/api/scaleops/api/api/v1/networkCost/networkCostEnabled"
NETWORK = b"/api/scaleops/api/api/v1/workload-network"
NETWORK_QUERY = b"name=a&namespace=b&workloadType=c&from=1&to=2"


def large_rows(count: int = 1500) -> list[dict[str, Any]]:
    return [
        {"id": f"shop_Deployment_w{n}", "clusterName": "east", "namespace": "shop" if n % 2 else "bank", "text": "x" * 300}
        for n in range(count)
    ]


@contextmanager
def busy(reader: BodyWorker) -> Iterator[threading.Event]:
    """Keep the only thread of a reader busy until the event is set."""
    gate = threading.Event()

    def hold(_: bytes) -> None:
        gate.wait(20)

    task = asyncio.ensure_future(reader.read(b"x" * (LARGE_BYTES + 1), hold))
    try:
        yield gate
    finally:
        gate.set()
    assert not task.cancelled()


def asked(target: bytes, query: bytes = b"") -> GatewayRequest:
    async def receive() -> Any:  # noqa: ANN401 - an ASGI message
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: Any = {"type": "http", "method": "GET", "raw_path": target, "query_string": query, "headers": []}
    exchange = parse_request(scope, receive)
    exchange.caller = ANONYMOUS
    return exchange


def a_proxy(reader: BodyWorker, bodies: Callable[[str], bytes]) -> Proxy:
    async def ask(request: HttpRequest) -> UpstreamAnswer:
        return UpstreamAnswer(status=200, headers={"Content-Type": "application/json"}, body=bodies(request.target))

    cache = ResponseCache(ttl_s=10, timer=lambda: 0.0, count=lambda _: None)
    return Proxy(routes=RouteTable(), ask=ask, cache=cache, scope=None, reader=reader, timer=lambda: 0.0, observe=lambda *_: None)


def test_a_small_question_is_answered_while_a_large_answer_waits_to_be_read() -> None:
    large = json.dumps({"rest": large_rows(), "networkCostEnabled": None}).encode()
    small = b'{"a":1,"destinations":null}'

    async def run() -> None:
        reader = BodyWorker(threads=1)
        proxy = a_proxy(reader, lambda target: large if "networkCostEnabled" in target else small)
        ended: list[str] = []

        async def ask(name: str, exchange: GatewayRequest) -> GatewayResponse:
            answer = await proxy.answer(exchange)
            ended.append(name)
            return answer

        try:
            with busy(reader) as gate:
                slow = asyncio.create_task(ask("large", asked(FLAGS)))
                for _ in range(20):  # so often the event loop has had the chance to read it
                    await asyncio.sleep(0)
                quick = await ask("small", asked(NETWORK, NETWORK_QUERY))
                gate.set()
                whole = await slow
        finally:
            reader.close()

        assert ended == ["small", "large"]
        assert quick.body == b'{"a":1,"destinations":[]}'
        assert json.loads(whole.body)["networkCostEnabled"] == {}

    asyncio.run(run())


def a_scope(reader: BodyWorker) -> tuple[ProxyScope, CachedWorkloadOwners]:
    def now() -> datetime:
        return datetime(2026, 11, 23, tzinfo=timezone.utc)

    owners = CachedWorkloadOwners(lambda _: (), clock=now)
    scope = ProxyScope(
        index=ComponentIndex(OneEntity(a_component()), clock=now),
        visibility=Visibility(None, clock=now),
        owners=owners,
        reader=reader,
        namespaces_allowed={},
    )
    return scope, owners


def test_a_large_answer_is_cut_beside_the_event_loop_once_for_all_who_may_see_the_same() -> None:
    rows = [{**row, "workloadName": f"w{n}", "type": "Deployment"} for n, row in enumerate(large_rows())]
    component = a_component(namespace_limit="shop")

    async def run() -> None:
        reader = BodyWorker(threads=1)
        scope, owners = a_scope(reader)
        kept = CachedResponse(status=200, headers=(), body=json.dumps({"workloads": rows}).encode())
        try:
            with busy(reader) as gate:
                cuts = [asyncio.create_task(scope.filter_workloads(kept, [component])) for _ in range(3)]
                for _ in range(20):
                    await asyncio.sleep(0)
                waiting = [cut.done() for cut in cuts]
                gate.set()
                parts = await asyncio.gather(*cuts)
        finally:
            reader.close()

        assert waiting == [False] * 3
        assert parts[0] is parts[1] is parts[2]
        assert json.loads(parts[0])["workloads"] == [row for row in rows if row["namespace"] == "shop"]
        key = WorkloadKey(cluster="east", namespace="shop", type="Deployment", name="w1")
        assert await owners.recent(key) == {WEB}
        assert await owners.recent(replace(key, namespace="bank", name="w2")) == frozenset()

    asyncio.run(run())


def test_costs_are_cut_by_the_ids_of_large_lists_too() -> None:
    rows = large_rows()
    costs = [{"id": row["id"].upper(), "totalCost": 1.10, "text": "y" * 300} for row in rows]
    component = a_component(namespace_limit="shop")

    async def run() -> None:
        reader = BodyWorker(threads=1)
        scope, _ = a_scope(reader)
        listed = CachedResponse(status=200, headers=(), body=json.dumps({"workloads": rows}).encode())
        kept = CachedResponse(status=200, headers=(), body=json.dumps({"aggregatedWorkloads": costs}).encode())

        async def fetch_workloads(_: tuple[str, ...]) -> CachedResponse:
            return listed

        try:
            part = await scope.filter_costs(kept, [component], cluster="east", fetch_workloads=fetch_workloads)
            elsewhere = await scope.filter_costs(kept, [component], cluster="west", fetch_workloads=fetch_workloads)
        finally:
            reader.close()

        assert json.loads(part)["aggregatedWorkloads"] == [cost for n, cost in enumerate(costs) if n % 2]
        assert json.loads(elsewhere)["aggregatedWorkloads"] == []

    asyncio.run(run())


def test_a_flood_of_large_answers_is_turned_away_and_gathers_nothing() -> None:
    large = b"x" * (LARGE_BYTES + 1)

    async def run() -> None:
        reader = BodyWorker(threads=1, most_waiting_bytes=2 * len(large))
        try:
            with busy(reader) as gate:
                second = asyncio.create_task(reader.read(large, len))
                await asyncio.sleep(0)
                with pytest.raises(HttpError) as caught:
                    await reader.read(large, len)
                gate.set()
                assert await second == len(large)
            assert await reader.read(large, len) == len(large)
            assert await reader.read(b"small", len) == 5
        finally:
            reader.close()

        assert caught.value.status == 503
        assert (b"retry-after", b"5") in caught.value.headers

    asyncio.run(run())
