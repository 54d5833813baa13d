"""The simulated Backstage catalog: by-query, by-name and by-refs with a static token, with Backstage's own errors."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import credentials
from simulator.catalog_query import Index, Query, index_entity, list_page, parse_filters, pick_fields
from simulator.errors import ApiError, read_json_object, read_strings
from simulator.state import State
from simulator.world import Record, World

_API: Final = "/api/catalog"
_DEFAULT_LIMIT: Final = 200
_PARAMETERS: Final = {"filter", "fields", "limit", "offset", "orderField", "cursor", "totalItems"}
_WITH_CURSOR: Final = {"fields", "limit", "cursor", "totalItems"}
"""A cursor contains the rest. Backstage ignores the other parameters; here they are an error, so that no client relies on them."""
_NAMES: Final = {400: "InputError", 401: "AuthenticationError", 404: "NotFoundError"}


def routes(state: State) -> list[Route]:
    """Return all routes of the service."""
    return [
        Route(f"{_API}/entities/by-query", _guarded(state, _list_by_query), methods=["GET"]),
        Route(f"{_API}/entities/by-refs", _guarded(state, _find_by_refs), methods=["POST"]),
        Route(f"{_API}/entities/by-name/{{kind}}/{{namespace}}/{{name}}", _guarded(state, _find_by_name), methods=["GET"]),
    ]


def _guarded(state: State, endpoint: Callable[[State, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            _require_token(request)
            return await endpoint(state, request)
        except ApiError as error:
            return error_response(request, error)

    return handle


def error_response(request: Request, error: ApiError) -> Response:
    """Return Backstage's error body."""
    path = request.url.path.partition(_API)[2]
    url = f"{path}?{request.url.query}" if request.url.query else path
    body = {
        "error": {"name": error.name or _NAMES.get(error.status, "Error"), "message": error.message},
        "request": {"method": request.method, "url": url},
        "response": {"statusCode": error.status},
    }
    return JSONResponse(body, status_code=error.status)


def _require_token(request: Request) -> None:
    header = request.headers.get("authorization")
    if header is None:
        raise ApiError(401, "Missing credentials", name="AuthenticationError")
    if header != f"Bearer {credentials.BACKSTAGE_TOKEN}":
        raise ApiError(401, "Illegal token", name="AuthenticationError")


async def _list_by_query(state: State, request: Request) -> Response:
    parameters = request.query_params
    unknown = set(parameters) - (_WITH_CURSOR if "cursor" in parameters else _PARAMETERS)
    if unknown:
        raise ApiError(400, f"Unknown query parameter {min(unknown)!r}", name="InputError")
    query = Query.from_cursor(parameters["cursor"]) if "cursor" in parameters else _read_query(request)
    page = list_page(
        catalog_of(state.world()).entries,
        query,
        limit=_read_number(request, "limit", _DEFAULT_LIMIT),
        offset=_read_number(request, "offset", 0),
    )
    fields = _read_fields(request)
    links = {"nextCursor": page.next_cursor, "prevCursor": page.previous_cursor}
    return JSONResponse(
        {
            "items": [pick_fields(entity, fields) for entity in page.items],
            "totalItems": 0 if parameters.get("totalItems") == "exclude" else page.total,
            "pageInfo": {name: cursor for name, cursor in links.items() if cursor is not None},
        }
    )


def _read_query(request: Request) -> Query:
    clauses = parse_filters(request.query_params.getlist("filter"))
    order = request.query_params.get("orderField")
    if order is None:
        return Query(clauses=clauses)
    field, _, direction = order.partition(",")
    if direction not in {"", "asc", "desc"}:
        raise ApiError(400, "Invalid order field order, must be 'asc' or 'desc'", name="InputError")
    return Query(clauses=clauses, order_field=field, descending=direction == "desc")


def _read_number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise ApiError(400, f"Invalid {name}, must be a number", name="InputError")
    return int(text)


def _read_fields(request: Request) -> list[str]:
    text = ",".join(request.query_params.getlist("fields"))
    if "[" in text:
        raise ApiError(400, "invalid field, must not contain array indexes", name="InputError")
    return [field for field in text.split(",") if field]


