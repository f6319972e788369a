"""An MCP message as the gate reads it, and the tool, prompt or resource it may name."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from triplegate.gates.mcp.kinds import Kind
from triplegate.wire.json_members import Members, set_members
from triplegate.wire.jsonrpc import Env, edit, read, read_params
from triplegate.wire.mcp_era import Era
from triplegate.wire.mcp_params import Mirrored
from triplegate.wire.screening.tools import Said

if TYPE_CHECKING:
    from triplegate.gates.mcp.ears import Ear
    from triplegate.gates.mcp.server import Server
    from triplegate.gates.mcp.sessions import ClientSession
    from triplegate.gates.mcp.views import View

_NAMES = frozenset({"name", "ref", "requestState"})
"""Members of params that name what is called, or are the server's own."""


class OwnItem(msgspec.Struct, frozen=True):
    """A tool, prompt, resource or template as its server defines it."""

    name: str
    """Of a resource its URI, of a template its URI template."""
    definition: bytes
    """The JSON object, as it came."""
    mirrors: Mirrored = ()
    """Arguments of a tool that travel in headers too."""


class Item(msgspec.Struct, frozen=True, eq=False):
    """A tool, prompt, resource or template as one team sees it on one path."""

    kind: Kind
    name: str
    """The name (of a resource the URI) clients use."""
    server: "Server"
    own: OwnItem
    definition: bytes
    """With the name clients use; every other byte as the server sent it."""
    raw_name: bytes
    """Its name at the server, as JSON."""
    header_name: bytes
    """The same as a header carries it."""


class Parked(msgspec.Struct, frozen=True, eq=False):
    """A call that waits at a server with sessions for the answer to its question."""

    box: str
    """Where what the server goes on to say is kept."""
    after: str
    """The place in it from which on the client has not had it."""
    server: str
    session: bytes
    """Version, space, Mcp-Session-Id."""
    number: int
    """The call's id in it."""
    question: msgspec.Raw
    """The id that the server gave its question."""
    method: str
    params: msgspec.Raw


class McpCall(msgspec.Struct, frozen=True, eq=False):
    """One message from a client, read once."""

    kind: Literal["request", "notification", "response", "batch", "stream", "end", "unread"] = "unread"
    """stream, end: GET and DELETE of a session; unread: refused before it was understood."""
    era: Era = "modern"
    method: str = ""
    id: bytes = b"null"
    """Raw JSON."""
    env: Env | None = None
    params: Members = {}
    meta: Members = {}
    """`params._meta`."""
    session: "ClientSession | None" = None
    view: "View | None" = None
    item: Item | None = None
    """What the message names, found in the view."""
    messages: tuple[bytes, ...] = ()
    """Of a batch."""
    through: str = ""
    """The tool of progressive discovery by which it came; else empty."""
    given: Mapping[str, bytes] = {}
    """Answers to questions of our own that came with the call: key → raw result."""
    parked: Parked | None = None
    """It is not called: it waits there already, and is answered."""
    ear: "Ear | None" = None
    """What a stream that only listens hears with."""
    asked: Members = {}
    """The params as they came, where a policy has changed what they say."""

    def digest(self) -> str:
        """SHA-256 of the arguments as they came; what the ledger keeps instead of them."""
        return hashlib.sha256(self.params.get("arguments", b"")).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the message."""
        return 0 if self.env is None else len(self.env.text)

    def said(self) -> list[Said]:
        """What its server will be told: of a call its arguments and answers, of a session's answer all of it."""
        env = self.env
        if env is None or (self.item is None and self.kind != "response"):
            return []
        if self.kind == "response":
            return [Said(name, bytes(env.members[name])) for name in ("result", "error") if name in env.members]
        return [Said(name, bytes(raw), name == "uri") for name, raw in self.params.items() if name not in _NAMES]

    def resaid(self, changes: Mapping[str, bytes]) -> "McpCall":
        """The call with other words in these parts."""
        env = self.env
        assert env is not None
        if self.kind == "response":
            return msgspec.structs.replace(self, env=read(set_members(env.text, env.members, changes)))
        told = read(edit(env, params=changes))
        return msgspec.structs.replace(self, env=told, params=read_params(told), asked=self.asked or self.params)

    @property
    def tool(self) -> Item | None:
        """The item, when it is a tool."""
        item = self.item
        return item if item is not None and item.kind == "tool" else None
