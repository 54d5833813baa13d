"""The simulated ScaleOps: the read-only endpoints of its HTTP API, written from the facts.

What the facts leave open is a mode. Requests for everything are counted under `bulk`. A request that a careful client would not
send is rejected, or served and counted under `oddities`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulator.errors import ApiError, read_json_object, read_query, read_strings
from simulator.network import describe_network
from simulator.scaleops_login import login_routes, require_token
from simulator.state import State
from simulator.world import Record, SimulatedWorkload

Handler = Callable[[Request], Awaitable[Response]]

RANGE_HOURS: Final = {"7d": 168, "30d": 720, "90d": 2160}
_BOOLEAN: Final = ("true", "false")
_OPERATORS: Final = ("!=", "==", "!", "(", ">", "<")


def routes(state: State) -> list[Route]:
    """Return all routes of the service."""
    endpoints: tuple[tuple[str, str, Callable[[State, Request], Awaitable[Response]]], ...] = (
        ("POST", "/api/v1/dashboard/byNamespace", _list_workloads),
        ("POST", "/detailedCostReport/getWorkloads", _list_costs),
        ("GET", "/api/v1/networkCost/networkCostEnabled", _list_network_flags),
        ("GET", "/api/v1/workload-network", _list_destinations),
        ("GET", "/api/v1/policies", _list_policies),
    )
    return [
        *plain_text_errors(login_routes(state)),
        *(
            Route(path, _with_plain_text_errors(_guarded(state, endpoint)), methods=[method])
            for method, path, endpoint in endpoints
        ),
    ]


def plain_text_errors(routes: Iterable[Route]) -> list[Route]:
    """Return the same routes with errors as plain text."""
    return [Route(route.path, _with_plain_text_errors(route.endpoint), methods=list(route.methods or ())) for route in routes]


def _guarded(state: State, endpoint: Callable[[State, Request], Awaitable[Response]]) -> Handler:
    async def handle(request: Request) -> Response:
        require_token(state, request)
        return await endpoint(state, request)

    return handle


def _with_plain_text_errors(handle: Handler) -> Handler:
    async def respond(request: Request) -> Response:
        try:
            return await handle(request)
        except ApiError as error:
            return PlainTextResponse(error.message, status_code=error.status)

    return respond


async def _list_workloads(state: State, request: Request) -> Response:
    query = read_query(request, {"multiCluster": _BOOLEAN, "logicalLabel": ("AND", "OR")})
    body = await read_json_object(request)
    _reject_unknown_keys(body, {"label"})
    items = read_strings(body, "label")
    if state.modes.label_operators == "400" and any(
        "=" not in item or any(sign in item for sign in _OPERATORS) for item in items
    ):
        raise ApiError(400, "a label must be key=value")
    world = state.world()
    clusters = _selected_clusters(state, request, query)
    found = [
        workload
        for workload in _labelled(state, items, any_of=query.get("logicalLabel") == "OR")
        if workload.cluster in clusters and workload.cluster not in world.silent_clusters
    ]
    if items:
        rows = [workload.dash for workload in found]
    else:
        rows = _bulk_rows(state, [workload.dash for workload in _as_bulk(state, found, route="byNamespace")])
        if state.modes.bulk == "other-shape":
            return JSONResponse({"items": rows})
    return JSONResponse(_list_body("workloads", rows, state.modes.workloads_when_empty))


def _as_bulk(state: State, found: list[SimulatedWorkload], *, route: str) -> list[SimulatedWorkload]:
    """Return what a request without filters gets of the workloads found, as the mode `bulk` has it."""
    state.count("bulk", route)
    mode, world = state.modes.bulk, state.world()
    if mode.isdecimal():
        raise ApiError(int(mode), "a filter is missing")
    return {
        "first-rows": found[: state.modes.bulk_rows],
        "parent-only": [workload for workload in found if workload.cluster == world.clusters[0]],
        "empty": [],
        "duplicates": [*found, *found],
        "different-duplicates": [*found, *found],
        "foreign-rows": list(world.visible_workloads),
    }.get(mode, found)


def _bulk_rows(state: State, rows: list[Record]) -> list[Record]:
    """Return the rows of a request without filters as the mode `bulk` has them."""
    mode, odd = state.modes.bulk, state.modes.bulk_rows
    if mode == "different-duplicates":
        half = len(rows) // 2
        return [*rows[:half], *({**row, "replicas": 97, "totalCost": 9999.0, "oomCountLast24h": 9} for row in rows[half:])]
    if mode == "no-ids":
        return [*({**row, "id": None} for row in rows[:odd]), *rows[odd:]]
    if mode == "unreadable-rows":
        return [*({"id": {}, "clusterName": 1.5} for _ in rows[:odd]), *rows[odd:]]
    return rows


def _labelled(state: State, items: list[str], *, any_of: bool) -> Iterable[SimulatedWorkload]:
    world = state.world()
    if not items:
        return world.visible_workloads
    if any_of:
        found = {workload: None for item in items for workload in world.workloads_by_label.get(item, ())}
        return (workload for workload in world.visible_workloads if workload in found) if len(items) > 1 else found
    return (workload for workload in world.workloads_by_label.get(items[0], ()) if workload.label_items.issuperset(items))


async def _list_costs(state: State, request: Request) -> Response:
    query = read_query(request, {"multiCluster": _BOOLEAN, "range": tuple(RANGE_HOURS)})
    body = await read_json_object(request)
    _reject_unknown_keys(body, {"clusterFilters", "namespaces", "workloadTypes", "labels"})
    filters = {name: read_strings(body, name) for name in ("clusterFilters", "namespaces", "workloadTypes", "labels")}
    is_bulk = not (filters["namespaces"] or filters["workloadTypes"] or filters["labels"])
    for name, values in filters.items():
        if not values and not is_bulk:
            state.count("oddities", f"getWorkloads with empty {name}")
    clusters = _selected_clusters(state, request, query)
    hours = RANGE_HOURS[query.get("range", "7d")]
    found = [
        workload
        for workload in _labelled(state, filters["labels"], any_of=state.modes.cost_labels == "or")
        if workload.cluster in clusters
        and _passes(workload.cluster, filters["clusterFilters"])
        and _passes(workload.dash["namespace"], filters["namespaces"])
        and _passes(workload.dash["type"], filters["workloadTypes"])
    ]
    if is_bulk:
        found = _as_bulk(state, found, route="getWorkloads")
    rows = [_cost_row(state, workload, hours) for workload in found]
    if is_bulk:
        rows = _bulk_rows(state, rows)
        if state.modes.bulk == "other-shape":
            return JSONResponse([rows])
    return JSONResponse(_list_body("aggregatedWorkloads", rows, state.modes.costs_when_empty))


def _passes(value: str, allowed: list[str]) -> bool:
    return not allowed or value in allowed


def _cost_row(state: State, workload: SimulatedWorkload, hours: int) -> Record:
    row = workload.cost_of(hours)
    if state.modes.cost_ids != "as-is":
        row["id"] = row["id"].upper() if state.modes.cost_ids == "upper" else row["id"].swapcase()
    if state.modes.hourly_cost == "zero":
        row["hourlyCost"] = 0.0
    return row


async def _list_network_flags(state: State, request: Request) -> Response:
    read_query(request, {"multiCluster": _BOOLEAN})
    if state.modes.network_flags == "missing":
        return JSONResponse({})
    if state.modes.network_flags == "null":
        return JSONResponse({"networkCostEnabled": None})
    world = state.world()
    clusters = _selected_clusters(state, request, dict(request.query_params))
    flags = {cluster: on for cluster, on in world.network_enabled.items() if cluster in clusters}
    return JSONResponse({"networkCostEnabled": flags})


async def _list_destinations(state: State, request: Request) -> Response:
    query = read_query(request, {"name": None, "namespace": None, "workloadType": None, "from": None, "to": None})
    missing = {"name", "namespace", "workloadType", "from", "to"} - set(query)
    if missing:
        raise ApiError(400, f"query parameters are missing: {', '.join(sorted(missing))}")
    if not (query["from"].isdecimal() and query["to"].isdecimal() and int(query["from"]) < int(query["to"])):
        raise ApiError(400, "from and to must be milliseconds, from before to")
    cluster = _routed_cluster(state, request)
    if cluster is None:
        raise ApiError(400, "the header X-Scaleops-Cluster is missing")
    world = state.world()
    if not world.network_enabled.get(cluster, False):
        state.count("oddities", "workload-network on a cluster without it")
    workload = world.workload_by_key.get((cluster, query["namespace"], query["workloadType"], query["name"]))
    if workload is None:
        state.count("oddities", "workload-network of an unknown workload")
        return JSONResponse({"destinations": []})
    mode = workload.network.mode if state.modes.network == "as-is" else state.modes.network
    if mode == "error500":
        return PlainTextResponse("internal error", status_code=500)
    return JSONResponse(describe_network(workload.network.destinations, mode, milliseconds=int(query["to"]) - int(query["from"])))


async def _list_policies(state: State, request: Request) -> Response:
    read_query(request, {})
    cluster = _routed_cluster(state, request) or state.world().clusters[0]
    if state.modes.policies == "missing":
        return JSONResponse({})
    return JSONResponse({"policies": None if state.modes.policies == "null" else state.world().policies.get(cluster, ())})


def _selected_clusters(state: State, request: Request, query: dict[str, str]) -> set[str]:
    """Return the cluster of the header; else all, or without `multiCluster=true` the parent's own."""
    routed = _routed_cluster(state, request)
    if routed is not None:
        return {routed}
    world = state.world()
    if query.get("multiCluster") == "true":
        return set(world.clusters) - world.silent_clusters
    return {world.clusters[0]}


def _routed_cluster(state: State, request: Request) -> str | None:
    """Return the cluster that X-Scaleops-Cluster names; raise if it is unknown or not connected."""
    cluster = request.headers.get("x-scaleops-cluster")
    if cluster is None:
        return None
    world = state.world()
    if cluster not in world.clusters:
        raise ApiError(400, f"no cluster is named {cluster!r}")
    if cluster in world.silent_clusters:
        raise ApiError(502, f"cluster {cluster!r} is not connected")
    return cluster


def _list_body(name: str, rows: list[Record], when_empty: str) -> Record:
    if rows or when_empty == "list":
        return {name: rows}
    return {} if when_empty == "missing" else {name: None}


def _reject_unknown_keys(body: Record, known: set[str]) -> None:
    unknown = set(body) - known
    if unknown:
        raise ApiError(400, f"unknown keys in the body: {', '.join(sorted(unknown))}")
