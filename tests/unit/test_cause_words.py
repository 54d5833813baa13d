"""What a report says about why a cost changed: the phrase agrees with what happened, and with the sign of its part."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from domain.closing_point import ClosingPoint
from domain.cost_decomposition import decompose
from domain.cost_movers import CostMovers, group_movers
from domain.measures import Unknown
from domain.snapshots import WorkloadPoint
from reports.builders.causes import describe_causes
from tests.factories import SEARCH, make_key, make_measurement, make_point

THEN = datetime(2026, 11, 16, tzinfo=timezone.utc)
NOW = THEN + timedelta(days=7)
GIB = 2.0**30
LEFT_OUT = Unknown("ScaleOps left it out")


def point(as_of: datetime, cost: int | str = 100, name: str = "web", cluster: str = "east", **changes: Any) -> WorkloadPoint:
    usual = {"replicas": 4, "pod_hours_7d": 672.0, "listed_since": THEN - timedelta(days=60)}
    return make_point(name, cluster=cluster, as_of=as_of, cost_7d=Decimal(cost), **{**usual, **changes})


def closing(as_of: datetime, *points: WorkloadPoint) -> ClosingPoint:
    return ClosingPoint(as_of=as_of, measurements=(make_measurement("shop", *points, as_of=as_of),))


def movers_of(now: ClosingPoint, then: ClosingPoint) -> CostMovers:
    return group_movers(decompose(now, then), lambda _: Decimal(10))


def words(then: dict[str, Any], now: dict[str, Any]) -> str:
    (mover,) = movers_of(closing(NOW, point(NOW, **now)), closing(THEN, point(THEN, **then))).movers
    return describe_causes(mover, "UTC")


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ({}, {"cost": 229, "replicas": 10, "pod_hours_7d": 4 * 168 + 6 * 144.0}, "pods x2.5 since Tue 17 Nov"),
        ({}, {"cost": 229, "replicas": 10, "pod_hours_7d": 4 * 168 + 6 * 150.0}, "pods x2.5 since about Tue 17 Nov"),
        ({}, {"cost": 125, "replicas": 5, "pod_hours_7d": 5 * 168.0}, "pods from 4 to 5"),
        ({"replicas": 10, "pod_hours_7d": 1680.0}, {"cost": 40}, "pods from 10 to 4"),
        # autoscaled: not four pods all week before
        ({"pod_hours_7d": 500.0}, {"cost": 200, "replicas": 10, "pod_hours_7d": 1000.0}, "pod-hours +100%"),
        ({}, {"cost": 150, "pod_hours_7d": 1008.0}, "pod-hours +50%"),
        # fewer pods at midnight, more over the week
        ({}, {"cost": 150, "replicas": 2, "pod_hours_7d": 1008.0}, "pod-hours +50%"),
        ({"replicas": LEFT_OUT}, {"cost": 150, "pod_hours_7d": 1008.0}, "pod-hours +50%"),
        ({"cost": 0, "pod_hours_7d": 0.0}, {"cost": 40}, "ran, as it did not the week before"),
        (
            {"cpu_request_millicores": 500.0, "memory_request_bytes": 0.0},
            {"cost": 200, "memory_request_bytes": 0.0},
            "requests raised: CPU from 500m to 1 core per pod",
        ),
        (
            {"cpu_request_millicores": 2000.0, "memory_request_bytes": 4 * GIB},
            {"cost": 50},
            "requests lowered: CPU from 2 cores to 1 core and memory from 4 GiB to 2 GiB per pod",
        ),
        ({}, {"cost": 150, "mean_cpu_request_millicores": 1634.0}, "requests per pod +50%"),
        ({"spot_hours_7d": 537.6, "cost": 52}, {"cost": 88, "spot_hours_7d": 134.4}, "spot share fell from 80% to 20%"),
        ({}, {"cost": 112}, "price per pod-hour +12%"),
        ({"pod_hours_7d": LEFT_OUT}, {"cost": 150}, "unknown cause: its pod-hours are unknown"),
        ({}, {"cost": 300, "replicas": 8, "pod_hours_7d": 1344.0}, "pods x2, price per pod-hour +50%"),
    ],
)
def test_a_cause_says_what_happened(then: dict[str, Any], now: dict[str, Any], expected: str) -> None:
    assert words(then, now) == expected


def test_a_mover_names_the_clusters_that_its_cause_is_about() -> None:
    many: dict[str, Any] = {"replicas": 8, "pod_hours_7d": 1344.0}
    then = closing(THEN, point(THEN), point(THEN, cluster="west"))
    now = closing(NOW, point(NOW, 200, **many), point(NOW, 101, cluster="west"), point(NOW, 30, cluster="north"))
    (mover,) = movers_of(now, then).movers
    assert describe_causes(mover, "UTC") == "pods x2 on east, new on north"


def test_a_moved_workload_names_the_other_owner() -> None:
    nothing = replace(closing(NOW), owned_elsewhere={make_key("web"): SEARCH})
    (mover,) = movers_of(nothing, closing(THEN, point(THEN))).movers
    assert describe_causes(mover, "UTC") == "moved to group:default/search"
