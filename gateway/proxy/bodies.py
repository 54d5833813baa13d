"""The two bodies that may go upstream, read strictly and written anew: what is sent is what we understood, not what came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from gateway.request import parse_json_strictly
from gateway.responses import bad_request

_LONGEST: Final = 512
_MOST: Final = 1000
_COST_LISTS: Final = ("clusterFilters", "namespaces", "workloadTypes")
_OPERATORS: Final = ("!", "(", ")", ">", "<", ",")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """What the cost endpoint is asked."""

    clusters: tuple[str, ...]
    namespaces: tuple[str, ...]
    types: tuple[str, ...]
    labels: tuple[str, ...]


def read_workloads_body(body: bytes, content_type: str | None) -> tuple[str, ...]:
    """Read `{"label": ["k=v", ...]}` and answer the labels, at least one.

    Raises:
        Refused: it is anything else.
    """
    found = _read_object(body, content_type, {"label"})
    return _labels(found, "label")


def read_costs_body(body: bytes, content_type: str | None) -> CostQuery:
    """Read `{"clusterFilters", "namespaces", "workloadTypes", "labels"}`, lists of strings; only labels must be there.

    Raises:
        Refused: it is anything else.
    """
    found = _read_object(body, content_type, {*_COST_LISTS, "labels"})
    clusters, namespaces, types = (_strings(found.get(name, []), name) for name in _COST_LISTS)
    return CostQuery(clusters=clusters, namespaces=namespaces, types=types, labels=_labels(found, "labels"))


def write_workloads_body(labels: Sequence[str]) -> bytes:
    """Write the body that goes upstream."""
    return _write({"label": labels})


def write_costs_body(question: CostQuery) -> bytes:
    """Write the body that goes upstream."""
    return _write(
        {
            "clusterFilters": question.clusters,
            "namespaces": question.namespaces,
            "workloadTypes": question.types,
            "labels": question.labels,
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
        message = f"the body holds {min(unknown)[:64]!r}, which may not pass; known are: {', '.join(sorted(known))}"
        raise bad_request(message)
    return found


def _labels(found: dict[str, Any], name: str) -> tuple[str, ...]:
    """Answer the labels, each once: `key=value`, with blanks around them and a doubled sign as selectors have them put right."""
    labels = tuple(dict.fromkeys(_label(text) for text in _strings(found.get(name), name)))
    if not labels:
        message = f"{name!r} must hold at least one label: without one ScaleOps answers with everything"
        raise bad_request(message)
    return labels


def _label(text: str) -> str:
    key, equals, value = text.strip().partition("=")
    key, value = key.strip(), value.removeprefix("=").strip()
    if not equals or not key or any(sign in text for sign in _OPERATORS) or "=" in value or " " in key or " " in value:
        message = f"the label {text[:64]!r} is not of the form key=value, and ScaleOps can be asked for nothing else"
        raise bad_request(message)
    return f"{key}={value}"


def _strings(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST:
        message = f"{name!r} must be a list of strings, at most {_MOST}"
        raise bad_request(message)
    for item in value:
        if not isinstance(item, str) or not item.strip() or len(item) > _LONGEST or not item.isprintable():
            message = f"{name!r} must hold plain strings of 1 to {_LONGEST} characters"
            raise bad_request(message)
    return tuple(value)
