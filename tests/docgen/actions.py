"""The page of the actions, from their published schemas."""

import json
from collections.abc import Iterator
from typing import Any

from actions.catalogue import ACTIONS, ActionDefinition
from actions.schemas import input_schema, output_schema
from tests.docgen.markdown import code, page, table


def render_actions() -> str:
    """Return the page."""
    rows = [[f"[`{one.name}`](#{one.name})", "ScaleOps" if one.is_live else "history", one.title] for one in ACTIONS.values()]
    return page("Actions", _INTRODUCTION, table(["action", "source", "purpose"], rows), *map(_section_of, ACTIONS.values()))


def _section_of(action: ActionDefinition) -> str:
    taken = table(["input", "type", "default", "meaning"], _inputs(action))
    returned = table(["output", "type", "meaning"], _outputs(action))
    return f"## {action.name}\n\n{action.description}\n\n{taken}\n\n{returned}"


def _inputs(action: ActionDefinition) -> Iterator[list[str]]:
    schema: dict[str, Any] = input_schema(action.input)
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        default = "required" if name in required else code(json.dumps(field["default"]).strip('"')) if "default" in field else ""
        yield [code(name), _type_of(field), default, field.get("description", "")]


def _outputs(action: ActionDefinition) -> Iterator[list[str]]:
    """Yield the fields of the output, and those of the rows of its lists."""
    schema: dict[str, Any] = output_schema(action.output)
    for name, field in schema["properties"].items():
        yield [code(name), _type_of(field), field.get("description", "")]
        for inner, one in field.get("items", {}).get("properties", {}).items():
            yield [code(f"{name}[].{inner}"), _type_of(one), one.get("description", "")]


def _type_of(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(code(one) for one in field["enum"] if one is not None)
    if "const" in field:
        return code(field["const"])
    kinds = field.get("type", "any")
    names = kinds if isinstance(kinds, list) else [kinds]
    shown = [f"list of {_item_type(field)}" if name == "array" else name for name in names]
    return " or ".join(shown)


def _item_type(field: dict[str, Any]) -> str:
    kind = field.get("items", {}).get("type", "any")
    return {"object": "objects", "string": "strings", "number": "numbers"}.get(kind if isinstance(kind, str) else "", "values")


_INTRODUCTION = """\
All actions are read-only. The live ones query ScaleOps and keep the names, inputs and outputs of the Backstage plugin `scaleops`; the others read the
history that the worker stored. MCP, Backstage's Actions Registry and `scaleops-worker action` (live actions) publish them.
[Connect an agent](../how-to/agents.md) says how. A number that is unknown is null, and `warnings` says why. Over MCP an output is at most about 70 KB: the most
important rows come first, and `total`, `truncated` and `rest` say how to get the others."""
