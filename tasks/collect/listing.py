"""Stores the catalog's listing: components, teams, and their routing keys when they can be sealed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from actions.ports import Catalog
from tasks.collect.progress import Progress
from tasks.context import StageContext


def list_catalog(
    context: StageContext,
    catalog: Catalog,
    *,
    as_of: datetime,
    progress: Progress,
    on_first_page: Callable[[], None] = lambda: None,
) -> str:
    """Store the listing, one transaction per page; return why it is incomplete, or an empty string.

    `on_first_page` is called when the first page has arrived, so that other work can start while the rest is listed.
    Raises ServiceError if the first page cannot be fetched; nothing has been changed then.
    """
    listing = catalog.listing()
    sealer = context.services.sealer
    seen = 0
    for number, page in enumerate(listing):
        if number == 0:
            on_first_page()
        with context.store.transaction() as transaction:
            transaction.components.record_page(page.components, page.teams, as_of=as_of)
            if sealer is not None:
                for fingerprint, key in page.routing_keys.items():
                    transaction.sealed_keys.put(fingerprint, sealer.seal(key))
        seen += len(page.components)
        progress.listed(seen)
    with context.store.transaction() as transaction:
        known = transaction.components.count()
        # A token that lost its permission gets an empty list, and no error.
        is_empty = listing.is_complete and not seen and known > 0
        complete = listing.is_complete and not is_empty
        transaction.components.finish_listing(as_of=as_of, complete=complete)
        transaction.sweeps.record_listing(as_of, expected=transaction.components.count(), complete=complete)
    if is_empty:
        return f"the catalog returned no component, though {known} are known; none is counted as removed"
    return listing.reason
