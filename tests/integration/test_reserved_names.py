"""Teams whose names the application uses for something else: their reports and links are theirs alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import pytest
from mcp import Client

from actions.context import HistoryContext
from actions.history.reports import team_of_slug
from domain.refs import PLATFORM, EntityRef
from domain.weeks import IsoWeek
from reports.links import PLATFORM_SLUG, Links, team_slug
from simulator.serving import Simulator
from store import Store
from tasks.report.stage import report_due
from tests.factories import make_component, make_measurement, make_point, make_team
from tests.integration.history_sample import DUE, MONDAY, NOW, run
from tests.integration.mcp_clients import talk
from tests.services.gateways import ServedGateway, ServeGateway
from tests.stage_factories import make_history_context, make_stage_context, record_sweep
from wiring.secrets import page_links

NAMES: Final = ("platform", "all", "latest", "~platform")
WEEK: Final = "2026-W47"
PUBLIC: Final = "https://reports.example.com"


def fill(store: Store) -> None:
    """Write two weeks of a component of each team; the n-th costs n+1."""
    teams = [EntityRef.of("group", "default", name) for name in NAMES]
    for as_of in (MONDAY - timedelta(days=7), MONDAY):
        record_sweep(
            store,
            as_of,
            *(
                make_measurement(f"of-{number}", make_point(f"p{number}", cost_7d=Decimal(number + 1)), as_of=as_of, team=team)
                for number, team in enumerate(teams)
            ),
            components=[make_component(f"of-{number}", team=team) for number, team in enumerate(teams)],
            teams=[make_team(team, title=f"The group {team.name}") for team in teams],
        )
    report_due(make_stage_context(store, DUE))


@pytest.fixture
def history(sqlite_store: Store) -> HistoryContext:
    fill(sqlite_store)
    return make_history_context(sqlite_store, NOW)


@pytest.fixture
def gateway(serve_gateway: ServeGateway, simulator: Simulator) -> ServedGateway:
    simulator.state.clock.set(NOW)
    served = serve_gateway(worker_secret_key="a-secret-key-of-this-installation")
    fill(served.dependencies.store)
    return served


@pytest.mark.parametrize("name", NAMES)
def test_a_signed_link_opens_the_report_of_its_team(gateway: ServedGateway, name: str) -> None:
    signer = page_links(gateway.settings)
    page = Links(pages=PUBLIC).report(team_slug(EntityRef.of("group", "default", name)), IsoWeek.parse(WEEK))
    assert signer is not None
    assert page is not None
    target = urlsplit(signer.sign(page, NOW + timedelta(days=1)))

    html = gateway.client.get(f"{target.path}?{target.query}")

    assert html.status_code == 200
    assert f"The group {name}" in html.text
    assert "All teams" not in html.text


def test_the_resources_of_mcp_are_the_reports_that_they_name(gateway: ServedGateway) -> None:
    async def read(client: Client) -> dict[str, str]:
        listed = (await client.list_resources()).resources
        return {one.title or "": str((await client.read_resource(one.uri)).contents[0]) for one in listed}

    pages = talk(gateway, gateway.as_ci(), read)

    assert all(f"The group {name}" in pages[f"Weekly report of group:default/{name}, {WEEK}"] for name in NAMES)
    assert "All teams" in pages[f"Weekly report of all teams, {WEEK}"]


def test_the_index_links_to_each_team_and_to_the_roll_up(gateway: ServedGateway) -> None:
    index = gateway.client.get("/reports", headers=gateway.as_ci()).text

    for slug in ("platform", "all", "latest", "%257Eplatform", PLATFORM_SLUG):
        assert f'"/reports/{slug}/{WEEK}.html"' in index
    assert "The group platform" in gateway.client.get(f"/reports/platform/{WEEK}", headers=gateway.as_ci()).text
    assert "All teams" in gateway.client.get(f"/reports/{PLATFORM_SLUG}/{WEEK}", headers=gateway.as_ci()).text


@pytest.mark.parametrize("name", NAMES)
def test_an_action_means_the_group_by_its_reference(history: HistoryContext, name: str) -> None:
    ref = f"group:default/{name}"

    report = run(history, "get_team_report", team=ref)
    delivery = run(history, "explain_delivery", about=ref)

    assert (report["team"], report["report"]["headline"]["cost"]["amount"]) == (ref, NAMES.index(name) + 1)
    assert all(message["key"].startswith(f"report:weekly:{ref}:") for message in delivery["messages"])


def test_all_is_the_roll_up_in_actions_and_nothing_else_is(history: HistoryContext) -> None:
    roll_up = run(history, "get_team_report", team="all")

    assert (roll_up["team"], roll_up["report"]["headline"]["cost"]["amount"]) == ("all", sum(range(1, len(NAMES) + 1)))
    assert run(history, "get_team_report", team="platform")["team"] == "group:default/platform"
    assert run(history, "explain_delivery", about="all")["messages"][-1]["key"].startswith("report:weekly:platform:")
    assert run(history, "explain_delivery", about="platform")["messages"][-1]["key"].startswith("report:weekly:group:")


@pytest.mark.parametrize(
    "team", ["group:default/payments", "group:infra/~platform", "user:default/ann", "group:a~b/c%7e", PLATFORM]
)
def test_a_slug_is_read_as_the_team_that_it_was_made_of(team: str | EntityRef) -> None:
    ref = team if isinstance(team, EntityRef) else EntityRef.parse(team)

    assert team_of_slug(team_slug(ref)) == ref


def test_no_entity_of_a_catalog_is_the_platform() -> None:
    assert EntityRef.parse("Platform:default/platform") != PLATFORM
    assert team_of_slug("platform~default~platform") != PLATFORM
