"""The live catalog: pages by cursor, teams by reference, and a listing that says when it was not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients.backstage.catalog_file import CatalogFile
from clients.http.client import ErrorKind, ServiceError
from domain.refs import EntityRef
from simulator.faults import Fault as Trouble
from simulator.serving import Simulator
from tests.services.asking import backstage_of
from tests.services.simulated import PARITY_FOLDER

BY_QUERY = "GET /api/catalog/entities/by-query"
BY_REFS = "POST /api/catalog/entities/by-refs"


def test_all_components_and_their_teams_are_listed_in_pages(simulator: Simulator) -> None:
    with backstage_of(simulator, page=15) as catalog:
        listing = catalog.listing()
        pages = list(listing)
    assert [len(page.components) for page in pages if page.components] == [15, 15, 10]
    assert listing.is_complete
    assert simulator.state.calls["backstage"] == {BY_QUERY: 3, BY_REFS: 2}


def test_it_lists_the_same_as_the_catalog_file(simulator: Simulator) -> None:
    def everything(pages: list[object]) -> tuple[dict[object, object], dict[object, object]]:
        return (
            {component.ref: component for page in pages for component in page.components},  # type: ignore[attr-defined] # pages
            {team.ref: team for page in pages for team in page.teams},  # type: ignore[attr-defined] # pages
        )

    with backstage_of(simulator) as catalog:
        live = everything(list(catalog.listing()))
    assert live == everything(list(CatalogFile(Path(PARITY_FOLDER) / "catalog.yaml").listing()))
    assert len(live[0]) == 40
    assert len(live[1]) == 20


def test_a_listing_is_not_complete_before_it_was_read(simulator: Simulator) -> None:
    with backstage_of(simulator, page=15) as catalog:
        listing = catalog.listing()
        assert not listing.is_complete
        next(iter(listing))
        assert not listing.is_complete


def test_a_catalog_that_breaks_off_is_listed_as_far_as_it_came(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="backstage", route="by-query", after=1, status=500)]
    with backstage_of(simulator, page=15) as catalog:
        listing = catalog.listing()
        pages = list(listing)
    assert sum(len(page.components) for page in pages) == 15
    assert sum(len(page.teams) for page in pages) > 0
    assert not listing.is_complete
    assert listing.reason == f"Backstage answered {BY_QUERY} with 500: an error of its own"


def test_a_catalog_that_does_not_answer_at_all_is_an_error(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="backstage", route="by-query", status=503)]
    with backstage_of(simulator) as catalog, pytest.raises(ServiceError, match="with 503"):
        list(catalog.listing())


def test_teams_that_cannot_be_looked_up_leave_the_listing_incomplete(simulator: Simulator) -> None:
    simulator.state.faults = [Trouble(service="backstage", route="by-refs", status=500)]
    with backstage_of(simulator) as catalog:
        listing = catalog.listing()
        assert sum(len(page.components) for page in listing) == 40
    assert "by-refs with 500" in listing.reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"items": [], "totalItems": 3, "pageInfo": {}}, "the catalog speaks of 3 entities and listed 0"),
        ({"items": [7], "totalItems": 1, "pageInfo": {}}, "1 entities of the catalog could not be read"),
        ({"items": [], "totalItems": 0}, ""),
    ],
)
def test_entities_that_are_missing_or_unreadable_are_told(simulator: Simulator, answer: dict[str, object], reason: str) -> None:
    simulator.state.faults = [
        Trouble.model_validate({"service": "backstage", "route": "by-query", "status": 200, "body": answer})
    ]
    with backstage_of(simulator) as catalog:
        listing = catalog.listing()
        list(listing)
    assert listing.reason == reason
    assert listing.is_complete == (not reason)


def test_cursors_that_lead_in_a_circle_end_the_listing(simulator: Simulator) -> None:
    answer = {"items": [], "totalItems": 3, "pageInfo": {"nextCursor": "again"}}
    simulator.state.faults = [
        Trouble.model_validate({"service": "backstage", "route": "by-query", "status": 200, "body": answer})
    ]
    with backstage_of(simulator) as catalog:
        listing = catalog.listing()
        list(listing)
    assert "a page that leads in a circle" in listing.reason
    assert simulator.state.calls["backstage"][BY_QUERY] == 2


def test_one_entity_is_found_in_any_letter_case(simulator: Simulator) -> None:
    with backstage_of(simulator) as catalog:
        component = catalog.component(EntityRef.parse("COMPONENT:Payments/Index-033"))
    assert (component.spelled_kind, component.spelled_name) == ("Component", "index-033")
    assert component.label_selector == "app.kubernetes.io/name=index-033"


def test_an_unknown_entity_is_not_found(simulator: Simulator) -> None:
    with backstage_of(simulator) as catalog, pytest.raises(ServiceError) as missing:
        catalog.component(EntityRef.parse("component:default/nobody"))
    assert missing.value.kind is ErrorKind.NOT_FOUND


@pytest.mark.parametrize("token", [None, "wrong-token"])
def test_a_token_that_is_not_accepted_is_told_and_not_shown(simulator: Simulator, token: str | None) -> None:
    with backstage_of(simulator, token=token) as catalog, pytest.raises(ServiceError, match="401") as refused:
        list(catalog.listing())
    assert refused.value.kind is ErrorKind.AUTH
    assert "wrong-token" not in str(refused.value)


def test_a_name_that_needs_encoding_reaches_the_catalog_as_one_part(simulator: Simulator) -> None:
    with backstage_of(simulator) as catalog, pytest.raises(ServiceError) as missing:
        catalog.component(EntityRef("component", "default", "a?b#c"))
    assert missing.value.kind is ErrorKind.NOT_FOUND
    assert simulator.state.calls["backstage"] == {"GET /api/catalog/entities/by-name/{kind}/{namespace}/{name}": 1}
