"""An MCP server that does as a test tells it, in a thread of its own: honest, changed, or lying in many ways."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any, Self

from triplegate.samples.http import Answer, Request, Server

MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
Said = dict[str, Any]
Behaviour = Callable[[Said], Any]
"""(message) → a result as a dict, a whole Answer, or an awaitable of one."""


def tool(name: str, description: str = "A tool.", schema: Said | None = None, **more: Any) -> Said:
    """A definition."""
    return {"name": name, "description": description, "inputSchema": schema or {"type": "object"}, **more}


def said(text: str, **more: Any) -> Said:
    """The result of a tool that says something."""
    return {"content": [{"type": "text", "text": text}], **more}


def answer(message: Said, result: Said, **more: Any) -> bytes:
    """A whole response."""
    return json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result, **more}).encode()


def stream(chunks: AsyncGenerator[bytes, None]) -> Answer:
    """A stream of events."""
    return Answer(chunks, content_type="text/event-stream")


def event(message: Said | bytes) -> bytes:
    """One event."""
    return b"data: " + (message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n\n"


class Double:
    """`with` starts and stops it. What it lists and how its tools behave may be changed at any time."""

    def __init__(self, *tools: Said, era: str = "modern", ttl: int = 0, port: int = 0) -> None:
        self.tools, self.era, self.ttl, self.port = list(tools), era, ttl, port
        self.capabilities: Said = {"tools": {}}
        self.behave: dict[str, Behaviour] = {}
        """By the tool's name, or by a method."""
        self.seen: list[tuple[list[tuple[str, str]], Said]] = []
        """Header lines and message of every POST."""
        self.requests: list[tuple[str, str]] = []
        """Method and path of every request."""
        self.cache_scope = "public"
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def calls(self, name: str = "") -> list[Said]:
        """The calls that reached it, of one tool or of all."""
        found = [message for _, message in self.seen if message.get("method") == "tools/call"]
        return [message for message in found if not name or message["params"]["name"] == name]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _run(self) -> None:
        async with Server(self._answer, self.port) as server:
            self.port = server.port
            self._ready.set()
            await self._stop.wait()

    async def _answer(self, request: Request) -> Answer:
        self.requests.append((request.method, request.target))
        if request.method != "POST":
            return Answer(status=405)
        message = json.loads(await request.body(64 * 1024 * 1024))
        self.seen.append((request.headers, message))
        if "method" not in message or "id" not in message:
            return Answer(status=202)
        modern = request.header("mcp-protocol-version") == MODERN
        if modern != (self.era == "modern"):
            error = {"code": -32600, "message": "strange era"}
            return Answer.json({"jsonrpc": "2.0", "id": message["id"], "error": error}, 400)
        found = self._behaviour(message)
        if asyncio.iscoroutine(found):
            found = await found
        if isinstance(found, Answer):
            return found
        if self.era == "modern":
            found = {"resultType": "complete", **found}
        headers = [("mcp-session-id", "upstream-session")] if message["method"] == "initialize" else []
        return Answer(answer(message, found), content_type="application/json", headers=headers)

    def _behaviour(self, message: Said) -> Any:
        method = message["method"]
        name = message.get("params", {}).get("name", "")
        for own in (f"{method} {name}", name, method):
            if own in self.behave:
                return self.behave[own](message)
        if method == "tools/list":
            return {"tools": self.tools, "ttlMs": self.ttl, "cacheScope": self.cache_scope}
        if method == "server/discover":
            return {
                "supportedVersions": [MODERN],
                "capabilities": self.capabilities,
                "ttlMs": 0,
                "cacheScope": "public",
            }
        if method == "initialize":
            server = {"name": "double", "version": "1"}
            return {"protocolVersion": "2025-11-25", "capabilities": self.capabilities, "serverInfo": server}
        return said(f"{name} was called")
