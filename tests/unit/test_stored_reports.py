"""The stored content of a report of an earlier release is still shown, in every form."""

from pathlib import Path

import pytest

from reports import content
from reports.render.documents import render_markdown, render_page
from reports.render.report_tables import tables_of
from reports.render.slack import render_slack

RELEASES = Path(__file__).parent.parent / "data" / "releases"


@pytest.fixture(scope="module", params=sorted(path.parent.name for path in RELEASES.glob("*/report.json")))
def stored(request: pytest.FixtureRequest) -> content.Report:
    return content.Report.model_validate_json((RELEASES / request.param / "report.json").read_text(encoding="utf-8"))


def test_every_section_is_rendered(stored: content.Report) -> None:
    slack = "".join(str(message[-1].payload["text"]) for message in render_slack(stored))
    for rendering in (render_page(stored), render_markdown(stored), slack):
        assert "could not be rendered" not in rendering
        titles = [one.title for one in stored.sections if one.body is not None and one.body.kind != "trend"]
        assert [title for title in titles if title not in rendering] == []


def test_the_budgets_and_hot_spots_of_0_1_are_kept(stored: content.Report) -> None:
    budgets = next(one.body for one in stored.sections if isinstance(one.body, content.ComponentBudgets))
    network = next(one.body for one in stored.sections if isinstance(one.body, content.Network))
    assert budgets.components[0].month.sentence in render_page(stored)
    first = network.hot_spots[0]
    assert (first.label, first.places[0].cluster) == ("checkout", "prod@eu-west-1")
    assert first.places[0].cross_az_cost == first.cross_az_cost
    assert {"budgets-components", "network-hot-spots"} <= {table.name for table in tables_of(stored)}
