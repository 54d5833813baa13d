"""Unallocated cost: sums and largest workloads of any inventory, which sweep closes a week, and the section of the roll-up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bulk_trust import BulkCheck, BulkSubject
from domain.inventory import LARGEST_PER_CLUSTER, InventoryWorkload, allocate_costs, unmeasured_costs
from domain.measures import Measured, Total, Unknown, known_or, sum_totals, total_of
from domain.unallocated import (
    InventoryCoverage,
    SweepUnallocated,
    choose_closing_inventory,
    describe_missing,
    describe_newest,
    reason_not_trusted,
    summarize_unallocated,
)
from domain.workload import WorkloadKey
from reports.builders.report import build_platform_report
from reports.builders.sentences import format_unallocated
from reports.builders.unallocated import build_unallocated
from reports.facts import UnallocatedFacts
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from tests.factories import SLOT, make_key
from tests.unit.report_samples import namespace_cost, platform_facts

COSTS = st.one_of(st.decimals(0, 1000, places=2), st.just(Unknown("not trusted")))
WORKLOADS = st.dictionaries(
    st.builds(
        make_key, st.sampled_from("abcdefgh"), cluster=st.sampled_from("xy"), namespace=st.sampled_from(["n1", "n2", "kube"])
    ),
    st.tuples(COSTS, st.booleans()),
    max_size=40,
)


def check(cluster: str, *, reason: str = "", trusted: bool = False) -> BulkCheck:
    return BulkCheck(as_of=SLOT, subject=BulkSubject.INVENTORY, cluster=cluster, trusted=trusted, reason=reason)


@given(WORKLOADS)
def test_every_workload_is_counted_once_and_the_parts_add_up(found: dict[WorkloadKey, tuple[Measured[Decimal], bool]]) -> None:
    inventory = [InventoryWorkload(key=key, cost_7d=cost) for key, (cost, _) in found.items()]
    claimed = [one for one, (_, is_claimed) in zip(inventory, found.values(), strict=True) if is_claimed]
    costs = allocate_costs(inventory, claimed, shared={"kube"})
    summary = summarize_unallocated(costs.namespaces, shared={"kube"})
    parts = (summary.unallocated, summary.shared, summary.allocated)
    everything = total_of(one.cost_7d for one in inventory)
    assert sum(part.parts for part in parts) == everything.parts
    assert sum(part.known for part in parts) == everything.known
    assert sum(known_or(part.amount, Decimal(0)) for part in parts) == known_or(everything.amount, Decimal(0))
    rest = [
        one for one in inventory if one not in claimed and one.key.namespace != "kube" and not isinstance(one.cost_7d, Unknown)
    ]
    assert sorted(one.key for one in costs.largest) == sorted(one.key for one in rest)


def test_only_the_largest_workloads_of_each_cluster_are_kept() -> None:
    many = [
        InventoryWorkload(key=make_key(f"w{number}", cluster=cluster), cost_7d=Decimal(number))
        for cluster in ("x", "y")
        for number in range(2 * LARGEST_PER_CLUSTER)
    ]
    kept = allocate_costs(many, [], shared=()).largest
    assert len(kept) == 2 * LARGEST_PER_CLUSTER
    assert min(known_or(one.cost_7d, Decimal(0)) for one in kept) == LARGEST_PER_CLUSTER


def coverage(hours: int, known: int, parts: int) -> InventoryCoverage:
    return InventoryCoverage(as_of=SLOT + timedelta(hours=hours), known=known, parts=parts)


@pytest.mark.parametrize(
    ("candidates", "hours"),
    [
        ([], None),
        ([coverage(0, 3, 4), coverage(6, 1, 4)], 6),
        ([coverage(0, 3, 4), coverage(6, 0, 4)], 0),
        ([coverage(0, 0, 4), coverage(6, 0, 4)], 6),
        ([coverage(0, 3, 4), coverage(6, 0, 0)], 6),
    ],
)
def test_the_newest_sweep_with_a_known_cost_closes_the_week(candidates: Sequence[InventoryCoverage], hours: int | None) -> None:
    expected = None if hours is None else SLOT + timedelta(hours=hours)
    assert choose_closing_inventory(candidates) == expected


def sentence_of(*costs: float | None, shared: Sequence[float] = (), allocated: float = 0, reason: str = "") -> str:
    namespaces = [namespace_cost("shop", *costs, allocated=allocated), namespace_cost("kube", *shared)]
    cost = Unknown(reason) if reason else summarize_unallocated(namespaces, shared={"kube"})
    return format_unallocated(build_unallocated(UnallocatedFacts(closing=SweepUnallocated(as_of=SLOT, cost=cost)), "EUR"))


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            sentence_of(20, 5, allocated=75),
            "€25.00 for 7 days, 25% of all cost, is unallocated: no component claims 2 workloads in 1 namespace.",
        ),
        (
            sentence_of(20, None, allocated=20),
            "€20.00 for 7 days (from 1 of 2 workloads), 50% of all known cost, is unallocated: no component claims 2 workloads in 1 namespace.",
        ),
        (
            sentence_of(None, allocated=75),
            "The cost of 1 workload that no component claims is unknown: its costs are not trusted.",
        ),
        (sentence_of(reason="it is empty"), "The cost that no component claims is unknown: it is empty."),
        (sentence_of(allocated=75), "A component claims every workload of the inventory."),
        (
            sentence_of(shared=[5], allocated=75),
            "A component claims every workload of the inventory outside of shared namespaces. €5.00 more is the cost of shared namespaces.",
        ),
    ],
)
def test_the_sentence_never_calls_the_unknown_nothing(sentence: str, expected: str) -> None:
    assert sentence == expected


def unknown_at(as_of: datetime | None) -> UnallocatedFacts:
    reason = "the inventory is not trusted: 3 workloads of prod-eu are missing in it"
    return UnallocatedFacts(closing=SweepUnallocated(as_of=as_of, cost=Unknown(reason)))


@pytest.mark.parametrize("as_of", [SLOT, None])
def test_every_rendering_gives_the_reason_while_the_inventory_is_not_trusted(as_of: datetime | None) -> None:
    report = build_platform_report(replace(platform_facts(), unallocated=unknown_at(as_of)))
    slack = "\n".join(str(rendering.payload["text"]) for message in render_slack(report) for rendering in message)
    for text in (render_page(report), render_markdown(report), slack):
        assert "is unknown: the inventory is not trusted: 3 workloads of prod-eu are missing in it." in text
        assert "claims every workload" not in text


@pytest.mark.parametrize(
    ("checks", "reason"),
    [
        ([], "the sweep fetched no inventory (SCALEOPS_BULK is off, or it was interrupted)"),
        ([check("", trusted=True)], "the inventory was not compared"),
        ([check("east", reason="short"), check("west", trusted=True)], "the inventory is not trusted: short"),
        ([check("east", reason="short"), check("west", reason="late")], "the inventory is not trusted: short; late"),
        (
            [replace(check("east", reason="x"), subject=BulkSubject.COSTS)],
            "the sweep fetched no inventory (SCALEOPS_BULK is off, or it was interrupted)",
        ),
    ],
)
def test_a_sweep_without_unallocated_cost_says_why(checks: list[BulkCheck], reason: str) -> None:
    assert reason_not_trusted(checks) == reason


def test_namespaces_are_listed_by_cost_and_unknown_ones_last() -> None:
    cost = cost_of(("a-small", "1"), ("an-unknown", None), ("large", "30"), ("same", "30"), ("b-zero", "0")).cost

    assert not isinstance(cost, Unknown)
    assert [one.namespace for one in cost.namespaces] == ["large", "same", "a-small", "b-zero", "an-unknown"]


def test_the_unallocated_share_is_of_all_known_cost() -> None:
    cost = cost_of(("orphan", "25"), ("claimed", "75"), ("other", None)).cost

    assert not isinstance(cost, Unknown)
    assert cost.share == Decimal("0.25")


def test_missing_costs_are_counted_apart_for_shared_and_claimed_workloads() -> None:
    costs = [namespace_cost("kube", 1, None), replace(namespace_cost("shop"), allocated=total_of([Unknown("x"), Decimal(2)]))]

    assert list(describe_missing(summarize_unallocated(costs, shared={"kube"}), without_workloads=0)) == [
        "the cost of 1 of 2 shared workloads is unknown",
        "the cost of 1 of 2 allocated workloads is unknown",
    ]


def test_the_total_of_nothing_is_an_amount_of_money() -> None:
    assert type(sum_totals([]).amount) is Decimal


def test_the_largest_workloads_come_first_in_each_cluster() -> None:
    inventory = [
        InventoryWorkload(key=make_key(f"w{cost}", cluster=cluster), cost_7d=Decimal(cost))
        for cluster in ("west", "east")
        for cost in range(LARGEST_PER_CLUSTER + 2)
    ]
    largest = allocate_costs(inventory, [], shared=()).largest

    assert [one.key.cluster for one in largest] == ["east"] * LARGEST_PER_CLUSTER + ["west"] * LARGEST_PER_CLUSTER
    costs = [one.cost_7d for one in largest[:LARGEST_PER_CLUSTER]]
    assert costs == [Decimal(cost) for cost in range(LARGEST_PER_CLUSTER + 1, 1, -1)]


def test_costs_that_are_not_trusted_keep_the_number_of_workloads() -> None:
    inventory = [InventoryWorkload(key=make_key(name, namespace="n"), cost_7d=Decimal(3)) for name in ("one", "two")]
    (free,) = unmeasured_costs(allocate_costs(inventory, [], shared=()).namespaces, reason="not trusted")
    (claimed,) = unmeasured_costs(allocate_costs(inventory, inventory, shared=()).namespaces, reason="not trusted")

    assert (free.cluster, free.namespace) == ("east", "n")
    assert free.unallocated == claimed.allocated == Total(amount=Unknown("not trusted"), known=0, parts=2)
    assert free.allocated == claimed.unallocated == Total(amount=Decimal(0), known=0, parts=0)


@pytest.mark.parametrize(
    ("without_workloads", "sentences"),
    [
        (0, ["the cost of 1 of 2 unallocated workloads is unknown", "east: no row"]),
        (
            1,
            [
                "the cost of 1 of 2 unallocated workloads is unknown",
                "east: no row",
                "1 component was never measured: a part of this may be theirs",
            ],
        ),
        (
            2,
            [
                "the cost of 1 of 2 unallocated workloads is unknown",
                "east: no row",
                "2 components were never measured: a part of this may be theirs",
            ],
        ),
    ],
)
def test_what_the_sums_lack_is_named(without_workloads: int, sentences: list[str]) -> None:
    cost = cost_of(("orphan", "1"), ("unknown", None)).cost

    assert not isinstance(cost, Unknown)
    assert list(describe_missing(cost, without_workloads=without_workloads)) == sentences


def cost_of(*costs: tuple[str, str | None]) -> SweepUnallocated:
    inventory = [
        InventoryWorkload(key=make_key(name, namespace=name), cost_7d=Unknown("no row") if cost is None else Decimal(cost))
        for name, cost in costs
    ]
    claimed = [one for one in inventory if one.key.name.startswith("claimed")]
    summary = summarize_unallocated(allocate_costs(inventory, claimed, shared=()).namespaces, shared=())
    return SweepUnallocated(as_of=SLOT, cost=summary)


@pytest.mark.parametrize(
    ("newest", "sentence"),
    [
        (None, "unknown: no sweep had a trusted inventory"),
        (SweepUnallocated(as_of=SLOT, cost=Unknown("not compared")), "unknown: not compared"),
        (cost_of(("orphan", None)), "unknown: no row"),
        (cost_of(("orphan", "25"), ("claimed", "75")), "$25.00 for the 7 days to 2026-11-23 06:00 UTC, 25% of all cost"),
        (
            cost_of(("orphan", "25"), ("claimed", "75"), ("other", None)),
            "$25.00 for the 7 days to 2026-11-23 06:00 UTC, 25% of all known cost",
        ),
        (cost_of(("orphan", "0")), "$0.00 for the 7 days to 2026-11-23 06:00 UTC"),
    ],
)
def test_the_newest_unallocated_cost_is_one_sentence(newest: SweepUnallocated | None, sentence: str) -> None:
    assert describe_newest(newest, "USD") == sentence
