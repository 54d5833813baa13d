"""A live Backstage catalog, read with a static external-access token.

Source: the catalog backend 4.0 (`/entities/by-query`, `/entities/by-name`, `/entities/by-refs`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from clients.backstage.entities import EntityDocument, EntityParser
from clients.backstage.listings import CatalogListing, Documents
from clients.http.client import ErrorKind, HttpClient, HttpRequest, ServiceError
from domain.component import Component
from domain.refs import EntityRef, InvalidReference
from domain.selectors import KUBERNETES_ID, LABEL_SELECTOR

PAGE: Final = 500
"""Entities a page of a listing, and references a look-up."""

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


class _PageInfo(BaseModel):
    nextCursor: str | None = None  # noqa: N815 - its name on the wire


class _QueryAnswer(BaseModel):
    items: list[JsonValue]
    totalItems: int | None = None  # noqa: N815 - its name on the wire
    pageInfo: _PageInfo = _PageInfo()  # noqa: N815 - its name on the wire


class _RefsAnswer(BaseModel):
    items: list[JsonValue]


_QUERY_ANSWER: Final = TypeAdapter(_QueryAnswer)
_REFS_ANSWER: Final = TypeAdapter(_RefsAnswer)
_ENTITY: Final = TypeAdapter(EntityDocument)


class BackstageCatalog:
    """Backstage as `actions.ports.Catalog` sees it. The line's base URL is that of the backend. Every method raises ServiceError."""

    def __init__(self, line: HttpClient, token: str | None, *, reader: EntityParser | None = None, page: int = PAGE) -> None:
        self._line = line
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._reader = reader or EntityParser()
        self._page = page

    def component(self, ref: EntityRef) -> Component:
        """Look up one entity of any kind; `Fault.NOT_FOUND` when there is none that our token may see."""
        path = "/".join(quote(part, safe="") for part in (ref.kind, ref.namespace, ref.name))
        request = HttpRequest(method="GET", target=f"/api/catalog/entities/by-name/{path}", headers=self._headers)
        document = self._line.parse(_ENTITY, request, self._line.exchange(request))
        try:
            return self._reader.component(document)
        except InvalidReference as bad:
            message = f"Backstage answered {request.route} with a bad name: {bad}"
            raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=True) from None

    def listing(self) -> CatalogListing:
        """List every entity with a label-selector or kubernetes-id annotation, and the teams that own them."""
        query = _Query(self._line, self._headers, self._page)
        return CatalogListing(query.pages, self._by_refs, reader=self._reader, expected=lambda: query.total)

    def close(self) -> None:
        """Close the idle connections."""
        self._line.close()

    def _by_refs(self, refs: Sequence[EntityRef]) -> Documents:
        """Look up entities by reference, in the same order; None for one that is unknown."""
        found: list[EntityDocument | None] = []
        for start in range(0, len(refs), self._page):
            chunk = refs[start : start + self._page]
            request = HttpRequest(
                method="POST",
                target="/api/catalog/entities/by-refs",
                headers={**self._headers, "Content-Type": "application/json"},
                body=json.dumps({"entityRefs": [str(ref) for ref in chunk], "fields": _FIELDS}).encode(),
            )
            items = self._line.parse(_REFS_ANSWER, request, self._line.exchange(request)).items
            if len(items) != len(chunk):
                message = f"Backstage answered {request.route} with {len(items)} entities for {len(chunk)} references"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
            found.extend(None if item is None else _read(item) for item in items)
        return found


class _Query:
    """One walk through by-query. `total` is what the catalog says there is, once the first page came."""

    def __init__(self, line: HttpClient, headers: dict[str, str], page: int) -> None:
        self._line = line
        self._headers = headers
        self._page = page
        self.total: int | None = None

    def pages(self) -> Iterator[Documents]:
        """Follow the cursors; fields and limit are not part of a cursor and are sent with each."""
        wanted = [("fields", ",".join(_FIELDS)), ("limit", str(self._page))]
        start = [
            ("filter", f"metadata.annotations.{LABEL_SELECTOR}"),
            ("filter", f"metadata.annotations.{KUBERNETES_ID}"),
            ("orderField", "metadata.name,asc"),
        ]
        answer = self._ask(start + wanted)
        self.total = answer.totalItems
        yield [_read(item) for item in answer.items]
        cursors: set[str] = set()
        while answer.pageInfo.nextCursor:
            cursor = answer.pageInfo.nextCursor
            if cursor in cursors:
                message = "Backstage answered GET /api/catalog/entities/by-query with a page that leads in a circle"
                raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
            cursors.add(cursor)
            answer = self._ask([("cursor", cursor), *wanted])
            yield [_read(item) for item in answer.items]

    def _ask(self, query: list[tuple[str, str]]) -> _QueryAnswer:
        request = HttpRequest(method="GET", target=f"/api/catalog/entities/by-query?{urlencode(query)}", headers=self._headers)
        return self._line.parse(_QUERY_ANSWER, request, self._line.exchange(request))


def _read(item: JsonValue) -> EntityDocument | None:
    """Read one entity; None when it is none. The listing counts those."""
    try:
        return _ENTITY.validate_python(item)
    except ValidationError:
        return None
