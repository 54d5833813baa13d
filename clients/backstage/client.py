"""A live Backstage catalog, with a static external-access token, and what it shows to the holder of another token.

Source: the catalog backend 4.0 (`/entities/by-query`, `/entities/by-name`, `/entities/by-refs`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, TypeAdapter

from clients.backstage.entities import EntityDocument, EntityParser, UnreadableEntity, describe_entity, read_entity
from clients.backstage.listings import CatalogListing, EntityRows
from clients.http.async_client import AsyncHttpClient
from clients.http.client import HttpClient
from clients.http.errors import ErrorKind, ServiceError
from clients.http.messages import HttpRequest, parse_json, read_json, schema_error
from domain.component import Component
from domain.refs import EntityRef
from domain.selectors import KUBERNETES_ID, LABEL_SELECTOR

PAGE_SIZE: Final = 500
"""Entities a page of a listing, and references a request."""
_VISIBILITY_BATCH_SIZE: Final = 200

_FIELDS: Final = (
    "kind",
    "metadata.name",
    "metadata.namespace",
    "metadata.title",
    "metadata.annotations",
    "spec.owner",
    "spec.lifecycle",
    "spec.system",
    "spec.parent",
    "spec.profile.displayName",
    "relations",
)
_REF_FIELDS: Final = ("kind", "metadata.namespace", "metadata.name")


class _PageInfo(BaseModel):
    next_cursor: str | None = Field(default=None, alias="nextCursor")


class _EntitiesResponse(BaseModel):
    items: list[JsonValue]
    total_items: Annotated[int | None, BeforeValidator(lambda sent: sent if isinstance(sent, int) else None)] = Field(
        default=None, alias="totalItems"
    )
    page_info: Annotated[_PageInfo, BeforeValidator(lambda sent: sent or {})] = Field(default=_PageInfo(), alias="pageInfo")


_ENTITIES_RESPONSE: Final = TypeAdapter(_EntitiesResponse)


class BackstageCatalog:
    """Implements `actions.ports.Catalog`. The base URL of `http` is that of the backend. Every method raises ServiceError."""

    def __init__(
        self, http: HttpClient, token: str | None, *, parser: EntityParser | None = None, page_size: int = PAGE_SIZE
    ) -> None:
        self._http = http
        self._headers = {} if token is None else _bearer(token)
        self._parser = parser or EntityParser()
        self._page_size = page_size

    def component(self, ref: EntityRef) -> Component:
        """Return one entity of any kind; `ErrorKind.NOT_FOUND` if there is none that the token may see."""
        path = "/".join(quote(part, safe="") for part in (ref.kind, ref.namespace, ref.name))
        request = HttpRequest(method="GET", target=f"/api/catalog/entities/by-name/{path}", headers=self._headers)
        response = self._http.send(request)
        try:
            document = read_entity(read_json(self._http.service, request, response))
        except UnreadableEntity as error:
            raise schema_error(self._http.service, request, response, str(error)) from None
        return self._parser.component(document, find_known=self._find_known)

    def listing(self) -> CatalogListing:
        """List every entity with a label-selector or kubernetes-id annotation, and the teams that own them."""
        query = _ByQuery(self._http, self._headers, self._page_size)
        return CatalogListing(query.pages, self._by_refs, parser=self._parser, shortfall=query.shortfall)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def _find_known(self, refs: Sequence[EntityRef]) -> Collection[EntityRef]:
        return {ref for ref, document in zip(refs, self._by_refs(refs), strict=True) if document is not None}

    def _by_refs(self, refs: Sequence[EntityRef]) -> Sequence[EntityDocument | None]:
        """Return entities in the order of their references; None for an unknown one."""
        documents: list[EntityDocument | None] = []
        for chunk in _batches(refs, self._page_size):
            request = _refs_request(chunk, _FIELDS, self._headers)
            items = parse_json(self._http.service, _ENTITIES_RESPONSE, request, self._http.send(request)).items
            documents.extend(_parse(item) for item in _one_per_ref(items, chunk, request))
        return documents


async def filter_visible(http: AsyncHttpClient, refs: Sequence[EntityRef], *, token: str) -> frozenset[EntityRef]:
    """Return the entities that the catalog shows to the holder of a token. Raises ServiceError."""

    async def visible(batch: Sequence[EntityRef]) -> list[EntityRef]:
        request = _refs_request(batch, _REF_FIELDS, _bearer(token))
        items = parse_json(http.service, _ENTITIES_RESPONSE, request, await http.send(request)).items
        return [
            ref for ref, item in zip(batch, _one_per_ref(items, batch, request), strict=True) if item and isinstance(item, dict)
        ]

    batches = await asyncio.gather(*(visible(batch) for batch in _batches(refs, _VISIBILITY_BATCH_SIZE)))
    return frozenset(ref for batch in batches for ref in batch)


class _ByQuery:
    """One pass over by-query. `total` is the number of entities that the first page announced."""

    def __init__(self, http: HttpClient, headers: Mapping[str, str], page_size: int) -> None:
        self._http = http
        self._headers = headers
        self._page_size = page_size
        self.total: int | None = None

    def pages(self) -> Iterator[EntityRows]:
        """Follow the cursors. A cursor does not contain fields and limit, so every request sends them."""
        options = [("fields", ",".join(_FIELDS)), ("limit", str(self._page_size))]
        first = [
            ("filter", f"metadata.annotations.{LABEL_SELECTOR}"),
            ("filter", f"metadata.annotations.{KUBERNETES_ID}"),
            ("orderField", "metadata.name,asc"),
        ]
        response = self._fetch(first + options)
        self.total = response.total_items
        yield _rows(response.items)
        cursors: set[str] = set()
        while cursor := response.page_info.next_cursor:
            if cursor in cursors:
                message = "Backstage answered GET /api/catalog/entities/by-query with a cursor that it sent before"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
            cursors.add(cursor)
            response = self._fetch([("cursor", cursor), *options])
            yield _rows(response.items)

    def shortfall(self, rows: int) -> str:
        """Return why this number of rows is not all; empty if it is."""
        if self.total is None or rows >= self.total:
            return ""
        return f"the catalog announced {self.total} entities and listed {rows}"

    def _fetch(self, query: list[tuple[str, str]]) -> _EntitiesResponse:
        request = HttpRequest(method="GET", target=f"/api/catalog/entities/by-query?{urlencode(query)}", headers=self._headers)
        return parse_json(self._http.service, _ENTITIES_RESPONSE, request, self._http.send(request))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _batches(refs: Sequence[EntityRef], size: int) -> Iterator[Sequence[EntityRef]]:
    return (refs[start : start + size] for start in range(0, len(refs), size))


def _refs_request(refs: Sequence[EntityRef], fields: Sequence[str], headers: Mapping[str, str]) -> HttpRequest:
    return HttpRequest(
        method="POST",
        target="/api/catalog/entities/by-refs",
        headers={**headers, "Content-Type": "application/json"},
        body=json.dumps({"entityRefs": [str(ref) for ref in refs], "fields": fields}).encode(),
    )


def _one_per_ref(items: list[JsonValue], refs: Sequence[EntityRef], request: HttpRequest) -> list[JsonValue]:
    if len(items) != len(refs):
        message = f"Backstage answered {request.route} with {len(items)} entities for {len(refs)} references"
        raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
    return items


def _parse(item: JsonValue) -> EntityDocument | None:
    """Return None for what is not an entity."""
    try:
        return read_entity(item)
    except UnreadableEntity:
        return None


def _rows(items: Sequence[JsonValue]) -> EntityRows:
    documents: list[EntityDocument] = []
    unreadable: list[str] = []
    for position, item in enumerate(items, start=1):
        try:
            documents.append(read_entity(item))
            problem = documents[-1].annotations_problem
        except UnreadableEntity as error:
            problem = str(error)
        if problem:
            unreadable.append(f"{describe_entity(item) or f'row {position} of a page'} ({problem})")
    return EntityRows(documents=documents, unreadable=unreadable, count=len(items))
