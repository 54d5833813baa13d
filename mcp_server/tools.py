"""Questions as MCP tools: arguments checked by the questions themselves, answers bounded, failures in words a model can act on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeAlias, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from actions.action_pools import ActionPools
from actions.arguments import read_arguments
from actions.catalogue import ActionDefinition, RequestContext
from actions.errors import ActionError, InputError, NotFoundError, ServiceUnavailableError
from actions.history.models import PagedInput
from actions.schemas import Schema, input_schema, output_schema
from domain.messages import Json
from mcp_server.truncation import Document, paginate, text_of, truncate

AskerOf: TypeAlias = Callable[[object], RequestContext]
"""Answers who asks, by the transport's own request (None on stdio). Called on the event loop; must not block."""
OnCall: TypeAlias = Callable[[str, str, float], None]
"""Told of every call: the tool, `done` or the error's name, and the seconds it took."""


def count_nothing(tool: str, outcome: str, seconds: float) -> None:
    """Count no calls: for doors without metrics."""


HINTS: Final = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
LIVE_PAGE: Final = 25


class LivePageInput(PagedInput):
    """Which rows of a live answer are wanted."""

    limit: Annotated[int, Field(ge=1, le=200)] = LIVE_PAGE


_PAGE: Final = cast("Mapping[str, Json]", input_schema(PagedInput)["properties"])
_PAGE_NOTE: Final[Schema] = {
    "total": {"type": "integer"},
    "truncated": {"type": "boolean"},
    "rest": {"type": ["string", "null"]},
}


@dataclass(frozen=True, kw_only=True)
class ToolContext:
    """What all tools share."""

    asker_of: AskerOf
    lanes: ActionPools
    on_call: OnCall


@dataclass(frozen=True, kw_only=True)
class ToolSchema:
    """What a tool takes and what it promises."""

    valid: tuple[str, ...]
    """Its arguments."""
    output: Schema


def tool_of(offer: ActionDefinition, desks: ToolContext) -> Tool:
    """Make the tool of a question."""
    schema = _input_of(offer)
    promised = output_of(offer)
    shape = ToolSchema(valid=tuple(cast("Mapping[str, Json]", schema["properties"])), output=promised)

    async def answer(arguments: dict[str, Any], context: Context[Any, Any]) -> CallToolResult:
        return await _call(offer, shape, arguments, desks, context)

    return Tool(
        fn=answer,
        name=offer.name,
        title=offer.title,
        description=offer.description,
        parameters=cast("dict[str, Any]", schema),
        fn_metadata=RawArguments(arg_model=ArgModelBase, output_schema=cast("dict[str, Any]", promised)),
        is_async=True,
        context_kwarg="context",
        annotations=HINTS.model_copy(update={"title": offer.title}),
    )


class RawArguments(FuncMetadata):
    """Hands a tool its arguments as they came: the question reads them, and says what is wrong with them in its own words."""

    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        """Answer the arguments as one."""
        return {"arguments": arguments_to_validate}


async def _call(
    offer: ActionDefinition, shape: ToolSchema, arguments: dict[str, Any], desks: ToolContext, context: Context[Any, Any]
) -> CallToolResult:
    began = time.monotonic()
    outcome = "done"
    try:
        return await _answer(offer, shape, arguments, desks, context)
    except ActionError as failed:
        outcome = failed.name
        text = f"{failed.name}: {failed}{_advice(failed)}"
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
    except Exception:
        outcome = "Error"
        raise
    finally:
        desks.on_call(offer.name, outcome, time.monotonic() - began)


async def _answer(
    offer: ActionDefinition, shape: ToolSchema, arguments: dict[str, Any], desks: ToolContext, context: Context[Any, Any]
) -> CallToolResult:
    for name in arguments:
        if name not in shape.valid:
            message = f"there is no argument {name[:64]!r}; valid are {', '.join(shape.valid)}"
            raise InputError(message)
    paging: dict[str, Json] = {name: arguments[name] for name in ("limit", "offset") if name in arguments}
    page: PagedInput = read_arguments(LivePageInput, paging) if offer.is_live else read_arguments(PagedInput, paging)
    asked = {name: value for name, value in arguments.items() if not (offer.is_live and name in paging)}
    asker = desks.asker_of(request_of(context))
    answer = await desks.lanes.run(partial(_ask, offer, asked, asker, page, output=shape.output), is_live=offer.is_live)
    return CallToolResult(content=[TextContent(type="text", text=text_of(answer))], structured_content=answer)


def _ask(
    offer: ActionDefinition, arguments: Mapping[str, Json], asker: RequestContext, page: PagedInput, *, output: Schema
) -> Document:
    answer: BaseModel = offer.ask(arguments, asker)
    document = cast("Document", answer.model_dump(mode="json", by_alias=True))
    if offer.is_live:
        document = paginate(document, rows=offer.rows, limit=page.limit, offset=page.offset)
    return truncate(document, rows=offer.rows, offset=page.offset, schema=output)


def request_of(context: Context[Any, Any]) -> object:
    """Answer the request that carried the message; None where there is none."""
    return getattr(context.request_context, "request", None)


def _advice(failed: ActionError) -> str:
    """Say what to do about a failure, where its sentence does not."""
    match failed:
        case NotFoundError() if "list_components" not in str(failed):
            return ". Find references with list_components."
        case ServiceUnavailableError() if "again" not in str(failed):
            return ". Try again later; tools over history (get_cost_trend, list_recommendations) may still answer."
    return ""


def _input_of(offer: ActionDefinition) -> Schema:
    schema = input_schema(offer.input)
    if not offer.is_live:
        return schema
    properties = cast("Schema", schema["properties"])
    paged = {**_PAGE, "limit": {**cast("Schema", _PAGE["limit"]), "default": LIVE_PAGE}}
    return {**schema, "properties": {**properties, **paged}}


def output_of(offer: ActionDefinition) -> Schema:
    """Answer the schema of a tool's structured content."""
    schema = output_schema(offer.output, described=False)
    if not offer.is_live:
        return schema
    return {**schema, "properties": {**cast("Schema", schema["properties"]), **_PAGE_NOTE}}
