"""The tools of the sample MCP server: what they are called, what they take and what they do."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from triplegate.samples.http import Refused
from triplegate.samples.latch import Latches
from triplegate.samples.orders import Book

_BIG = 64 * 1024 * 1024
_PIECE = 64 * 1024
Result = dict[str, Any]
Progress = Callable[[float, float], Awaitable[None]]


class BadArguments(Exception):
    """The arguments do not fit the tool: told to the model as a failed call, so that it can mend them."""


class Tool:
    """One tool: its definition, and a function of its arguments."""

    def __init__(
        self,
        name: str,
        description: str,
        properties: Mapping[str, Any],
        call: Callable[[Mapping[str, Any], Progress], Awaitable[Result]],
        *,
        optional: tuple[str, ...] = (),
        output: Mapping[str, Any] | None = None,
        streams: bool = False,
        read_only: bool = True,
    ) -> None:
        self.name, self.call, self.streams = name, call, streams
        """`streams`: answered as server-sent events, so that progress can travel before the result."""
        required = [key for key in properties if key not in optional]
        schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        self.definition: dict[str, Any] = {"name": name, "description": description, "inputSchema": schema}
        if output is not None:
            self.definition["outputSchema"] = output
        self.definition["annotations"] = {"readOnlyHint": read_only, "idempotentHint": read_only}

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Compare the arguments with the schema: names, presence and JSON type."""
        schema = self.definition["inputSchema"]
        for name in schema["required"]:
            if name not in arguments:
                raise BadArguments(f"{self.name}: '{name}' is missing")
        for name, value in arguments.items():
            if name not in schema["properties"]:
                raise BadArguments(f"{self.name}: '{name}' is not an argument")
            kinds = _KINDS[schema["properties"][name]["type"]]
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise BadArguments(f"{self.name}: '{name}' must be {schema['properties'][name]['type']}")


_KINDS: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float)}


def text(value: str, *, failed: bool = False) -> Result:
    """A result of one text."""
    return {"content": [{"type": "text", "text": value}], "isError": failed}


def structured(value: Mapping[str, Any]) -> Result:
    """A result for programs, with the same as text for models."""
    return text(msgspec.json.encode(value).decode()) | {"structuredContent": value}


class Tools:
    """All tools, in the order they are listed."""

    def __init__(self, book: Book, latches: Latches) -> None:
        self._book, self._latches = book, latches
        string, integer, number = ({"type": kind} for kind in ("string", "integer", "number"))
        numbers = {"type": "object", "properties": {"sum": number}, "required": ["sum"]}
        order = {"type": "object", "properties": {"id": string, "customer": string}, "required": ["id"]}
        tools = (
            Tool("echo", "Say the text again.", {"text": string}, self._echo),
            Tool("add", "Add two numbers.", {"a": number, "b": number}, self._add, output=numbers),
            Tool("get_order", "Look up an order by its id.", {"id": string}, self._get_order, output=order),
            Tool(
                "slow",
                "Work for some seconds and tell the progress in five steps, each stepped by a latch if one is named.",
                {"seconds": number, "latch": string},
                self._slow,
                optional=("latch",),
                streams=True,
            ),
            Tool("fail", "Always fail, as a tool does: with a result that says so.", {}, self._fail),
            Tool("big", "Answer so many bytes of text.", {"bytes": integer}, self._big),
            Tool(
                "secret_admin_tool",
                "Delete every order. Listed so that access rules have something to hide; deletes nothing.",
                {},
                self._secret,
                read_only=False,
            ),
        )
        self.by_name = {tool.name: tool for tool in tools}

    @staticmethod
    async def _echo(arguments: Mapping[str, Any], progress: Progress) -> Result:
        return text(arguments["text"])

    @staticmethod
    async def _add(arguments: Mapping[str, Any], progress: Progress) -> Result:
        return structured({"sum": arguments["a"] + arguments["b"]})

    async def _get_order(self, arguments: Mapping[str, Any], progress: Progress) -> Result:
        try:
            return structured(msgspec.to_builtins(self._book.get(arguments["id"])))
        except Refused:
            return text(f"no order {arguments['id']}", failed=True)

    async def _slow(self, arguments: Mapping[str, Any], progress: Progress) -> Result:
        seconds = min(max(float(arguments["seconds"]), 0.0), 300.0)
        latch = self._latches.get(arguments["latch"]) if "latch" in arguments else None
        for step in range(1, 6):
            if latch is not None:
                await latch.pass_one()
            await asyncio.sleep(seconds / 5)
            await progress(step, 5)
        return text(f"worked for {seconds:g} s")

    @staticmethod
    async def _fail(arguments: Mapping[str, Any], progress: Progress) -> Result:
        return text("this tool always fails", failed=True)

    @staticmethod
    async def _big(arguments: Mapping[str, Any], progress: Progress) -> Result:
        if not 0 <= arguments["bytes"] <= _BIG:
            raise BadArguments(f"big: 'bytes' must be 0 to {_BIG}")
        return text("") | {"big": arguments["bytes"]}

    @staticmethod
    async def _secret(arguments: Mapping[str, Any], progress: Progress) -> Result:
        return text("all orders deleted (not really)")


async def big_body(head: bytes, size: int, tail: bytes) -> AsyncGenerator[bytes, None]:
    """`size` letters between head and tail, made while they are sent."""
    yield head
    for left in range(size, 0, -_PIECE):
        yield b"x" * min(left, _PIECE)
    yield tail
