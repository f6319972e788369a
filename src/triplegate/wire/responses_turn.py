"""One turn of a model within a response: what is the client's passes, calls of servers' tools become their items."""

from collections.abc import Mapping
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import encode, read_members
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp import Tool
from triplegate.wire.responses_mcp_items import Asked, call_item, request_item
from triplegate.wire.responses_merged import Merged, malformed
from triplegate.wire.seals import identity_of
from triplegate.wire.sse import SseReader

_NOTHING = Raw(b"")
_MOST = 16 * 1024 * 1024
_BEGINS = frozenset({"response.created", "response.in_progress", "response.queued"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_ARGUMENTS = {
    "response.function_call_arguments.delta": ("response.mcp_call_arguments.delta", "delta"),
    "response.function_call_arguments.done": ("response.mcp_call_arguments.done", "arguments"),
}
_CALLS = frozenset({"function_call", "custom_tool_call"})


class _Event(msgspec.Struct):
    type: str = ""
    output_index: int | None = None
    item: Raw = _NOTHING
    delta: str | None = None
    arguments: str | None = None
    response: Raw = _NOTHING


class _Item(msgspec.Struct):
    type: str = ""
    name: str = ""
    call_id: str = ""
    arguments: str | None = None


class _Response(msgspec.Struct):
    id: str = ""
    store: bool | None = None
    status: str = ""
    output: list[Raw] = []
    usage: Raw = _NOTHING
    error: Raw = _NOTHING
    incomplete_details: Raw = Raw(b"null")


_event = msgspec.json.Decoder(_Event).decode
_item = msgspec.json.Decoder(_Item).decode
_response = msgspec.json.Decoder(_Response).decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Call(msgspec.Struct, eq=False):
    """A call of a server's tool, and its item."""

    tool: Tool
    place: int
    item: dict[str, Any]
    call: str = ""
    """The model's id of it."""
    arguments: str = "{}"


class Turn:
    """Reads the events of one turn, or its whole response, into the response of which it is a part."""

    __slots__ = (
        "_functions",
        "_merged",
        "_opened",
        "_places",
        "_seen",
        "_sse",
        "asked",
        "calls",
        "details",
        "items",
        "message",
        "status",
        "stored",
        "theirs",
    )

    def __init__(self, merged: Merged, functions: Mapping[str, Tool]) -> None:
        self._merged, self._functions = merged, functions
        self._sse = SseReader(_MOST)
        self._places: dict[int, int] = {}
        self._opened: dict[int, Call] = {}
        self._seen: set[int] = set()
        self.calls: list[Call] = []
        self.asked: list[Asked] = []
        """Calls that need a yes first."""
        self.theirs = False
        """The model called a function of the client's own."""
        self.items: list[Raw] = []
        """What the model said, as it reads it again."""
        self.status = ""
        """completed, incomplete or failed; empty while it goes on."""
        self.details = Raw(b"null")
        self.message = ""
        """Why it failed."""
        self.stored = ""
        """The id by which its provider keeps it; empty where it does not."""

    def feed(self, chunk: bytes) -> None:
        """More of its stream. Raises Refusal upstream_malformed."""
        for event in self._sse.feed(chunk):
            data = event.data.strip()
            if data and data != b"[DONE]":
                self._take(data)

    def whole(self, body: bytes) -> None:
        """All of it. Raises Refusal upstream_malformed."""
        self._end(Raw(body))

    def _take(self, data: bytes) -> None:
        try:
            said = _event(data)
        except _BROKEN as error:
            raise malformed(error) from error
        kind = said.type
        if kind in _BEGINS:
            return
        if kind in _ENDS:
            self._end(said.response)
        elif kind == "error":
            self.status, self.message = "failed", _message(data)
        elif kind == "response.output_item.added" and said.output_index is not None:
            self._added(said.output_index, said.item, data)
        elif kind == "response.output_item.done" and said.output_index is not None:
            self._done(said.output_index, said.item, data)
        else:
            self._more(said, data)

    def _more(self, said: _Event, data: bytes) -> None:
        index = said.output_index
        if index is None:
            self._merged.relay(said.type, data, None)
        elif index in self._opened:
            call = self._opened[index]
            named = _ARGUMENTS.get(said.type)
            if named is not None and call.place >= 0:
                text = said.delta if named[1] == "delta" else said.arguments
                self._merged.tell(named[0], call.place, call.item["id"], **{named[1]: text or ""})
        else:
            self._merged.relay(said.type, data, self._place(index))

    def _place(self, index: int) -> int:
        place = self._places.get(index)
        if place is None:
            place = self._places[index] = self._merged.place()
        return place

    @property
    def opened(self) -> list[Call]:
        """The calls that were told to the client, whole or not."""
        return [call for call in self._opened.values() if call.place >= 0]

    # items -----------------------------------------------------------------------------------------------------------
    def _added(self, index: int, raw: Raw, data: bytes) -> None:
        tool = self._tool(_read(raw))
        if tool is None:
            self._merged.relay("response.output_item.added", data, self._place(index))
        else:
            self._open(index, tool)

    def _tool(self, said: _Item) -> Tool | None:
        return self._functions.get(said.name) if said.type == "function_call" else None

    def _open(self, index: int, tool: Tool) -> Call:
        """A call begins; one that needs a yes is told only when it is whole."""
        merged = self._merged
        identity = f"mcp_{merged.identity}_{len(merged.output)}"
        item = call_item(identity, tool.label, tool.name, None)
        call = self._opened[index] = Call(tool, -1 if tool.yes else merged.add(item), item)
        if call.place >= 0:
            merged.tell("response.mcp_call.in_progress", call.place, identity)
        return call

    def _done(self, index: int, raw: Raw, data: bytes) -> None:
        """An item is whole; it may be told twice, by its own event and by the response."""
        if index in self._seen:
            return
        self._seen.add(index)
        said = _read(raw)
        self.items.append(raw)
        tool = self._tool(said)
        if tool is not None:
            self._called(self._opened.get(index) or self._open(index, tool), said)
            return
        self.theirs = self.theirs or said.type in _CALLS
        place = self._place(index)
        self._merged.keep(place, raw)
        self._merged.relay("response.output_item.done", data, place)

    def _called(self, call: Call, said: _Item) -> None:
        merged, tool = self._merged, call.tool
        call.call, call.arguments = said.call_id, said.arguments or "{}"
        call.item["arguments"] = call.arguments
        if not tool.yes:
            self.calls.append(call)
            return
        asked = Asked(f"mcpr_{merged.identity}_{len(merged.output)}", tool.label, tool.name, call.arguments, call.call)
        self.asked.append(asked)
        item = request_item(asked)
        merged.done(merged.add(item), item)

    # the end ---------------------------------------------------------------------------------------------------------
    def _end(self, raw: Raw) -> None:
        try:
            said, members = _response(raw), read_members(bytes(raw))
        except (*_BROKEN, Refusal) as error:
            raise malformed(error) from error
        self.status, self.details = said.status or "completed", said.incomplete_details
        self.stored = said.id if said.store and identity_of(said.id) != said.id else ""
        if self.status not in ("completed", "incomplete"):
            self.status, self.message = "failed", _message(b'{"error":%b}' % (bytes(said.error) or b"null"))
        for index, item in enumerate(said.output):
            event = {"type": "response.output_item.done", "output_index": index, "item": item}
            self._done(index, item, encode(event))
        self._merged.count(said.usage)
        self._merged.adopt(members)


def _read(raw: Raw) -> _Item:
    try:
        return _item(raw)
    except _BROKEN as error:
        raise malformed(error) from error


def _message(data: bytes) -> str:
    said: Any = msgspec.json.decode(data)
    error = said.get("error")
    message = error.get("message") if isinstance(error, dict) else said.get("message")
    return message if isinstance(message, str) else "The model failed."
