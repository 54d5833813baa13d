"""The two request bodies are parsed strictly and serialized again."""

import json

import pytest

from gateway.proxy.bodies import CostQuery, read_costs_body, read_workloads_body, write_costs_body, write_workloads_body
from gateway.responses import HttpError

JSON = "application/json"


def test_labels_are_parsed_and_serialized_again() -> None:
    plan = read_workloads_body(b' { "label" : [ "app=a", " tier == web ", "app=a" ] } ', "application/json; charset=utf-8")
    assert plan.queries == (("app=a", "tier=web"),)
    assert write_workloads_body(plan.queries[0]) == b'{"label":["app=a","tier=web"]}'


@pytest.mark.parametrize(
    ("labels", "queries"),
    [
        (["app in (a, b)", "tier=web"], (("app=a", "tier=web"), ("app=b", "tier=web"))),
        (["app in (a", " b)"], (("app=a",), ("app=b",))),
        (["app=a,tier=web"], (("app=a", "tier=web"),)),
        (["app=a", "!spot", "env notin (dev)"], (("app=a",),)),
    ],
)
def test_a_selector_is_parsed_by_the_grammar_of_the_actions(labels: list[str], queries: tuple[tuple[str, ...], ...]) -> None:
    assert read_workloads_body(json.dumps({"label": labels}).encode(), JSON).queries == queries
    cost_labels = read_costs_body(json.dumps({"labels": labels}).encode(), JSON).labels
    assert cost_labels == tuple(dict.fromkeys(label for query in queries for label in query))


def test_a_cost_query_is_serialized_with_all_its_lists() -> None:
    query = read_costs_body(b'{"labels":["app=a"],"clusterFilters":["prod"]}', JSON)
    assert query == CostQuery(clusters=("prod",), namespaces=(), types=(), labels=("app=a",))
    assert json.loads(write_costs_body(query)) == {
        "clusterFilters": ["prod"],
        "namespaces": [],
        "workloadTypes": [],
        "labels": ["app=a"],
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{oops",
        b"null",
        b"[]",
        b'"label"',
        b"{}",
        b'{"label":[]}',
        b'{"label":null}',
        b'{"label":"app=a"}',
        b'{"label":{"0":"app=a"}}',
        b'{"label":[1]}',
        b'{"label":[["app=a"]]}',
        b'{"label":[""]}',
        b'{"label":["  "]}',
        b'{"label":["app"]}',
        b'{"label":["=a"]}',
        b'{"label":["!app"]}',
        b'{"label":["app!=a"]}',
        b'{"label":["app in (a"]}',
        b'{"label":["app=${NAME}"]}',
        b'{"label":["\\"app=a\\""]}',
        b'{"label":["app=a=b"]}',
        b'{"label":["app=a\\u0000"]}',
        b'{"label":["app=a"],"label":["app=b"]}',
        b'{"label":["app=a"],"extra":1}',
        b'{"Label":["app=a"]}',
        b'{"label":["app=a"],"__proto__":{}}',
        b'{"label":["app=a"]} trailing',
        b'{"label":[NaN]}',
        b'{"label":["app=\xff"]}',
        b"[" * 20_000,
        b'{"label":' + json.dumps(["app=a"] * 1001).encode() + b"}",
        b'{"label":["app=' + b"a" * 600 + b'"]}',
    ],
)
def test_any_other_body_is_rejected(body: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        read_workloads_body(body, JSON)
    assert caught.value.status == 400
    assert caught.value.name == "InputError"


@pytest.mark.parametrize(
    "body",
    [
        b'{"labels":[]}',
        b'{"labels":["app=a"],"clusterFilters":"prod"}',
        b'{"labels":["app=a"],"clusterFilters":[""]}',
        b'{"labels":["app=a"],"namespaces":[1]}',
        b'{"labels":["app=a"],"namespaces":[],"namespaces":["x"]}',
        b'{"labels":["app=a"],"workloadTypes":null}',
        b'{"labels":["app=a"],"label":["app=a"]}',
    ],
)
def test_any_other_cost_query_is_rejected(body: bytes) -> None:
    with pytest.raises(HttpError):
        read_costs_body(body, JSON)


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_a_body_of_another_content_type_is_rejected(kind: str | None) -> None:
    with pytest.raises(HttpError) as caught:
        read_workloads_body(b'{"label":["app=a"]}', kind)
    assert caught.value.status == 415
