"""Published definitions of the actions: to agents, which pay for their length, and to Backstage, as by the predecessor."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest
from mcp.types import Tool

from actions.catalogue import ACTIONS
from actions.schemas import input_schema, output_schema
from gateway.web.registry import describe
from tests.unit.mcp_in_process import mcp_client

MAX_CHARACTERS = 34_200
"""Of all tool definitions as they are sent: about 7,700 tokens. Every agent pays for them with every request: shorten before you raise this."""
MAX_CHARACTERS_OF_ONE = 4_100
PREDECESSOR = json.loads((Path(__file__).parents[1] / "parity" / "expected" / "actions_list.json").read_text(encoding="utf-8"))[
    "actions"
]
Schema = dict[str, Any]


async def _list() -> list[Tool]:
    async with mcp_client() as client:
        return (await client.list_tools()).tools


@pytest.fixture(scope="module")
def tools() -> list[Tool]:
    return asyncio.run(_list())


def written(tool: Tool) -> str:
    return json.dumps(tool.model_dump(mode="json", by_alias=True, exclude_none=True), separators=(",", ":"))


def test_the_definitions_of_all_tools_stay_within_their_budget(tools: list[Tool]) -> None:
    assert sum(len(written(tool)) for tool in tools) <= MAX_CHARACTERS
    assert {tool.name: len(written(tool)) for tool in tools if len(written(tool)) > MAX_CHARACTERS_OF_ONE} == {}


def test_every_action_is_a_tool_of_the_same_name(tools: list[Tool]) -> None:
    assert [tool.name for tool in tools] == list(ACTIONS)
    assert {action["name"] for action in PREDECESSOR} < {tool.name for tool in tools}


def test_every_tool_is_annotated_read_only(tools: list[Tool]) -> None:
    hints = [tool.annotations for tool in tools]
    assert all(
        hint and (hint.read_only_hint, hint.destructive_hint, hint.idempotent_hint) == (True, False, True) for hint in hints
    )


def test_every_tool_has_title_description_and_object_schemas(tools: list[Tool]) -> None:
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.input_schema["type"] == "object"
        assert tool.output_schema
        assert tool.output_schema["type"] == "object"


def test_every_argument_is_described_and_every_optional_one_may_be_null(tools: list[Tool]) -> None:
    for tool in tools:
        for name, argument in tool.input_schema["properties"].items():
            assert argument["description"], f"{tool.name}: {name}"
            is_required = name in tool.input_schema.get("required", ())
            assert isinstance(argument["type"], str) if is_required else argument["type"][1:] == ["null"], f"{tool.name}: {name}"


@pytest.mark.parametrize(
    "keyword", ["$ref", "$defs", "$schema", "anyOf", "oneOf", "allOf", "additionalProperties", "default", "enum"]
)
def test_no_input_has_a_keyword_that_some_client_cannot_convert(tools: list[Tool], keyword: str) -> None:
    """Google's and OpenAI's converters, Cursor and Claude Code each fail on some of these. Choices and defaults are in the description."""
    assert [tool.name for tool in tools if f'"{keyword}":' in json.dumps(tool.input_schema)] == []


@pytest.mark.parametrize("keyword", ["$ref", "$defs", "$schema", "anyOf", "oneOf", "allOf"])
def test_no_output_has_such_a_keyword(tools: list[Tool], keyword: str) -> None:
    assert [tool.name for tool in tools if f'"{keyword}":' in json.dumps(tool.output_schema)] == []


def test_choices_and_defaults_are_described(tools: list[Tool]) -> None:
    described = {tool.name: {name: one["description"] for name, one in tool.input_schema["properties"].items()} for tool in tools}

    assert described["get_scaleops_cost_analysis_for_entity"]["range"].endswith("; one of 7d, 30d, 90d; default 7d")
    assert described["list_recommendations"]["limit"].endswith("; default 50")
    assert described["get_scaleops_data_for_entity"]["limit"].endswith("; default 25")
    assert described["list_alerts"]["quiet"].endswith("; default false")


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_schemas_have_no_references_and_no_titles(action: Any) -> None:
    for schema in (input_schema(action.input), output_schema(action.output)):
        text = json.dumps(schema)
        assert "$ref" not in text
        assert "$defs" not in text
        assert '"anyOf"' not in text


@pytest.mark.parametrize("action", PREDECESSOR, ids=lambda action: action["name"])
def test_the_registry_lists_what_the_predecessor_listed(action: Schema) -> None:
    ours = {described["id"]: described for described in map(describe, ACTIONS.values())}[action["id"]]
    for key in ("id", "name", "pluginId", "attributes"):
        assert ours[key] == action[key]
    schema = cast("Schema", ours["schema"])
    assert set(schema["input"]["properties"]) == set(action["schema"]["input"]["properties"])
    assert schema["input"]["required"] == action["schema"]["input"]["required"]
    assert schema["input"]["additionalProperties"] is False
    assert schema["input"]["$schema"] == action["schema"]["input"]["$schema"]
    for name, argument in action["schema"]["input"]["properties"].items():
        assert_contains(schema["input"]["properties"][name], argument)
    assert_contains(schema["output"], action["schema"]["output"])


def assert_contains(ours: Schema, theirs: Schema) -> None:
    """Everything that theirs has ours has too, with the same type; where theirs must have a value, ours may say null."""
    if "type" in theirs:
        kinds = ours["type"] if isinstance(ours["type"], list) else [ours["type"]]
        allowed = theirs["type"] if isinstance(theirs["type"], list) else [theirs["type"]]
        assert {"number" if kind == "integer" else kind for kind in kinds} - {"null"} == set(allowed) - {"null"}
    if "enum" in theirs:
        assert ours["enum"] == theirs["enum"]
    if "default" in theirs:
        assert ours["default"] == theirs["default"]
    for name, part in theirs.get("properties", {}).items():
        assert_contains(ours["properties"][name], part)
    if "items" in theirs:
        assert_contains(ours["items"], theirs["items"])
