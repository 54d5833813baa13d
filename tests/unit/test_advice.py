"""Advice: the predecessor's rules, and the one it had wrong."""

from decimal import Decimal
from typing import Any

import pytest

from domain.advice import Issue, IssuePriority, attainable_savings, find_issue, recommend
from domain.measures import Measured, Unknown
from domain.workload import CostRow, Workload
from tests.factories import make_workload

LEFT_OUT = Unknown("ScaleOps left it out")


def a_workload(
    name: str = "web",
    *,
    under: bool | None = False,
    over: bool | None = False,
    automated: bool | None = True,
    savings: str | None = "0",
) -> Workload:
    return make_workload(
        name,
        under_provisioned=under,
        over_provisioned=over,
        automated=automated,
        savings_available_per_month=None if savings is None else Decimal(savings),
    )


@pytest.mark.parametrize(
    ("under", "over", "automated", "expected"),
    [
        (True, True, True, (Issue.UNDER_PROVISIONED, IssuePriority.HIGH)),
        (True, False, False, (Issue.UNDER_PROVISIONED, IssuePriority.HIGH)),
        (False, True, False, (Issue.OVER_PROVISIONED, IssuePriority.HIGH)),
        (False, True, True, (Issue.OVER_PROVISIONED, IssuePriority.LOW)),
        (False, False, False, (Issue.NOT_AUTOMATED, IssuePriority.MEDIUM)),
        (False, False, True, None),
    ],
)
def test_each_finding_has_its_issue_and_priority(
    *, under: bool, over: bool, automated: bool, expected: tuple[Issue, IssuePriority] | None
) -> None:
    assert find_issue(under_provisioned=under, over_provisioned=over, automated=automated) == expected


def test_the_most_urgent_comes_first_then_the_largest_saving() -> None:
    workloads = [
        a_workload("low", over=True, savings="900"),
        a_workload("medium", automated=False, savings="5"),
        a_workload("small", over=True, automated=False, savings="0.5"),
        a_workload("unknown", over=True, automated=False, savings=None),
        a_workload("large", over=True, automated=False, savings="7"),
        a_workload("fine"),
    ]
    assert [advice.workload.key.name for advice in recommend(workloads)] == ["large", "small", "unknown", "medium", "low"]


def test_a_minimum_of_savings_never_hides_an_under_provisioned_workload() -> None:
    workloads = [
        a_workload("starved", under=True, savings="-3"),
        a_workload("starved-too", under=True, savings=None),
        a_workload("nine", over=True, savings="9.99"),
        a_workload("ten", over=True, savings="10"),
        a_workload("unknown", automated=False, savings=None),
    ]
    kept = [advice.workload.key.name for advice in recommend(workloads, min_savings_per_month=Decimal(10))]
    assert kept == ["starved-too", "starved", "ten"]


@pytest.mark.parametrize(
    ("savings", "under", "attainable"),
    [
        (Decimal(9), False, Decimal(9)),
        (Decimal(9), True, Decimal(0)),
        (Decimal(9), LEFT_OUT, Unknown("it is not known whether the workload is under-provisioned")),
        (Decimal(0), LEFT_OUT, Decimal(0)),
        (LEFT_OUT, True, LEFT_OUT),
        (LEFT_OUT, LEFT_OUT, LEFT_OUT),
    ],
)
def test_what_needs_more_saves_nothing(savings: Measured[Decimal], under: Measured[bool], attainable: Measured[Decimal]) -> None:
    assert attainable_savings(savings, under_provisioned=under) == attainable


def test_a_flag_that_was_left_out_counts_as_false() -> None:
    [advice] = recommend([a_workload(under=None, over=None, automated=None, savings=None)])
    assert (advice.issue, advice.priority) == (Issue.NOT_AUTOMATED, IssuePriority.MEDIUM)


@pytest.mark.parametrize(
    ("changes", "keeps", "memory_bytes"),
    [
        ({"oom_kills_24h": 1}, True, 1024),
        ({"oom_kills_24h": 1, "memory_request_bytes": 256}, False, 512),
        ({"oom_kills_24h": 0}, False, 512),
        ({"oom_kills_24h": None}, True, 1024),
    ],
)
def test_a_killed_workload_keeps_memory_that_scaleops_would_take(
    changes: dict[str, Any], memory_bytes: int, *, keeps: bool
) -> None:
    [advice] = recommend([make_workload(over_provisioned=True, **changes)])
    assert (advice.keeps_memory, advice.memory_bytes) == (keeps, memory_bytes)


@pytest.mark.parametrize(("spot", "on_demand", "hours"), [(168, 336, 504), (None, 336, None), (168, None, None), (0, 0, 0)])
def test_pod_hours_are_those_on_spot_and_on_demand_nodes(
    spot: float | None, on_demand: float | None, hours: float | None
) -> None:
    assert CostRow(id="shop_Deployment_web", spot_hours=spot, on_demand_hours=on_demand).pod_hours == hours
