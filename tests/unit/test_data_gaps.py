"""What could not be measured is grouped by cause, figure and cluster, in every rendering; workloads have no lines of their own."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.closing_point import ClosingPoint
from domain.measures import Unknown
from domain.snapshots import MEASURES, WorkloadPoint
from reports import content
from reports.builders.gaps import list_gaps
from reports.builders.names import names_of
from reports.builders.report import build_team_report
from reports.render.documents import render_markdown, render_page
from reports.render.slack import render_slack
from tests.factories import make_key, make_point
from tests.unit.report_samples import NOW, measured, rich_facts

REFUSED = "ScaleOps answered POST /detailedCostReport/getWorkloads with 500"
MANY = 400


def closing_of(*points: WorkloadPoint) -> ClosingPoint:
    return ClosingPoint(as_of=NOW, measurements=(measured("checkout", *points),))


def gaps_of(now: ClosingPoint) -> tuple[content.DataGap, ...]:
    return list_gaps(now, names_of(now, None, {})).gaps


def unknown_cost(number: int) -> WorkloadPoint:
    return make_point(f"w{number:03}", cluster="eu" if number % 4 else "us", as_of=NOW, cost_7d=Unknown(REFUSED))


def test_one_cause_over_two_clusters_is_one_sentence_and_lists_the_workloads_by_cluster() -> None:
    (gap,) = gaps_of(closing_of(*(unknown_cost(number) for number in range(MANY))))
    assert gap.sentence == f"Cost of 400 workloads on eu, us is unknown: {REFUSED}"
    assert [(one.cluster, len(one.workloads)) for one in gap.clusters] == [("eu", 300), ("us", 100)]
    assert (gap.figure, gap.reason, len(gap.names)) == ("cost", REFUSED, MANY)


def test_a_lost_cluster_is_one_sentence() -> None:
    points = [WorkloadPoint.unmeasured(as_of=NOW, key=make_key(f"w{n}", cluster="eu"), reason="it is lost") for n in range(3)]
    assert [gap.sentence for gap in gaps_of(closing_of(*points))] == ["Every figure of 3 workloads on eu is unknown: it is lost"]


def test_components_and_warnings_are_grouped_by_cause() -> None:
    names = ("a", "b", "c", "d", "e", "f", "g")
    now = ClosingPoint(as_of=NOW, measurements=tuple(measured(name, unknown="500", warnings=("odd selector",)) for name in names))
    assert [gap.sentence for gap in gaps_of(now)] == [
        "7 components: a, b, c, d, e and 2 more could not be measured: 500",
        "7 components: a, b, c, d, e and 2 more: odd selector",
    ]


@pytest.mark.parametrize("form", ["markdown", "slack", "page"])
def test_no_rendering_has_a_line_per_workload(form: str) -> None:
    points = (unknown_cost(number) for number in range(MANY))
    report = build_team_report(replace(rich_facts(), now=closing_of(*points), then=None, followed=()))
    gaps = report.model_copy(update={"sections": report.sections[-1:]})
    text = {
        "markdown": render_markdown,
        "page": render_page,
        "slack": lambda one: "\n".join(str(rendering.payload) for renderings in render_slack(one) for rendering in renderings),
    }[form](gaps)
    assert REFUSED in text
    assert sum("w123" in line for line in text.splitlines()) == (form == "page"), "the page lists them, folded"
    assert text.count("w1") <= text.count("\n") + MANY


figures = st.sampled_from((*MEASURES, "network"))
reasons = st.sampled_from(["500", "left out"])


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.dictionaries(figures, reasons, max_size=6)), max_size=40))
def test_gaps_are_bounded_by_causes_and_figures_and_lose_no_workload(drawn: list[tuple[str, dict[str, str]]]) -> None:
    points: list[WorkloadPoint] = []
    for number, (cluster, unknown) in enumerate(drawn):
        values: dict[str, Any] = {figure: Unknown(reason) for figure, reason in unknown.items()}
        points.append(make_point(f"w{number}", cluster=cluster, as_of=NOW, **values))
    gaps = gaps_of(closing_of(*points))
    assert len(gaps) <= 2 * 10
    assert len({(gap.figure, gap.reason) for gap in gaps}) == len(gaps)
    hidden = {"pod_hours_7d", "spot_hours_7d"}
    assert {name for gap in gaps for name in gap.names} == {
        str(point.key) for point, (_, unknown) in zip(points, drawn, strict=True) if unknown.keys() - hidden
    }
    for gap in gaps:
        assert all(one.cluster in gap.sentence for one in gap.clusters)
        assert sorted(gap.names) == sorted(name for one in gap.clusters for name in one.workloads)
        assert not any(name in gap.sentence for name in gap.names)
