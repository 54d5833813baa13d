"""The Backstage client against the simulator: pages by cursor, teams by reference, incomplete listings."""

from pathlib import Path
from typing import Any

import pytest

from actions.ports import Listing
from clients.backstage.catalog_file import CatalogFile
from clients.http.errors import ErrorKind, ServiceError
from domain.component import CatalogPage
from domain.refs import EntityRef
from simulator.serving import Simulator
from tests.services.clients import backstage_of
from tests.services.simulated import PARITY_FOLDER

BY_QUERY = "GET /api/catalog/entities/by-query"
SHOP = {"kind": "Component", "metadata": {"name": "shop", "annotations": {"backstage.io/kubernetes-id": "shop"}}}
ODD = {"kind": "Component", "metadata": {"name": "shop", "annotations": ["backstage.io/kubernetes-id"]}}
BY_REFS = "POST /api/catalog/entities/by-refs"


def list_all(simulator: Simulator, **options: Any) -> tuple[Listing, list[CatalogPage]]:
    with backstage_of(simulator, **options) as catalog:
        listing = catalog.listing()
        return listing, list(listing)


def test_all_components_and_their_teams_are_listed_in_pages(simulator: Simulator) -> None:
    listing, pages = list_all(simulator, page_size=15)
    assert [len(page.components) for page in pages if page.components] == [15, 15, 10]
    assert listing.is_complete
    assert simulator.state.calls["backstage"] == {BY_QUERY: 3, BY_REFS: 2}


def test_a_live_catalog_lists_the_same_as_a_catalog_file(simulator: Simulator) -> None:
    def by_ref(pages: list[object]) -> tuple[dict[object, object], dict[object, object]]:
        return (
            {component.ref: component for page in pages for component in page.components},  # type: ignore[attr-defined] # pages
            {team.ref: team for page in pages for team in page.teams},  # type: ignore[attr-defined] # pages
        )

    with backstage_of(simulator) as catalog:
        live = by_ref(list(catalog.listing()))
    assert live == by_ref(list(CatalogFile(Path(PARITY_FOLDER) / "catalog.yaml").listing()))
    assert len(live[0]) == 40
    assert len(live[1]) == 20


def test_a_listing_is_incomplete_until_its_last_page(simulator: Simulator) -> None:
    with backstage_of(simulator, page_size=15) as catalog:
        listing = catalog.listing()
        assert not listing.is_complete
        next(iter(listing))
        assert not listing.is_complete


def test_a_catalog_that_fails_after_a_page_is_listed_up_to_it(simulator: Simulator) -> None:
    simulator.plan_fault("backstage", route="by-query", after=1, status=500)
    listing, pages = list_all(simulator, page_size=15)
    assert sum(len(page.components) for page in pages) == 15
    assert sum(len(page.teams) for page in pages) > 0
    assert not listing.is_complete
    assert listing.reason == f"Backstage answered {BY_QUERY} with 500: an internal error"


def test_a_catalog_that_fails_at_the_first_page_is_an_error(simulator: Simulator) -> None:
    simulator.plan_fault("backstage", route="by-query", status=503)
    with backstage_of(simulator) as catalog, pytest.raises(ServiceError, match="with 503"):
        list(catalog.listing())


def test_teams_that_cannot_be_fetched_make_the_listing_incomplete(simulator: Simulator) -> None:
    simulator.plan_fault("backstage", route="by-refs", status=500)
    with backstage_of(simulator) as catalog:
        listing = catalog.listing()
        assert sum(len(page.components) for page in listing) == 40
    assert "by-refs with 500" in listing.reason


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"items": [], "totalItems": 3, "pageInfo": {}}, "the catalog announced 3 entities and listed 0"),
        (
            {"items": [7], "totalItems": 1, "pageInfo": {}},
            "1 entity of the catalog could not be read: row 1 of a page (it is not a mapping)",
        ),
        (
            {"items": [ODD], "totalItems": 1},
            "1 entity of the catalog could not be read: Component:shop (metadata.annotations is not a mapping",
        ),
        ({"items": [SHOP, SHOP, {"kind": "Location", "metadata": {"name": "x"}, "spec": "odd"}], "totalItems": 3}, ""),
        ({"items": [], "totalItems": 0}, ""),
    ],
)
def test_missing_and_invalid_entities_make_the_listing_incomplete(
    simulator: Simulator, response: dict[str, object], reason: str
) -> None:
    simulator.plan_fault("backstage", route="by-query", status=200, body=response)
    listing, _ = list_all(simulator)
    assert listing.reason.startswith(reason)
    assert bool(listing.reason) == bool(reason)
    assert listing.is_complete == (not reason)


def test_a_repeated_cursor_ends_the_listing(simulator: Simulator) -> None:
    response = {"items": [], "totalItems": 3, "pageInfo": {"nextCursor": "again"}}
    simulator.plan_fault("backstage", route="by-query", status=200, body=response)
    listing, _ = list_all(simulator)
    assert "a cursor that it sent before" in listing.reason
    assert simulator.state.calls["backstage"][BY_QUERY] == 2


def test_an_empty_page_with_a_cursor_is_not_the_end(simulator: Simulator) -> None:
    empty = {"items": [], "totalItems": 1, "pageInfo": {"nextCursor": "more"}}
    simulator.plan_fault("backstage", route="by-query", status=200, body=empty, times=1)
    simulator.add_fault("backstage", route="by-query", status=200, body={"items": [SHOP], "totalItems": 1}, times=1)
    with backstage_of(simulator) as catalog:
        listing = catalog.listing()
        found = [str(component.ref) for page in listing for component in page.components]
    assert (found, listing.reason) == (["component:default/shop"], "")


def test_a_relation_to_a_group_that_does_not_exist_does_not_decide_who_owns(simulator: Simulator) -> None:
    stale = {**SHOP, "relations": [{"type": "ownedBy", "targetRef": f"group:default/{name}"} for name in ("aaa-gone", "team-00")]}
    simulator.plan_fault("backstage", route="by-query", status=200, body={"items": [stale], "totalItems": 1})
    with backstage_of(simulator) as catalog:
        [component] = [component for page in catalog.listing() for component in page.components]
    assert str(component.team) == "group:default/team-00"
    assert simulator.state.calls["backstage"][BY_REFS] == 2


def test_an_entity_is_found_in_any_case(simulator: Simulator) -> None:
    with backstage_of(simulator) as catalog:
        component = catalog.component(EntityRef.parse("COMPONENT:Payments/Index-033"))
    assert (component.spelled_kind, component.spelled_name) == ("Component", "index-033")
    assert component.label_selector == "app.kubernetes.io/name=index-033"


@pytest.mark.parametrize("token", [None, "wrong-token"])
def test_a_rejected_token_is_an_auth_error_that_does_not_show_it(simulator: Simulator, token: str | None) -> None:
    with backstage_of(simulator, token=token) as catalog, pytest.raises(ServiceError, match="401") as error:
        list(catalog.listing())
    assert error.value.kind is ErrorKind.AUTH
    assert "wrong-token" not in str(error.value)


@pytest.mark.parametrize("name", ["missing", "a?b#c"], ids=["unknown", "with special characters, which are encoded"])
def test_an_unknown_entity_is_not_found(simulator: Simulator, name: str) -> None:
    with backstage_of(simulator) as catalog, pytest.raises(ServiceError) as error:
        catalog.component(EntityRef("component", "default", name))
    assert error.value.kind is ErrorKind.NOT_FOUND
    assert simulator.state.calls["backstage"] == {"GET /api/catalog/entities/by-name/{kind}/{namespace}/{name}": 1}
