"""Large responses are parsed in threads: a small request does not wait for them."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from clients.http.byte_budget import ByteBudget
from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest, HttpResponse
from domain.ownership import Ownership, ownership_of
from gateway.auth.callers import ANONYMOUS
from gateway.proxy.body_worker import LARGE_BYTES, BodyWorker
from gateway.proxy.cache import CachedResponse
from gateway.proxy.handler import Proxy
from gateway.proxy.routes import RouteTable
from gateway.proxy.workload_owners import CachedWorkloadOwners
from gateway.request import GatewayRequest, parse_request
from gateway.responses import GatewayResponse
from tests.factories import make_component, make_key
from tests.stage_factories import WEB
from tests.unit.proxy_factories import a_cache, a_response, a_scope, now

pytestmark = pytest.mark.anyio
FLAGS = b"/api/scaleops/api/api/v1/networkCost/networkCostEnabled"
NETWORK = b"/api/scaleops/api/api/v1/workload-network"
NETWORK_QUERY = b"name=a&namespace=b&workloadType=c&from=1&to=2"
IN_SHOP: tuple[Ownership, ...] = (ownership_of(make_component("web", namespace_limit="shop"), {}),)


def large_rows(count: int = 1500) -> list[dict[str, Any]]:
    return [
        {"id": f"shop_Deployment_w{n}", "clusterName": "east", "namespace": "shop" if n % 2 else "bank", "text": "x" * 300}
        for n in range(count)
    ]


@contextmanager
def occupied(worker: BodyWorker) -> Iterator[threading.Event]:
    release = threading.Event()
    task = asyncio.ensure_future(worker.run(b"x" * (LARGE_BYTES + 1), lambda _: release.wait(20)))
    try:
        yield release
    finally:
        release.set()
    assert not task.cancelled()


async def let_tasks_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def a_get_request(target: bytes, query: bytes = b"") -> GatewayRequest:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: Any = {"type": "http", "method": "GET", "raw_path": target, "query_string": query, "headers": []}
    request = parse_request(scope, receive)
    request.caller = ANONYMOUS
    return request


def a_proxy(worker: BodyWorker, body_of: Callable[[str], bytes]) -> Proxy:
    async def send(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, headers={"Content-Type": "application/json"}, body=body_of(request.target))

    return Proxy(
        routes=RouteTable(), send=send, cache=a_cache(), scope=None, worker=worker, timer=lambda: 0.0, observe=lambda *_: None
    )


async def test_a_small_response_is_returned_while_a_large_one_waits_to_be_parsed() -> None:
    large = json.dumps({"rest": large_rows(), "networkCostEnabled": None}).encode()
    small = b'{"a":1,"destinations":null}'

    worker = BodyWorker(ByteBudget(2**30))
    proxy = a_proxy(worker, lambda target: large if "networkCostEnabled" in target else small)
    finished: list[str] = []

    async def handle(name: str, request: GatewayRequest) -> GatewayResponse:
        response = await proxy.handle(request)
        finished.append(name)
        return response

    try:
        with occupied(worker) as release:
            slow = asyncio.create_task(handle("large", a_get_request(FLAGS)))
            await let_tasks_run()
            quick = await handle("small", a_get_request(NETWORK, NETWORK_QUERY))
            release.set()
            whole = await slow
    finally:
        worker.close()

    assert finished == ["small", "large"]
    assert quick.body == b'{"a":1,"destinations":[]}'
    assert json.loads(whole.body)["networkCostEnabled"] == {}


async def test_a_large_response_is_filtered_in_a_thread_once_for_all_callers_with_one_view() -> None:
    rows = [{**row, "workloadName": f"w{n}", "type": "Deployment"} for n, row in enumerate(large_rows())]

    worker = BodyWorker(ByteBudget(2**30))
    owners = CachedWorkloadOwners(lambda _: (), clock=now)
    scope = a_scope(owners=owners, worker=worker)
    response = a_response("workloads", rows)
    try:
        with occupied(worker) as release:
            callers = [asyncio.create_task(scope.filter_workloads(response, IN_SHOP)) for _ in range(3)]
            await let_tasks_run()
            done_early = [caller.done() for caller in callers]
            release.set()
            bodies = await asyncio.gather(*callers)
    finally:
        worker.close()

    assert done_early == [False] * 3
    assert bodies[0] is bodies[1] is bodies[2]
    assert json.loads(bodies[0])["workloads"] == [row for row in rows if row["namespace"] == "shop"]
    key = make_key("w1")
    assert await owners.recent(key) == {WEB.ref}
    assert await owners.recent(replace(key, namespace="bank", name="w2")) == frozenset()


async def test_costs_are_filtered_by_the_ids_of_large_workload_lists_too() -> None:
    rows = large_rows()
    costs = [{"id": row["id"].upper(), "totalCost": 1.10, "text": "y" * 300} for row in rows]

    worker = BodyWorker(ByteBudget(2**30))
    scope = a_scope(worker=worker)
    workloads, report = a_response("workloads", rows), a_response("aggregatedWorkloads", costs)

    async def fetch_workloads(_: tuple[str, ...]) -> CachedResponse:
        return workloads

    async def filtered(cluster: str) -> object:
        body = await scope.filter_costs(report, IN_SHOP, cluster=cluster, fetch_workloads=fetch_workloads)
        return json.loads(body)["aggregatedWorkloads"]

    try:
        assert await filtered("east") == [cost for n, cost in enumerate(costs) if n % 2]
        assert await filtered("west") == []
    finally:
        worker.close()


async def test_too_many_large_responses_are_rejected_and_do_not_fill_the_memory() -> None:
    large, second_body, third_body = (name * (LARGE_BYTES + 1) for name in (b"x", b"y", b"z"))

    worker = BodyWorker(ByteBudget(2 * len(large)))
    try:
        with occupied(worker) as release:
            second = asyncio.create_task(worker.run(second_body, len))
            await asyncio.sleep(0)
            with pytest.raises(ServiceError) as caught:
                await worker.run(third_body, len)
            release.set()
            assert await second == len(large)
        assert await worker.run(large, len) == len(large)
        assert await worker.run(b"small", len) == 5
    finally:
        worker.close()

    assert (caught.value.kind, caught.value.retry_after_s) == (ErrorKind.THROTTLED, 5)