async def _find_by_name(state: State, request: Request) -> Response:
    kind, namespace, name = (request.path_params[part] for part in ("kind", "namespace", "name"))
    found = catalog_of(state.world()).by_ref.get(f"{kind}:{namespace}/{name}".lower())
    if found is None:
        raise ApiError(
            404, f"No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'", name="NotFoundError"
        )
    return JSONResponse(found)


async def _find_by_refs(state: State, request: Request) -> Response:
    body = await read_json_object(request)
    unknown = set(body) - {"entityRefs", "fields"}
    if unknown:
        raise ApiError(400, f"Unknown key {min(unknown)!r} in the body", name="InputError")
    refs = read_strings(body, "entityRefs")
    fields = read_strings(body, "fields") if "fields" in body else []
    known = catalog_of(state.world()).by_ref
    found = (known.get(_full_ref(ref)) for ref in refs)
    return JSONResponse({"items": [None if entity is None else pick_fields(entity, fields) for entity in found]})


def _full_ref(ref: str) -> str:
    kind, colon, rest = ref.lower().partition(":")
    if not colon or not kind or not rest:
        raise ApiError(
            400,
            f"Entity reference {ref!r} had missing or empty kind (e.g. did not start with 'component:' or similar)",
            name="InputError",
        )
    return f"{kind}:{rest if '/' in rest else f'default/{rest}'}"


@dataclass(frozen=True, kw_only=True)
class SimulatedCatalog:
    """A world's entities: in a list with their search index, and by reference."""

    entries: tuple[tuple[Record, Index], ...]
    by_ref: Mapping[str, Record]


@lru_cache(maxsize=8)
def catalog_of(world: World) -> SimulatedCatalog:
    """Return the catalog of a world, with namespace, uid, etag, location and relations of every entity."""
    filled = tuple(_fill_in(entity) for entity in world.entities)
    relations: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for entity in filled:
        for source, kind, target in _relations_of(entity):
            relations[source].add((kind, target))
    stitched = tuple(
        {**entity, "relations": [{"type": kind, "targetRef": target} for kind, target in sorted(relations[ref_of(entity)])]}
        for entity in filled
    )
    return SimulatedCatalog(
        entries=tuple((entity, index_entity(entity)) for entity in stitched),
        by_ref={ref_of(entity): entity for entity in stitched},
    )


def ref_of(entity: Record) -> str:
    """Return the entity's reference, in lower case."""
    metadata = entity["metadata"]
    return f"{entity['kind']}:{metadata.get('namespace', 'default')}/{metadata['name']}".lower()


def _fill_in(entity: Record) -> Record:
    metadata: Record = {"namespace": "default", **entity["metadata"]}
    location = {
        "backstage.io/managed-by-location": "file:./catalog/entities.yaml",
        "backstage.io/managed-by-origin-location": "file:./catalog/entities.yaml",
    }
    ref = ref_of(entity)
    metadata["annotations"] = {**location, **metadata.get("annotations", {})}
    metadata["uid"] = str(uuid.uuid5(uuid.NAMESPACE_URL, ref))
    metadata["etag"] = hashlib.sha256(repr(entity).encode()).hexdigest()[:40]
    return {"apiVersion": "backstage.io/v1alpha1", **entity, "metadata": metadata}


def _relations_of(entity: Record) -> Iterable[tuple[str, str, str]]:
    """Yield (source, type, target) in both directions, as Backstage's processors derive them from `spec`."""
    spec, ref = entity.get("spec", {}), ref_of(entity)
    namespace = entity["metadata"]["namespace"]
    pairs = (
        ("owner", "group", "ownedBy", "ownerOf"),
        ("system", "system", "partOf", "hasPart"),
        ("parent", "group", "childOf", "parentOf"),
        ("children", "group", "parentOf", "childOf"),
        ("members", "user", "hasMember", "memberOf"),
        ("memberOf", "group", "memberOf", "hasMember"),
        ("dependsOn", "component", "dependsOn", "dependencyOf"),
    )
    for key, kind, there, back in pairs:
        named = spec.get(key) or ()
        for text in (named,) if isinstance(named, str) else named:
            target = _target(text, kind, namespace)
            yield ref, there, target
            yield target, back, ref


def _target(text: str, kind: str, namespace: str) -> str:
    head, colon, tail = text.partition(":")
    rest = tail if colon else head
    return f"{head if colon else kind}:{rest if '/' in rest else f'{namespace}/{rest}'}".lower()
