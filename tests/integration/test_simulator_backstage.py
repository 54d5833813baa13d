"""The simulated catalog filters, pages and rejects like the real one."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.credentials import BACKSTAGE_TOKEN
from simulator.serving import Simulator
from tests.services import loopback
from tests.services.loopback import NO_AUTHORITIES

QUERY = "/api/catalog/entities/by-query"
SELECTOR = "metadata.annotations.backstage.io/kubernetes-label-selector"


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(
        verify=NO_AUTHORITIES, base_url=simulator.backstage_url, headers={"Authorization": f"Bearer {BACKSTAGE_TOKEN}"}
    ) as client:
        yield client


def listed(client: httpx.Client, *filters: str, **parameters: str) -> dict[str, Any]:
    response = client.get(QUERY, params={"filter": list(filters), **parameters})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def names_in(body: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


def test_a_comma_is_and_and_a_repeated_filter_is_or(client: httpx.Client) -> None:
    assert listed(client, f"kind=component,{SELECTOR}")["totalItems"] == 40
    assert listed(client, "kind=group")["totalItems"] == 20
    assert listed(client, f"kind=component,{SELECTOR}", "kind=group")["totalItems"] == 60
    assert listed(client, "kind=group,kind=user")["totalItems"] == 26
    assert listed(client, f"kind=group,{SELECTOR}")["totalItems"] == 0


def test_comparisons_ignore_case_and_match_list_items(client: httpx.Client) -> None:
    assert names_in(listed(client, "KIND=Component,metadata.Name=ORDERS-000")) == ["orders-000"]
    assert (
        names_in(listed(client, "metadata.tags=orders"))
        == names_in(listed(client, "metadata.tags.orders=true"))
        == ["orders-000"]
    )


def test_owners_are_relations(client: httpx.Client) -> None:
    owned = names_in(listed(client, "kind=component,relations.ownedby=group:default/team-00"))
    assert "orders-000" in owned
    entity = client.get("/api/catalog/entities/by-name/component/default/orders-000").json()
    assert {"type": "ownedBy", "targetRef": "group:default/team-00"} in entity["relations"]
    group = client.get("/api/catalog/entities/by-name/Group/default/team-00").json()
    assert {"type": "ownerOf", "targetRef": "component:default/orders-000"} in group["relations"]


def test_pages_are_linked_by_a_cursor(client: httpx.Client) -> None:
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        parameters = (
            {"cursor": cursor} if cursor else {"filter": f"kind=component,{SELECTOR}", "orderField": "metadata.name,desc"}
        )
        body = client.get(QUERY, params={"limit": "7", "fields": "metadata.name", **parameters}).json()
        seen += names_in(body)
        cursor, pages = body["pageInfo"].get("nextCursor"), pages + 1
        assert body["totalItems"] == 40
    assert pages == 6
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 40


def test_a_cursor_also_pages_backwards(client: httpx.Client) -> None:
    first = listed(client, "kind=component", limit="5", orderField="metadata.name,asc")
    second = client.get(QUERY, params={"cursor": first["pageInfo"]["nextCursor"], "limit": "5"}).json()
    again = client.get(QUERY, params={"cursor": second["pageInfo"]["prevCursor"], "limit": "5"}).json()
    assert "prevCursor" not in first["pageInfo"]
    assert names_in(again) == names_in(first)


def test_a_cursor_is_base64_json_with_filter_and_order(client: httpx.Client) -> None:
    cursor = listed(client, "kind=component", limit="5", orderField="metadata.name,asc")["pageInfo"]["nextCursor"]
    decoded = json.loads(base64.b64decode(cursor))
    assert decoded["query"] == [{"kind": ["component"]}]
    assert decoded["orderFields"] == [{"field": "metadata.name", "order": "asc"}]


def test_a_malformed_cursor_is_an_input_error(client: httpx.Client) -> None:
    response = client.get(QUERY, params={"cursor": "abc", "limit": "2"})
    assert response.status_code == 400
    body = response.json()
    assert body["error"]["name"] == "InputError"
    assert body["error"]["message"].startswith("Malformed cursor")
    assert body["request"] == {"method": "GET", "url": "/entities/by-query?cursor=abc&limit=2"}
    assert body["response"] == {"statusCode": 400}


def test_fields_select_paths_with_dots_in_annotations(client: httpx.Client) -> None:
    body = listed(client, "metadata.name=orders-000", fields=f"kind,metadata.name,{SELECTOR}")
    annotations = {"backstage.io/kubernetes-label-selector": "app.kubernetes.io/name=orders-000"}
    assert body["items"] == [{"kind": "Component", "metadata": {"name": "orders-000", "annotations": annotations}}]


def test_the_default_limit_is_200_and_the_total_can_be_excluded(client: httpx.Client, simulator: Simulator) -> None:
    assert len(listed(client)["items"]) == len(simulator.state.world().entities)
    assert listed(client, "kind=component", totalItems="exclude", limit="3", offset="39")["totalItems"] == 0
    assert len(listed(client, "kind=component", limit="3", offset="39")["items"]) == 1


def test_entities_without_the_order_field_are_left_out(client: httpx.Client) -> None:
    assert listed(client, orderField="metadata.title,asc")["totalItems"] == 40


@pytest.mark.parametrize(
    "parameters",
    [{"filters": "kind=component"}, {"limit": "many"}, {"orderField": "metadata.name,up"}, {"filter": "=x"}, {"fields": "a[0]"}],
)
def test_unknown_parameters_and_values_are_rejected(client: httpx.Client, parameters: dict[str, str]) -> None:
    response = client.get(QUERY, params=parameters)
    assert response.status_code == 400
    assert response.json()["error"]["name"] == "InputError"


def test_an_unknown_name_is_a_not_found_error(client: httpx.Client) -> None:
    response = client.get("/api/catalog/entities/by-name/component/default/nope")
    assert response.status_code == 404
    assert response.json()["error"] == {
        "name": "NotFoundError",
        "message": "No entity named 'nope' found, with kind 'component' in namespace 'default'",
    }


def test_names_are_found_in_any_case(client: httpx.Client) -> None:
    response = client.get("/api/catalog/entities/by-name/Component/DEFAULT/Orders-000")
    assert response.json()["metadata"]["name"] == "orders-000"


def test_refs_keep_their_order_with_null_for_unknown_ones(client: httpx.Client) -> None:
    refs = ["component:default/nope", "group:default/team-00", "component:orders-000"]
    response = client.post("/api/catalog/entities/by-refs", json={"entityRefs": refs, "fields": ["kind", "metadata.name"]})
    assert response.json()["items"] == [
        None,
        {"kind": "Group", "metadata": {"name": "team-00"}},
        {"kind": "Component", "metadata": {"name": "orders-000"}},
    ]
    assert client.post("/api/catalog/entities/by-refs", content=json.dumps({"entityRefs": refs})).status_code == 415
    assert client.post("/api/catalog/entities/by-refs", json={"entityRefs": ["orders-000"]}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "message"), [({}, "Missing credentials"), ({"Authorization": "Bearer nonsense"}, "Illegal token")]
)
def test_requests_without_a_valid_token_are_rejected(simulator: Simulator, headers: dict[str, str], message: str) -> None:
    response = loopback.get(simulator.backstage_url + QUERY, headers=headers)
    assert response.status_code == 401
    assert response.json()["error"] == {"name": "AuthenticationError", "message": message}


def test_unknown_routes_are_404(client: httpx.Client) -> None:
    assert client.get("/api/catalog/locations").status_code == 404
    assert client.get("/entities/by-query").status_code == 404
