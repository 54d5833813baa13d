"""JSON schemas of the questions, in the plainest form that says the same: no titles, nullable types as a pair, nothing to resolve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from pydantic import BaseModel

from domain.messages import Json

Schema = dict[str, Json]

DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_REFERENCE: Final = "#/$defs/"


def input_schema(model: type[BaseModel]) -> Schema:
    """Answer what a question takes: an object that refuses what it does not name."""
    schema = plain(cast("Schema", model.model_json_schema(by_alias=True)))
    schema.pop("description", None)
    _without_null_defaults(schema)
    properties = cast("Schema", schema["properties"])
    for paging in [name for name in ("limit", "offset") if name in properties]:
        properties[paging] = properties.pop(paging)  # last: what is asked comes before how much of it
    return {"type": "object", **schema, "additionalProperties": False}


def output_schema(model: type[BaseModel], *, described: bool = True) -> Schema:
    """Answer what a question answers; without descriptions for readers who pay by the word."""
    schema = plain(cast("Schema", model.model_json_schema(by_alias=True, mode="serialization")))
    return schema if described else cast("Schema", _without_descriptions(schema))


def plain(schema: Schema) -> Schema:
    """Put every referenced part where it is used, and leave out what tells nothing."""
    definitions = cast("Mapping[str, Json]", schema.pop("$defs", {}))
    return cast("Schema", _plain(schema, definitions))


def _plain(node: Json, definitions: Mapping[str, Json]) -> Json:
    if isinstance(node, list):
        return [_plain(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = cast("Schema", definitions[reference.removeprefix(_REFERENCE)])
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _plain({**target, **beside}, definitions)
    made: Schema = {}
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            # A property may be called title.
            made[key] = {name: _plain(one, definitions) for name, one in value.items()}
        elif key != "title":
            made[key] = _plain(value, definitions)
    return _nullable(made)


def _nullable(node: Schema) -> Schema:
    """Write `anyOf` of something and null as the pair of types it is."""
    choices = node.get("anyOf")
    if not isinstance(choices, list) or len(choices) != 2 or {"type": "null"} not in choices:  # noqa: PLR2004 - something, or null
        return node
    some = next(choice for choice in choices if choice != {"type": "null"})
    if not isinstance(some, dict) or not isinstance(some.get("type"), str):
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    made: Schema = {**some, **rest, "type": [some["type"], "null"]}
    if isinstance(made.get("enum"), list):
        made["enum"] = [*cast("list[Json]", made["enum"]), None]
    return made


def _without_null_defaults(schema: Schema) -> None:
    """Say of an argument that may be left out what it is when it is there: null is what leaving it out means."""
    properties = schema.get("properties")
    for argument in properties.values() if isinstance(properties, dict) else ():
        if isinstance(argument, dict) and "default" in argument and argument["default"] is None:
            del argument["default"]
            types = argument.get("type")
            if isinstance(types, list):
                argument["type"] = types[0]
            if isinstance(argument.get("enum"), list):
                argument["enum"] = [one for one in cast("list[Json]", argument["enum"]) if one is not None]


def _without_descriptions(node: Json) -> Json:
    if isinstance(node, list):
        return [_without_descriptions(one) for one in node]
    if not isinstance(node, dict):
        return node
    made: Schema = {}
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            made[key] = {name: _without_descriptions(one) for name, one in value.items()}
        elif key != "description":
            made[key] = _without_descriptions(value)
    return made
