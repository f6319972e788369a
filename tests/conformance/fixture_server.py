"""The server that the official conformance suite asks for: every kind of tool, resource and prompt, in both eras.

`python tests/conformance/fixture_server.py --port 3101` serves it on http://127.0.0.1:3101/mcp.
"""

import argparse
import asyncio
import base64
import io
import json
import struct
import sys
import wave
import zlib
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts import base as prompts
from mcp.server.mcpserver.tools import Tool
from mcp.server.request_state import RequestStateSecurity
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolResult,
    Completion,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    JSONRPCMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import Field

sys.path.insert(0, str(Path(__file__).parent))
import fixture_questions

PAUSE = 0.05
MODERN = b"2026-07-28"


def _png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _wav() -> bytes:
    """Eight samples of silence."""
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 8)
    return written.getvalue()


PNG = _png()
IMAGE = ImageContent(type="image", data=base64.b64encode(PNG).decode(), mime_type="image/png")
AUDIO = AudioContent(type="audio", data=base64.b64encode(_wav()).decode(), mime_type="audio/wav")


def text(said: str) -> TextContent:
    """A piece of text."""
    return TextContent(type="text", text=said)


def embedded(uri: str, kind: str, said: str) -> EmbeddedResource:
    """A resource inside an answer."""
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=kind, text=said))


class Events(EventStore):
    """All events of the process; a stream is found again by the number of any of its events."""

    def __init__(self) -> None:
        self._events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        last = int(last_event_id)
        if not 0 < last <= len(self._events):
            return None
        stream = self._events[last - 1][0]
        for number, (owner, message) in enumerate(self._events[last:], last + 1):
            if owner == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


server = MCPServer(
    "conformance-fixture",
    version="1.0.0",
    log_level="ERROR",
    request_state_security=RequestStateSecurity(keys=[b"only for tests: thirty-two bytes and more"]),
)


# what tools answer ------------------------------------------------------------------------------------------
@server.tool()
def test_simple_text() -> TextContent:
    """Answer with text."""
    return text("This is a simple text response for testing.")


@server.tool()
def test_image_content() -> ImageContent:
    """Answer with an image."""
    return IMAGE


@server.tool()
def test_audio_content() -> AudioContent:
    """Answer with sound."""
    return AUDIO


@server.tool()
def test_embedded_resource() -> EmbeddedResource:
    """Answer with a resource."""
    return embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")


@server.tool()
def test_multiple_content_types() -> list[Any]:
    """Answer with text, an image and a resource."""
    mixed = json.dumps({"test": "data", "value": 123})
    resource = embedded("test://mixed-content-resource", "application/json", mixed)
    return [text("Multiple content types test:"), IMAGE, resource]


@server.tool()
def test_error_handling() -> CallToolResult:
    """Fail on purpose."""
    return CallToolResult(content=[text("This tool intentionally returns an error for testing")], is_error=True)


@server.tool()
def test_x_mcp_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "",  # noqa: PT028 - a tool, no test
) -> TextContent:
    """Take an argument that a header repeats."""
    return text(f"region={region}")


# what tools tell while they run -----------------------------------------------------------------------------
async def log(ctx: Context[Any, Any], said: str) -> None:
    """One line to the client, on the stream of its call."""
    await ctx.session.send_log_message("info", said, related_request_id=ctx.request_id)


@server.tool()
async def test_tool_with_logging(ctx: Context) -> TextContent:
    """Log three lines."""
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await log(ctx, said)
        await asyncio.sleep(PAUSE)
    return text("Tool with logging executed successfully")


@server.tool()
async def test_tool_with_progress(ctx: Context) -> TextContent:
    """Report progress in three steps."""
    for step in (0, 50, 100):
        await ctx.report_progress(step, 100, f"Completed step {step} of 100")
        await asyncio.sleep(PAUSE)
    meta = ctx.request_context.meta or {}
    return text(str(meta.get("progress_token", meta.get("progressToken"))))


@server.tool()
async def test_reconnection(ctx: Context) -> TextContent:
    """Close the stream in the middle of the call; the answer waits for whoever resumes."""
    await log(ctx, "Reconnection test: before the stream is closed")
    await ctx.close_sse_stream()
    await asyncio.sleep(4 * PAUSE)
    await log(ctx, "Reconnection test: after the stream was closed")
    return text("Reconnection test completed")


@server.tool()
async def test_logging_tool(ctx: Context) -> TextContent:
    """Log a line, which only clients that asked for it may see."""
    await log(ctx, "A line of the logging tool")
    return text("Logged.")


@server.tool()
async def test_missing_capability(ctx: Context) -> TextContent:
    """Refuse clients that cannot be sampled."""
    able = ctx.client_capabilities
    if able is None or able.sampling is None:
        needed = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "sampling is needed", data=needed)
    return text("The client can be sampled.")


