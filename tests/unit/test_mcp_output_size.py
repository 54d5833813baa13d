"""The result of a tool fits and matches its schema, however large the output is."""

import json
from typing import Any

import jsonschema
import pytest

from actions.catalogue import ACTIONS, ActionDefinition
from mcp_server.tools import tool_output_schema
from mcp_server.truncation import MAX_BYTES, paginate, size_of, truncate

MONSTERS = {
    "500 workloads": {"rows": 500, "inner": 3, "text": 180, "free": 30},
    "500 workloads of long lists": {"rows": 500, "inner": 15, "text": 30, "free": 30},
    "one workload of endless lists": {"rows": 1, "inner": 1000, "text": 100, "free": 30},
    "one workload of endless texts": {"rows": 1, "inner": 2, "text": 90_000, "free": 30},
    "one workload of endless objects": {"rows": 1, "inner": 2, "text": 20, "free": 4_000},
    "quotes, which count double": {"rows": 500, "inner": 4, "text": -400, "free": 30},
    "nothing": {"rows": 0, "inner": 0, "text": 0, "free": 0},
}


def monster(schema: Any, rows: str, *, sizes: dict[str, int], at: tuple[str, ...] = ()) -> Any:
    """Make a document of a schema, as large as the sizes say."""
    kind = schema["type"][0] if isinstance(schema.get("type"), list) else schema.get("type")
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return "2026-11-23T06:00:00Z"
    match kind:
        case "object" if "properties" in schema:
            return {name: monster(one, rows, sizes=sizes, at=(*at, name)) for name, one in schema["properties"].items()}
        case "object":
            of_number = schema.get("additionalProperties") == {"type": "number"}
            return {f"{number}": 10**9 if of_number else {"value": "v" * 50} for number in range(sizes["free"])}
        case "array":
            count = sizes["rows"] if at == (rows,) else sizes["inner"]
            return [monster(schema["items"], rows, sizes=sizes, at=(*at, "items")) for _ in range(count)]
        case "string":
            return "x" * sizes["text"] if sizes["text"] >= 0 else '"' * -sizes["text"]
        case "integer" | "number":
            return 10**9
        case "boolean":
            return True
    message = f"a schema of a kind that this does not know: {schema}"
    raise AssertionError(message)


@pytest.mark.parametrize("sizes", MONSTERS.values(), ids=MONSTERS)
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_a_truncated_output_fits_and_matches_its_schema(action: ActionDefinition, sizes: dict[str, int]) -> None:
    schema: Any = tool_output_schema(action)
    document = monster(schema, action.rows, sizes=sizes)
    if action.is_live:
        document = paginate(document, rows=action.rows, limit=200, offset=0)
    bounded = truncate(document, rows=action.rows, offset=0, schema=schema)
    jsonschema.validate(bounded, schema)
    json.dumps(bounded, allow_nan=False)
    assert size_of(bounded) <= MAX_BYTES
    assert bool(bounded[action.rows]) == bool(sizes["rows"]), "one row at least is shown when there is one"
