"""An MCP message as the gate reads it, and the tool it may name."""

from typing import TYPE_CHECKING, Literal

import msgspec

from triplegate.wire.json_members import Members
from triplegate.wire.jsonrpc import Env
from triplegate.wire.mcp_era import Era
from triplegate.wire.mcp_params import Mirrored

if TYPE_CHECKING:
    from triplegate.gates.mcp.server import Server
    from triplegate.gates.mcp.sessions import ClientSession
    from triplegate.gates.mcp.views import View


class OwnTool(msgspec.Struct, frozen=True):
    """A tool as its server defines it."""

    name: str
    definition: bytes
    """The JSON object, as it came."""
    mirrors: Mirrored
    """Arguments that travel in headers too."""


class Tool(msgspec.Struct, frozen=True, eq=False):
    """A tool as one team sees it on one path."""

    name: str
    """The name clients use."""
    server: "Server"
    own: OwnTool
    definition: bytes
    """With the name clients use; every other byte as the server sent it."""
    raw_name: bytes
    """Its name at the server, as JSON."""
    header_name: bytes
    """The same as a header carries it."""


class McpCall(msgspec.Struct, frozen=True, eq=False):
    """One message from a client, read once."""

    kind: Literal["request", "notification", "response", "batch", "end", "unread"] = "unread"
    """end: DELETE of a session; unread: refused before it was understood."""
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
    tool: Tool | None = None
    messages: tuple[bytes, ...] = ()
    """Of a batch."""
