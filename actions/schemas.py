"""JSON schemas of the actions in their simplest form: no titles, nullable types as a pair, no references."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from pydantic import BaseModel

from domain.messages import Json

Schema = dict[str, Json]

DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_REFERENCE: Final = "#/$defs/"


def input_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of an input: an object that rejects unknown properties."""
    schema = plain(cast("Schema", model.model_json_schema(by_alias=True)))
    schema.pop("description", None)
    _without_null_defaults(schema)
    properties = cast("Schema", schema["properties"])
    for paging in [name for name in ("limit", "offset") if name in properties]:
        properties[paging] = properties.pop(paging)  # last, after what selects the rows
    return {"type": "object", **schema, "additionalProperties": False}


def tool_arguments_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of an input in the form that the most clients of MCP can convert.

    Without `additionalProperties: false`, which google-genai cannot read, although unknown properties are rejected. Optional arguments
    may be null, because OpenAI's strict mode makes the model fill every property; their choices and defaults are part of the
    description, because strict mode allows no `default`, an enum would have to list null, and Gemini allows no null in an enum.
    """
    schema = input_schema(model)
    del schema["additionalProperties"]
    required = cast("list[Json]", schema.get("required", []))
    properties = cast("dict[str, Schema]", schema["properties"])
    return {
        **schema,
        "properties": {name: one if name in required else _nullable_argument(one) for name, one in properties.items()},
    }


def _nullable_argument(argument: Schema) -> Schema:
    nullable = {key: value for key, value in argument.items() if key not in {"enum", "default", "description"}}
    choices = argument.get("enum")
    notes = [str(argument["description"])] if "description" in argument else []
    if isinstance(choices, list):
        notes.append(f"one of {', '.join(map(str, choices))}")
    if "default" in argument:
        notes.append(f"default {json.dumps(argument['default'])}".replace('"', ""))
    return {**nullable, "type": [argument["type"], "null"], "description": "; ".join(notes)}


def output_schema(model: type[BaseModel], *, described: bool = True) -> Schema:
    """Return the schema of an output, optionally without descriptions, which cost an agent tokens."""
    schema = cast("Schema", model.model_json_schema(by_alias=True, mode="serialization"))
    return plain(schema, removed=frozenset({"title"} if described else {"title", "description"}))


def plain(schema: Schema, *, removed: frozenset[str] = frozenset({"title"})) -> Schema:
    """Inline every reference, and remove the titles, or other keywords."""
    definitions = cast("Mapping[str, Json]", schema.pop("$defs", {}))
    return cast("Schema", _plain(schema, definitions, removed))


def _plain(node: Json, definitions: Mapping[str, Json], removed: frozenset[str]) -> Json:
    if isinstance(node, list):
        return [_plain(one, definitions, removed) for one in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = cast("Schema", definitions[reference.removeprefix(_REFERENCE)])
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        return _plain({**target, **siblings}, definitions, removed)
    result: Schema = {}
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            # A property may be called title.
            result[key] = {name: _plain(one, definitions, removed) for name, one in value.items()}
        elif key not in removed:
            result[key] = _plain(value, definitions, removed)
    return _nullable(result)


def _nullable(node: Schema) -> Schema:
    """Write `anyOf` of a type and null as a pair of types."""
    choices = node.get("anyOf")
    if not isinstance(choices, list) or len(choices) != 2 or {"type": "null"} not in choices:  # noqa: PLR2004 - a type, or null
        return node
    some = next(choice for choice in choices if choice != {"type": "null"})
    if not isinstance(some, dict) or not isinstance(some.get("type"), str):
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    result: Schema = {**some, **rest, "type": [some["type"], "null"]}
    if isinstance(result.get("enum"), list):
        result["enum"] = [*cast("list[Json]", result["enum"]), None]
    return result


def _without_null_defaults(schema: Schema) -> None:
    """Describe an optional argument by its type alone: null means that it is left out."""
    properties = schema.get("properties")
    for argument in properties.values() if isinstance(properties, dict) else ():
        if isinstance(argument, dict) and "default" in argument and argument["default"] is None:
            del argument["default"]
            types = argument.get("type")
            if isinstance(types, list):
                argument["type"] = types[0]
            if isinstance(argument.get("enum"), list):
                argument["enum"] = [one for one in cast("list[Json]", argument["enum"]) if one is not None]