# what changes -----------------------------------------------------------------------------------------------
@server.tool()
async def test_trigger_tool_change(ctx: Context) -> TextContent:
    """Add a tool and take it away again."""
    server.add_tool(lambda: "dynamic", name="test_dynamic_tool", description="Comes and goes.")
    await _tools_changed(ctx)
    server.remove_tool("test_dynamic_tool")
    await _tools_changed(ctx)
    return text("Tool list changed")


async def _tools_changed(ctx: Context[Any, Any]) -> None:
    await ctx.notify_tools_changed()
    if ctx.session.can_send_request:
        await ctx.session.send_tool_list_changed()


@server.tool()
async def test_trigger_prompt_change(ctx: Context) -> TextContent:
    """Add a prompt and take it away again."""
    prompt = prompts.Prompt.from_function(lambda: "dynamic", name="test_dynamic_prompt", description="Comes and goes.")
    server.add_prompt(prompt)
    await _prompts_changed(ctx)
    server._prompt_manager._prompts.pop("test_dynamic_prompt", None)
    await _prompts_changed(ctx)
    return text("Prompt list changed")


async def _prompts_changed(ctx: Context[Any, Any]) -> None:
    await ctx.notify_prompts_changed()
    if ctx.session.can_send_request:
        await ctx.session.send_prompt_list_changed()


def json_schema_2020_12_tool(**arguments: Any) -> TextContent:
    """Show a schema with every keyword that proxies like to lose."""
    return text(f"JSON Schema 2020-12 tool called with: {json.dumps(arguments)}")


def add_tools_with_own_schemas() -> None:
    """A tool whose input schema no signature gives."""
    tool = Tool.from_function(json_schema_2020_12_tool, structured_output=False)
    tool.parameters = fixture_questions.SCHEMA_2020_12
    server._tool_manager._tools[tool.name] = tool


# resources and prompts --------------------------------------------------------------------------------------
@server.resource("test://static-text", name="Static text", mime_type="text/plain")
def static_text() -> str:
    """Text that never changes."""
    return "This is the content of the static text resource."


@server.resource("test://static-binary", name="Static binary", mime_type="image/png")
def static_binary() -> bytes:
    """An image that never changes."""
    return PNG


@server.resource("test://template/{id}/data", name="Template", mime_type="application/json")
def template(id: str) -> str:  # noqa: A002 - the contract names it so
    """One answer an id."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


@server.resource("test://watched-resource", name="Watched", mime_type="text/plain")
def watched() -> str:
    """Something to subscribe to."""
    return "Watched resource content"


@server.prompt()
def test_simple_prompt() -> str:
    """A prompt without arguments."""
    return "This is a simple prompt for testing."


@server.prompt()
def test_prompt_with_arguments(
    arg1: Annotated[str, Field(description="First argument")], arg2: Annotated[str, Field(description="Second one")]
) -> str:
    """A prompt with two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@server.prompt()
def test_prompt_with_embedded_resource(
    resourceUri: Annotated[str, Field(description="URI of the resource")],  # noqa: N803 - the contract names it so
) -> list[prompts.Message]:
    """A prompt that holds a resource."""
    held = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [prompts.UserMessage(held), prompts.UserMessage("Please process the embedded resource above.")]


@server.prompt()
def test_prompt_with_image() -> list[prompts.Message]:
    """A prompt that holds an image."""
    return [prompts.UserMessage(IMAGE), prompts.UserMessage("Please analyze the image above.")]


@server.completion()
async def complete(ref: Any, argument: Any, context: Any) -> Completion:
    """Nothing to propose."""
    return Completion(values=[], total=0, has_more=False)


def add_methods_of_sessions() -> None:
    """What the SDK leaves to the server: levels and subscriptions of sessions."""

    async def done(ctx: Any, params: Any) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, done)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, done)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, done)


class OneEra:
    """The server as one that knows a single era: the other one's requests are strange to it."""

    def __init__(self, application: Any, era: str) -> None:
        self._application = application
        self._modern = era == "modern"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        said = dict(scope.get("headers", ())).get(b"mcp-protocol-version")
        if scope["type"] != "http" or (said == MODERN) == self._modern:
            await self._application(scope, receive, send)
            return
        strange = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Bad Request: strange era"}}
        if self._modern:
            strange["error"] = {
                "code": -32022,
                "message": "Unsupported protocol version",
                "data": {"supported": [MODERN.decode()], "requested": (said or b"").decode()},
            }
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 400, "headers": head})
        await send({"type": "http.response.body", "body": json.dumps(strange).encode()})


def application(era: str = "both") -> Any:
    """The whole server as an ASGI application."""
    add_tools_with_own_schemas()
    add_methods_of_sessions()
    fixture_questions.register(server)
    whole = server.streamable_http_app(event_store=Events(), retry_interval=100)
    return whole if era == "both" else OneEra(whole, era)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3101)
    parser.add_argument("--era", choices=["both", "modern", "legacy"], default="both")
    options = parser.parse_args()
    uvicorn.run(application(options.era), host="127.0.0.1", port=options.port, log_level="error")
