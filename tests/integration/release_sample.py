"""The database that a release leaves behind: every table with rows. `tests.release_dump` keeps it as SQL when a release is made."""

from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from domain.bulk_trust import BulkCheck, BulkSubject
from domain.inventory import InventoryCosts, InventoryWorkload, NamespaceCost
from domain.measures import Total
from domain.messages import Channel
from domain.sweeps import WatchSource
from store import Store, Transaction
from store.engines import build_engine, reading
from store.urls import parse_url
from tests.factories import make_key, make_point
from tests.integration.history_sample import DUE, MONDAY, run_stages

WATCHED = MONDAY + timedelta(minutes=15)
SENT = DUE + timedelta(minutes=1)


def fill_every_table(store: Store) -> None:
    """Write what a week with alerts and reports leaves: sweeps of both kinds, their checks, an unallocated cost, a message that was sent."""
    run_stages(store)
    with store.transaction() as rows:
        _record_bulk(rows)
        _record_watch(rows)
        _send_one(rows)
        rows.sealed_keys.put("0123456789abcdef", b"sealed")
        rows.signing_keys.put("kid-1", {"kty": "EC", "kid": "kid-1"}, created_at=DUE, expires_at=DUE + timedelta(hours=3))
        rows.heartbeats.record("collect", at=MONDAY, details={"components": 5})
        rows.clusters.record_seen(["east", "west"], as_of=MONDAY)
        rows.clusters.record_lost("west", as_of=MONDAY)


def count_rows(url: str) -> dict[str, int]:
    """Return the number of rows of each table that a database has, whatever its version."""
    engine = build_engine(parse_url(url))
    with reading(engine) as connection:
        tables = sa.inspect(connection).get_table_names()
        found = {name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one() for name in tables}
    engine.dispose()
    return found


def _record_bulk(rows: Transaction) -> None:
    rows.bulk_checks.record([BulkCheck(as_of=MONDAY, subject=BulkSubject.INVENTORY, cluster="east", trusted=True, reason="")])
    orphan = InventoryWorkload(key=make_key("orphan", namespace="attic"), cost_7d=Decimal("31.50"))
    rows.inventory.add(MONDAY, [orphan])
    cost = NamespaceCost(
        cluster="east",
        namespace="attic",
        unallocated=Total(amount=Decimal("31.50"), known=1, parts=1),
        allocated=Total(amount=Decimal(0), known=0, parts=0),
    )
    rows.unallocated.put(MONDAY, InventoryCosts(namespaces=(cost,), largest=(orphan,)))


def _record_watch(rows: Transaction) -> None:
    assert rows.watch_sweeps.claim(WATCHED, now=WATCHED, dead_before=MONDAY)
    assert rows.watch_sweeps.close(
        WATCHED,
        opened_at=WATCHED,
        closed_at=WATCHED + timedelta(seconds=9),
        source=WatchSource.INVENTORY,
        failure="",
        found=[make_point("api", as_of=WATCHED, under_provisioned=True, oom_kills_24h=3)],
    )


def _send_one(rows: Transaction) -> None:
    claim = rows.outbox.claim_due(SENT, channel=Channel.PAGERDUTY, lease=timedelta(minutes=2), owner="worker-1")
    assert claim is not None
    assert rows.outbox.mark_sent(claim, SENT, variant=claim.message.renderings[0].variant, location=None)
