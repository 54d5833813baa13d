"""The two allowed request bodies: parsed strictly and serialized again, so that upstream gets only what was understood."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from domain.selectors import InvalidSelector, SelectorPlan, parse_selector, plan_of
from gateway.request import parse_json_strictly
from gateway.responses import bad_request

_MAX_LENGTH: Final = 512
_MAX_ITEMS: Final = 1000
_COST_LISTS: Final = ("clusterFilters", "namespaces", "workloadTypes")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """The body of a cost request."""

    clusters: tuple[str, ...]
    namespaces: tuple[str, ...]
    types: tuple[str, ...]
    labels: tuple[str, ...]


def read_workloads_body(body: bytes, content_type: str | None) -> SelectorPlan:
    """Parse `{"label": ["k=v", ...]}` and return the queries of these requirements.

    Raises:
        HttpError: 400 or 415, the body is not of this form.
    """
    found = _read_object(body, content_type, {"label"})
    return _plan(found, "label")


def read_costs_body(body: bytes, content_type: str | None) -> CostQuery:
    """Parse `{"clusterFilters", "namespaces", "workloadTypes", "labels"}`, lists of strings; only `labels` is required.

    Raises:
        HttpError: 400 or 415, the body is not of this form.
    """
    found = _read_object(body, content_type, {*_COST_LISTS, "labels"})
    clusters, namespaces, types = (_strings(found.get(name, []), name) for name in _COST_LISTS)
    return CostQuery(clusters=clusters, namespaces=namespaces, types=types, labels=_plan(found, "labels").labels)


def write_workloads_body(labels: Sequence[str]) -> bytes:
    """Serialize the body for upstream."""
    return _write({"label": labels})


def write_costs_body(cost_query: CostQuery) -> bytes:
    """Serialize the body for upstream."""
    return _write(
        {
            "clusterFilters": cost_query.clusters,
            "namespaces": cost_query.namespaces,
            "workloadTypes": cost_query.types,
            "labels": cost_query.labels,
        }
    )


def _write(content: dict[str, Sequence[str]]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _read_object(body: bytes, content_type: str | None, known: set[str]) -> dict[str, Any]:
    kind, _, _ = (content_type or "").partition(";")
    if kind.strip().lower() != "application/json":
        message = "the body must be sent as application/json"
        raise bad_request(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    found = parse_json_strictly(body)
    if not isinstance(found, dict):
        message = "the body must be a JSON object"
        raise bad_request(message)
    unknown = found.keys() - known
    if unknown:
        message = f"the body has the unknown key {min(unknown)[:64]!r}; known keys: {', '.join(sorted(known))}"
        raise bad_request(message)
    return found


def _plan(found: dict[str, Any], name: str) -> SelectorPlan:
    """Parse the items as one selector, by the grammar of the actions: callers cut a selector at its commas, also within a list."""
    items = _strings(found.get(name), name)
    if not items:
        message = f"{name!r} must have at least one label: without one ScaleOps returns every workload"
        raise bad_request(message)
    text = ",".join(items)
    try:
        return plan_of(parse_selector(text), text=text)
    except InvalidSelector as bad:
        raise bad_request(str(bad)) from None


def _strings(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        message = f"{name!r} must be a list of strings, at most {_MAX_ITEMS}"
        raise bad_request(message)
    for item in value:
        if not isinstance(item, str) or not item.strip() or len(item) > _MAX_LENGTH or not item.isprintable():
            message = f"{name!r} must contain only printable strings of 1 to {_MAX_LENGTH} characters"
            raise bad_request(message)
    return tuple(value)
