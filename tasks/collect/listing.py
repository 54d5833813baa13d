"""Takes the catalog's listing into the store: components, teams, and their routing keys when they can be sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from actions.ports import Catalog
from domain.component import RoutingKey
from store import Transaction
from tasks.collect.progress import Progress
from tasks.context import KeySealer, StageContext


@dataclass(frozen=True, kw_only=True)
class ListingResult:
    """What came of listing the catalog."""

    components: int
    """Components the sweep is to measure: those listed, and those that are not gone yet."""
    is_complete: bool
    reason: str
    """Why it is not complete; empty when it is."""


def list_catalog(
    context: StageContext,
    catalog: Catalog,
    *,
    as_of: datetime,
    progress: Progress,
    once_it_answers: Callable[[], None] = lambda: None,
) -> ListingResult:
    """Stream the listing into the store, a transaction a page, and count who was missing when it was complete.

    `once_it_answers` is called when the first page has come, so that something else can go on beside the rest.
    Raises ServiceError when not even the first page can be had; nothing is changed then.
    """
    listing = catalog.listing()
    sealer = context.services.sealer
    seen = 0
    for number, page in enumerate(listing):
        if number == 0:
            once_it_answers()
        with context.store.transaction() as transaction:
            transaction.components.record_page(page.components, page.teams, as_of=as_of)
            for fingerprint, key in page.routing_keys.items():
                _keep(transaction, sealer, fingerprint, key, as_of)
        seen += len(page.components)
        progress.listed(seen)
    with context.store.transaction() as transaction:
        known = transaction.components.count()
        # A token that lost its permission is answered with an empty list, and without an error.
        is_hollow = listing.is_complete and not seen and known > 0
        complete = listing.is_complete and not is_hollow
        transaction.components.finish_listing(as_of=as_of, complete=complete)
        expected = transaction.components.count()
        transaction.sweeps.record_listing(as_of, expected=expected, complete=complete)
    reason = (
        f"the catalog answered no component at all, though {known} are known; nobody is taken for removed"
        if is_hollow
        else listing.reason
    )
    return ListingResult(components=expected, is_complete=complete, reason=reason)


def _keep(transaction: Transaction, sealer: KeySealer | None, fingerprint: str, key: RoutingKey, as_of: datetime) -> None:
    if sealer is not None:
        transaction.sealed_keys.put_sealed(fingerprint, sealer.seal(key), at=as_of)
