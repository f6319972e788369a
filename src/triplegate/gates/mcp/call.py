"""An MCP message as the gate reads it, and the tool, prompt or resource it may name."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from triplegate.gates.mcp.kinds import Kind
from triplegate.wire.json_members import Members
from triplegate.wire.jsonrpc import Env
from triplegate.wire.mcp_era import Era
from triplegate.wire.mcp_params import Mirrored

if TYPE_CHECKING:
    from triplegate.gates.mcp.ears import Ear
    from triplegate.gates.mcp.server import Server
    from triplegate.gates.mcp.sessions import ClientSession
    from triplegate.gates.mcp.views import View


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

    def digest(self) -> str:
        """SHA-256 of the arguments as they came; what the ledger keeps instead of them."""
        return hashlib.sha256(self.params.get("arguments", b"")).hexdigest()

    @property
    def tool(self) -> Item | None:
        """The item, when it is a tool."""
        item = self.item
        return item if item is not None and item.kind == "tool" else None
