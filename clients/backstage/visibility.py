"""What the catalog shows to somebody: references asked about with that somebody's own token, on the event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, JsonValue, TypeAdapter

from clients.http.async_client import AsyncHttpClient
from clients.http.client import ErrorKind, HttpRequest, ServiceError
from domain.refs import EntityRef

BATCH: Final = 200


class _RefsAnswer(BaseModel):
    items: list[dict[str, JsonValue] | None]


_REFS: Final = TypeAdapter(_RefsAnswer)


async def filter_visible(line: AsyncHttpClient, refs: Sequence[EntityRef], *, token: str) -> frozenset[EntityRef]:
    """Answer which of the entities the catalog shows to the bearer of a token. Raises ServiceError."""
    batches = [refs[start : start + BATCH] for start in range(0, len(refs), BATCH)]
    answers = await asyncio.gather(*(_ask(line, batch, token) for batch in batches))
    return frozenset(ref for answer in answers for ref in answer)


async def _ask(line: AsyncHttpClient, refs: Sequence[EntityRef], token: str) -> list[EntityRef]:
    body = {"entityRefs": [str(ref) for ref in refs], "fields": ["kind", "metadata.namespace", "metadata.name"]}
    request = HttpRequest(
        method="POST",
        target="/api/catalog/entities/by-refs",
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        body=json.dumps(body).encode(),
    )
    answer = line.parse(_REFS, request, await line.exchange(request))
    if len(answer.items) != len(refs):
        message = f"Backstage answered {request.route} with {len(answer.items)} entities for {len(refs)} references"
        raise ServiceError(message, kind=ErrorKind.INVALID_RESPONSE, permanent=False)
    return [ref for ref, item in zip(refs, answer.items, strict=True) if item]
