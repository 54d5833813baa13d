"""Finds the PagerDuty routing key that a row names by its fingerprint."""

from __future__ import annotations

from domain.component import RoutingKey
from tasks.context import StageContext


def find_routing_key(context: StageContext, fingerprint: str) -> RoutingKey | None:
    """Open the sealed row; without one, ask settings and catalog. None: the key is not known any more.

    Raises:
        ServiceError: the catalog, asked last, gave no answer.
    """
    sealer = context.services.sealer
    if sealer is not None:
        with context.store.reading() as t:
            sealed = t.sealed_keys.get(fingerprint)
        opened = sealer.open(sealed) if sealed is not None else None
        if opened is not None:
            return opened
    return context.services.routing_key(fingerprint)
