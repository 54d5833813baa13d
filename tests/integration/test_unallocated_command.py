"""What `unallocated` and `status` print: never a sum without what it lacks, and no trust in what is switched off."""

from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from domain.bulk_trust import BulkCheck, BulkSubject
from domain.inventory import InventoryWorkload, allocate_costs
from domain.measures import Unknown
from store import Store, migrate
from tests.factories import SLOT, make_component, make_key, make_measurement
from tests.services.commands import Run
from tests.stage_factories import record_sweep


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A closed sweep with two workloads that no component claims; the cost of one is unknown."""
    url = f"sqlite:///{tmp_path}/worker.db"
    migrate(url)
    unclaimed = [
        InventoryWorkload(key=make_key("coredns"), cost_7d=Decimal(12)),
        InventoryWorkload(key=make_key("proxy"), cost_7d=Unknown("its costs are not trusted")),
    ]
    with closing(Store.open(url)) as store:
        record_sweep(store, SLOT, make_measurement("web"), components=[make_component("web")])
        with store.transaction() as transaction:
            check = BulkCheck(as_of=SLOT, subject=BulkSubject.INVENTORY, cluster=make_key().cluster, trusted=True, reason="")
            transaction.bulk_checks.record([check])
            transaction.unallocated.put(SLOT, allocate_costs(unclaimed, [], shared=()))
    return url


def test_a_sum_is_printed_with_its_time_what_it_lacks_and_which_workloads_it_is_of(run: Run, url: str) -> None:
    out = run("unallocated", DATABASE_URL=url).out
    assert "$12.00 for the 7 days to 2026-11-23 06:00 UTC, 100% of all known cost: 2 workloads that no component claims." in out
    assert "! the cost of 1 of 2 unallocated workloads is unknown" in out
    assert "coredns" in out


def test_what_is_switched_off_is_not_said_to_be_trusted(run: Run, url: str) -> None:
    assert "inventory       trusted since 2026-11-23 06:00 UTC" in run("status", DATABASE_URL=url).out
    off = run("status", DATABASE_URL=url, SCALEOPS_BULK="off").out
    assert "switched off (SCALEOPS_BULK=off)" in off
    assert "trusted since" not in off
    live = run("check-config", "--live", DATABASE_URL=url, SCALEOPS_BULK="off", SCALEOPS_BASE_URL="http://127.0.0.1:9").out
    assert "bulk responses: switched off (SCALEOPS_BULK=off)" in live
