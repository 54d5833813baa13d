"""What to do: one entry a workload over clusters and namespaces, danger first, with the patch to copy; the same in every rendering."""

import re
from dataclasses import replace
from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from domain.closing_point import ClosingPoint
from domain.measures import Unknown
from domain.snapshots import WorkloadPoint
from reports import content
from reports.builders.report import build_team_report
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from tests.factories import make_key, make_measurement, make_point
from tests.unit import report_samples as samples

UNKNOWN = Unknown("ScaleOps left it out")


def report_of(*points: WorkloadPoint) -> content.Report:
    now = ClosingPoint(as_of=samples.NOW, measurements=(make_measurement("checkout", *points, as_of=samples.NOW),))
    return build_team_report(replace(samples.rich_facts(), now=now, then=None, followed=()))


def actions_of(report: content.Report) -> content.TopActions:
    return next(one.body for one in report.sections if isinstance(one.body, content.TopActions))


def wasteful(name: str, cluster: str, savings: int, namespace: str = "shop", **changes: Any) -> WorkloadPoint:
    key = make_key(name, cluster=cluster, namespace=namespace)
    return make_point(name, key=key, over_provisioned=True, savings_available_per_month=Decimal(savings), **changes)


def test_one_entry_a_workload_with_the_total_first_and_the_clusters_named() -> None:
    report = report_of(
        wasteful("ads", "east", 100), wasteful("ads", "west", 50), wasteful("cart", "east", 120), make_point("api", under_provisioned=True,
        cpu_recommended_millicores=2000.0)
    )  # fmt: skip
    actions = actions_of(report)
    assert actions.summary == "4 recommendations for 3 workloads over all clusters, €270.00 a month together."
    assert [one.sentence for one in actions.top] == [
        "Raise the requests of api: it is under-provisioned.",
        "Lower the requests of ads in 2 clusters to save €150.00 a month.",
        "Lower the requests of cart to save €120.00 a month.",
    ]
    ads = actions.top[1]
    assert [(place.cluster, int(place.monthly_savings or 0)) for place in ads.places] == [("east", 100), ("west", 50)]
    assert [patch.places for patch in ads.patches] == [("east / shop", "west / shop")], "the same patch for both"
    assert ads.places[0].sentence.startswith("CPU 1000m → 400m, memory 2048Mi → 1024Mi per pod; 2 pods together CPU 2000m → 800m")


def test_requests_that_differ_over_clusters_have_a_patch_each() -> None:
    (ads,) = actions_of(
        report_of(
            wasteful("ads", "east", 9),
            wasteful("ads", "west", 8, cpu_recommended_millicores=475.0),
            wasteful("ads", "east", 7, "b"),
        )
    ).top
    assert [(patch.places, patch.command) for patch in ads.patches] == [
        (("east / shop",), "kubectl -n shop set resources deployment/ads --requests=cpu=400m,memory=1024Mi"),
        (("west / shop",), "kubectl -n shop set resources deployment/ads --requests=cpu=475m,memory=1024Mi"),
        (("east / b",), "kubectl -n b set resources deployment/ads --requests=cpu=400m,memory=1024Mi"),
    ]


def test_danger_and_money_of_one_workload_are_two_entries() -> None:
    danger = make_point("ads", under_provisioned=True, oom_kills_24h=4, memory_recommended_bytes=3 * 2.0**30)
    top = actions_of(report_of(wasteful("ads", "west", 900), danger)).top
    assert [(one.issue, one.is_dangerous) for one in top] == [("under-provisioned", True), ("over-provisioned", False)]
    assert top[0].patches[0].yaml.endswith("memory: 3072Mi")
    assert "cpu" not in top[0].patches[0].yaml, "what has too little gets no less of anything"


@pytest.mark.parametrize(
    ("changes", "risk"),
    [
        ({}, "Less headroom; no OOM kills in the last 24 h"),
        ({"memory_recommended_bytes": 2.0 * 2**30}, "Less CPU headroom; no OOM kills in the last 24 h"),
        ({"memory_recommended_bytes": 2.0 * 2**30, "oom_kills_24h": UNKNOWN}, "Less CPU headroom; OOM kills unknown, memory is not lowered"),
        ({"oom_kills_24h": 2}, "Danger: OOM-killed 2x in the last 24 h"),
        ({"under_provisioned": True, "oom_kills_24h": UNKNOWN}, "Danger: too little CPU or memory, OOM kills unknown"),
        ({"over_provisioned": False, "automated": False}, "ScaleOps sets its requests from then on; no OOM kills in the last 24 h"),
    ],
)  # fmt: skip
def test_the_risk_is_one_phrase(changes: dict[str, Any], risk: str) -> None:
    (action,) = actions_of(report_of(replace(wasteful("ads", "east", 5), **changes))).top
    assert action.risk == risk
    if "Danger: OOM" in risk or "sets its" in risk:
        assert action.patches == ()


def test_under_provisioned_is_never_advised_to_get_less() -> None:
    (action,) = actions_of(report_of(make_point("api", under_provisioned=True))).top
    assert action.sentence == "Check the requests of api: it is under-provisioned, and ScaleOps recommends no more."
    assert action.patches == ()


def test_every_rendering_has_the_sentences_the_risks_and_the_commands() -> None:
    report = build_team_report(samples.rich_facts())
    actions = actions_of(report)
    slack = str([message[0].payload for message in render_slack(report)])
    for rendering in (render_page(report), render_markdown(report), slack):
        plain = unescape(rendering).replace("\\", "")
        assert actions.summary in plain
        for action in actions.top[:3]:
            assert action.sentence in plain
            assert action.risk in plain
            assert all(patch.command in plain for patch in action.patches)
            assert all(place.sentence in plain for place in action.places)


@pytest.mark.parametrize("spread", [1, 2000])
def test_two_thousand_workloads_render_within_bounds(spread: int) -> None:
    """All of one name, or each of its own."""
    points = [wasteful(f"w{number % spread}", f"c{number % 7}", number, f"n{number}") for number in range(2000)]
    report = report_of(*points)
    actions = actions_of(report)
    assert sum(one.workloads for one in actions.top) + actions.more == 2000
    assert len(render_page(report).encode()) < 1_000_000
    assert len(report.to_json()) < 1_500_000
    first = render_slack(report)[0][0].payload
    assert "1. Lower the requests of" in str(first["blocks"])
    assert len(render_slack(report)) < 10
    assert re.search(r"[\d,]+ more", render_markdown(report))
