"""What `@modelcontextprotocol/conformance` expects a server to offer, by the names it asks for. Only the conformance run adds it."""

import base64
import json
from typing import Any, Final

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import AudioContent, ContentBlock, EmbeddedResource, ImageContent, TextContent, TextResourceContents

PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV: Final = base64.b64encode(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data\0\0\0\0").decode()
PAUSE_S: Final = 0.05
SCHEMA_2020_12: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False,
}


class RawArguments(FuncMetadata):
    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        return {"arguments": arguments_to_validate}


def add_fixtures(server: MCPServer[Any]) -> None:
    _add_tools(server)
    _add_resources(server)
    _add_prompts(server)


def _add_tools(server: MCPServer[Any]) -> None:
    @server.tool(name="test_simple_text", description="Answers a text", structured_output=False)
    def simple_text() -> str:
        return "This is a simple text response for testing."

    @server.tool(name="test_image_content", description="Answers an image", structured_output=False)
    def image() -> list[ContentBlock]:
        return [ImageContent(type="image", data=PNG, mime_type="image/png")]

    @server.tool(name="test_audio_content", description="Answers a sound", structured_output=False)
    def audio() -> list[ContentBlock]:
        return [AudioContent(type="audio", data=WAV, mime_type="audio/wav")]

    @server.tool(name="test_embedded_resource", description="Answers a resource", structured_output=False)
    def embedded() -> list[ContentBlock]:
        return [_resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")]

    @server.tool(
        name="test_multiple_content_types", description="Answers a text, an image and a resource", structured_output=False
    )
    def mixed() -> list[ContentBlock]:
        return [
            TextContent(type="text", text="Multiple content types test:"),
            ImageContent(type="image", data=PNG, mime_type="image/png"),
            _resource("test://mixed-content-resource", "application/json", json.dumps({"test": "data", "value": 123})),
        ]

    @server.tool(name="test_error_handling", description="Always fails", structured_output=False)
    def error() -> str:
        message = "This tool intentionally returns an error for testing"
        raise ToolError(message)

    @server.tool(name="test_tool_with_progress", description="Reports its progress", structured_output=False)
    async def progress(ctx: Context[Any, Any]) -> str:
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await anyio.sleep(PAUSE_S)
        return "done"

    async def echo(arguments: dict[str, Any]) -> str:
        return json.dumps(arguments)

    metadata = RawArguments(arg_model=ArgModelBase)
    tool = Tool(
        fn=echo,
        name="json_schema_2020_12_tool",
        title=None,
        description="Tool with JSON Schema 2020-12 features",
        parameters=SCHEMA_2020_12,
        fn_metadata=metadata,
        is_async=True,
        context_kwarg=None,
        annotations=None,
    )
    server._tool_manager._tools[tool.name] = tool  # the SDK takes a schema of one's own only when the server is made


def _add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", name="static-text", description="A text", mime_type="text/plain")
    def text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", name="static-binary", description="An image", mime_type="image/png")
    def binary() -> bytes:
        return base64.b64decode(PNG)

    @server.resource("test://template/{id}/data", name="template", description="A template", mime_type="application/json")
    def template(id: str) -> str:  # noqa: A002 - the name in the template
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt(name="test_simple_prompt", description="A prompt")
    def simple() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(name="test_prompt_with_arguments", description="A prompt with arguments")
    def with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(name="test_prompt_with_embedded_resource", description="A prompt with a resource")
    def with_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - the name on the wire
        resource = _resource(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt(name="test_prompt_with_image", description="A prompt with an image")
    def with_image() -> list[UserMessage]:
        image = ImageContent(type="image", data=PNG, mime_type="image/png")
        return [UserMessage(image), UserMessage("Please analyze the image above.")]


def _resource(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))
