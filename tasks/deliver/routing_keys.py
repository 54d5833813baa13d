"""Finds the PagerDuty routing key that a row names by its fingerprint."""

from __future__ import annotations

from domain.component import RoutingKey
from tasks.context import StageContext


def find_routing_key(parts: StageContext, fingerprint: str) -> RoutingKey | None:
    """Open the sealed row; without one, ask settings and catalog. None: the key is not known any more.

    Raises:
        ServiceError: the catalog, asked last, gave no answer.
    """
    sealer = parts.services.sealer
    if sealer is not None:
        with parts.store.reading() as t:
            sealed = t.keys.get(fingerprint)
        opened = sealer.open(sealed) if sealed is not None else None
        if opened is not None:
            return opened
    return parts.services.routing_key(fingerprint)
