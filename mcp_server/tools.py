"""Actions as MCP tools: arguments validated by the actions, outputs bounded, errors in words that a model can act on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeAlias, cast

from mcp.types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, Field

from actions.action_pools import ActionPools
from actions.arguments import read_arguments
from actions.catalogue import ActionDefinition
from actions.context import ActionContext
from actions.errors import ActionError, InputError, NotFoundError, ServiceUnavailableError
from actions.history.models import PagedInput
from actions.schemas import Schema, output_schema, tool_arguments_schema
from domain.messages import Json
from mcp_server.truncation import Document, paginate, text_of, truncate

RequestContextOf: TypeAlias = Callable[[object], ActionContext]
"""Returns the caller's context for a request of the transport (None on stdio). Runs on the event loop; must not block."""
OnCall: TypeAlias = Callable[[str, str, float], None]
"""Called after every call with the tool, `done` or the error's name, and the seconds it took."""


def count_nothing(tool: str, outcome: str, seconds: float) -> None:
    """Ignore the call: for a server without metrics."""


LIVE_PAGE: Final = 25
_MAX_QUOTED: Final = 64


class LivePageInput(PagedInput):
    """The page of a live output."""

    limit: Annotated[int, Field(ge=1, le=200, description="Maximum number of rows")] = LIVE_PAGE


_PAGE: Final = cast("Mapping[str, Json]", tool_arguments_schema(LivePageInput)["properties"])
_PAGE_INFO: Final[Schema] = {"total": {"type": "integer"}, "truncated": {"type": "boolean"}, "rest": {"type": ["string", "null"]}}


@dataclass(frozen=True, kw_only=True)
class ToolContext:
    """What tools and resources run with."""

    request_context_of: RequestContextOf
    pools: ActionPools
    on_call: OnCall


def tool_of(action: ActionDefinition) -> Tool:
    """Return the tool definition of an action."""
    return Tool(
        name=action.name,
        title=action.title,
        description=action.description,
        input_schema=_tool_input_schema(action),
        output_schema=tool_output_schema(action),
        annotations=ToolAnnotations(
            title=action.title, read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


async def call_tool(
    action: ActionDefinition, tool: Tool, arguments: Mapping[str, Any], context: ToolContext, request: object
) -> CallToolResult:
    """Run an action. An ActionError is a result that says so."""
    began = time.monotonic()
    outcome = "Error"
    try:
        document = await _run(action, tool, arguments, context, request)
        outcome = "done"
        return CallToolResult(content=[TextContent(type="text", text=text_of(document))], structured_content=document)
    except ActionError as failed:
        outcome = failed.name
        text = f"{failed.name}: {failed}{_advice(failed)}"
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
    finally:
        context.on_call(action.name, outcome, time.monotonic() - began)


async def _run(
    action: ActionDefinition, tool: Tool, arguments: Mapping[str, Any], context: ToolContext, request: object
) -> Document:
    # Some clients put the metadata of the request here.
    arguments = {name: value for name, value in arguments.items() if name != "_meta"}
    valid = tool.input_schema["properties"]
    for name in arguments:
        if name not in valid:
            message = f"unknown argument {name[:_MAX_QUOTED]!r}; valid arguments are {', '.join(valid)}"
            raise InputError(message)
    paging: dict[str, Json] = {name: arguments[name] for name in ("limit", "offset") if name in arguments}
    page: PagedInput = read_arguments(LivePageInput, paging) if action.is_live else read_arguments(PagedInput, paging)
    own = {name: value for name, value in arguments.items() if not (action.is_live and name in paging)}
    run = partial(_run_blocking, action, own, context.request_context_of(request), page, schema=tool.output_schema or {})
    return await context.pools.run(run, is_live=action.is_live)


def _run_blocking(
    action: ActionDefinition, arguments: Mapping[str, Json], request_context: ActionContext, page: PagedInput, *, schema: Schema
) -> Document:
    output: BaseModel = action.run(arguments, request_context)
    document = cast("Document", output.model_dump(mode="json", by_alias=True))
    if action.is_live:
        document = paginate(document, rows=action.rows, limit=page.limit, offset=page.offset)
    return truncate(document, rows=action.rows, offset=page.offset, schema=schema)


def _advice(failed: ActionError) -> str:
    """Return what to do about an error, if its message does not say."""
    match failed:
        case NotFoundError() if "list_components" not in str(failed):
            return ". Find references with list_components."
        case ServiceUnavailableError() if "again" not in str(failed):
            return ". Try again later; tools over history (get_cost_trend, list_recommendations) may still work."
    return ""


def _tool_input_schema(action: ActionDefinition) -> dict[str, Any]:
    schema = tool_arguments_schema(action.input)
    if not action.is_live:
        return schema
    return {**schema, "properties": {**cast("Schema", schema["properties"]), **_PAGE}}


def tool_output_schema(action: ActionDefinition) -> dict[str, Any]:
    """Return the schema of a tool's structured content."""
    schema = output_schema(action.output, described=False)
    if not action.is_live:
        return schema
    return {**schema, "properties": {**cast("Schema", schema["properties"]), **_PAGE_INFO}}
