"""The page of a component with 2,000 oddly named workloads: small enough, the most important first, and harmless."""

import csv
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from actions.context import LiveContext
from actions.history.view import read_history
from clients.scaleops.links import DashboardLinks
from gateway.auth.callers import Caller
from gateway.request import GatewayRequest
from gateway.web.alert_forms import AlertForms
from gateway.web.alert_pages import PageVisit
from gateway.web.component_page import ComponentPage
from reports.render.tables import write_csv
from store import Store
from tests.factories import make_component, make_measurement, make_team
from tests.stage_factories import make_history_context, make_policy, make_request_context, record_sweep
from tests.unit.odd_team import DANGER, ODD_NAMES, WORKLOADS, odd_name, odd_points
from tests.unit.report_samples import NOW
from tests.unit.test_odd_team import DIRECTION, INVISIBLE, TagParser

CALLER = Caller(kind="static", subject="ci")
LIVE = cast("LiveContext", SimpleNamespace(link=DashboardLinks("https://scaleops.example")))


@pytest.fixture
def page(sqlite_store: Store) -> Iterator[ComponentPage]:
    measurement = make_measurement("odd", *odd_points(), as_of=NOW, warnings=ODD_NAMES)
    record_sweep(sqlite_store, NOW, measurement, components=[make_component("odd", title=ODD_NAMES[1])], teams=[make_team()])
    history = make_history_context(sqlite_store, NOW)
    with read_history(history) as view:
        yield ComponentPage.read(
            view,
            PageVisit(
                context=make_request_context(history=history, live=LIVE),
                caller=CALLER,
                request=cast("GatewayRequest", SimpleNamespace(query=b"", require_caller=lambda: CALLER)),
                forms=AlertForms(None),
                parameters={"kind": "component", "namespace": "default", "name": "odd"},
            ),
            make_policy(),
        )


def test_it_is_below_a_megabyte_with_the_danger_first(page: ComponentPage) -> None:
    html = page.render(problem="")
    assert len(html.encode()) < 1_000_000
    assert page.workloads[0].point.key.name == odd_name(DANGER)
    assert f"{WORKLOADS - 200:,} more workloads in the table as CSV or JSON." in html
    parser = TagParser()
    parser.feed(html)
    assert parser.tags.isdisjoint({"script", "img", "iframe", "object"})
    assert DIRECTION.search(html) is None
    assert INVISIBLE.search(html) is None


def test_its_csv_runs_nothing_and_has_every_workload(page: ComponentPage) -> None:
    workloads = page.tables()[0]
    rows = list(csv.reader(io.StringIO(write_csv(workloads), newline="")))
    assert len(rows) == WORKLOADS + 1
    assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert not [cell for row in rows for cell in row if DIRECTION.search(cell)]
