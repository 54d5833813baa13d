"""The figures that explain a cost are kept with the points: hours on spot nodes, and the mean requests of the 7 days."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from actions.live.measure import measure
from domain.bulk_trust import find_disagreement, index_costs
from domain.measures import Unknown
from domain.snapshots import WorkloadPoint
from store import Store
from tests.factories import NOW, SLOT, make_cost_row, make_measurement, make_point, make_ref, make_workload
from tests.stage_factories import WEB, plan_workloads, record_sweep

DAY = timedelta(days=1)
LEFT_OUT = Unknown("ScaleOps left it out")
ROW = replace(make_cost_row(make_workload()), spot_hours=84.0, on_demand_hours=252.0)


def closed(store: Store, as_of: datetime, point: WorkloadPoint) -> None:
    record_sweep(store, as_of, make_measurement("checkout", point, as_of=as_of))
    with store.transaction() as transaction:
        transaction.snapshots.record_mean_requests(as_of)


def stored(store: Store, as_of: datetime = SLOT) -> WorkloadPoint:
    with store.reading() as transaction:
        measurement = transaction.snapshots.of_component(make_ref(), as_of)
    assert measurement is not None
    return measurement.points[0]


def test_the_mean_requests_are_those_of_the_seven_days_to_a_sweep(store: Store) -> None:
    cpu = {9: 9000.0, 8: 9000.0, 7: 500.0, 4: 500.0, 2: LEFT_OUT, 0: 2000.0}
    for days, millicores in cpu.items():
        closed(store, SLOT - days * DAY, make_point(cpu_request_millicores=millicores))
    assert stored(store).mean_cpu_request_millicores == 1000
    assert stored(store).mean_memory_request_bytes == 2 * 2**30
    assert stored(store, SLOT - 9 * DAY).mean_cpu_request_millicores == 9000


def test_unknown_requests_have_no_mean(store: Store) -> None:
    closed(store, SLOT, make_point(memory_request_bytes=LEFT_OUT, spot_hours_7d=84.0))
    assert (stored(store).mean_memory_request_bytes, stored(store).spot_hours_7d) == (None, 84)


@pytest.mark.parametrize(("spot_hours", "expected"), [(84.0, (336, 84)), (None, (LEFT_OUT, LEFT_OUT))])
def test_pod_hours_and_spot_hours_come_from_the_cost_row(spot_hours: float | None, expected: tuple[object, object]) -> None:
    web = make_workload()
    scaleops = plan_workloads(web, costs_by_cluster={"east": (replace(ROW, spot_hours=spot_hours),)}, flags={"east": False})
    [point] = measure(WEB, scaleops, as_of=NOW).measurement.points
    assert (point.pod_hours_7d, point.spot_hours_7d) == expected


@pytest.mark.parametrize("changes", [{"spot_hours": None}, {"on_demand_hours": 504.0}, {"spot_hours": 42.0}])
def test_a_bulk_row_with_other_hours_is_not_trusted(changes: dict[str, Any]) -> None:
    ids = index_costs([ROW]).by_id.keys()
    assert find_disagreement(index_costs([ROW]).by_id, [ROW], ids=ids) == ""
    assert "pod-hours" in find_disagreement(index_costs([replace(ROW, **changes)]).by_id, [ROW], ids=ids)
    assert index_costs([ROW, replace(ROW, **changes)]).by_id == {}, "two rows of one id disagree"
