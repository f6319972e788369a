"""What a response with tools of MCP servers may do, and the client's call as each turn of the model gets it."""

import msgspec

from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Headers, Inbound
from triplegate.gates.llm.tool_catalog import Place
from triplegate.wire.json_members import Members, encode, set_members
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp import Tool, Wanted, choice_of, later_choice
from triplegate.wire.responses_mcp_items import History

_NOT_SENT = frozenset(
    {b"authorization", b"x-api-key", b"content-length", b"content-encoding", b"transfer-encoding", b"expect"}
    | {b"origin", b"x-request-id", b"traceparent"}
)
"""What is the client's own, or is said anew."""


class Terms(msgspec.Struct, frozen=True, eq=False):
    """What one response may do, and with what."""

    exchange: Exchange
    text: bytes
    """The call as it came."""
    members: Members
    servers: list[tuple[Wanted, Place]]
    others: list[Raw]
    """The tools that are no servers of ours."""
    functions: frozenset[str]
    """Names of the client's own."""
    history: History
    previous: str
    """The provider's own response before this one."""
    streamed: bool
    most_output: int
    turns: int
    calls: int
    told: bool
    """Whether the client is told what tools answered; else a guard may have changed it for the model."""
    kept: bool
    native: bool
    """The model's provider may speak the dialect itself: it refuses state of its own that it has not kept."""

    def inbound(self, turn: "Asking") -> Inbound:
        """The client's call with functions in place of servers, and all that was said since."""
        exchange, members = self.exchange, self.members
        tools = [*self.others, *[Raw(tool.written(about)) for tool, about in turn.tools]]
        changes = {"input": encode(turn.said), "tools": encode(tools)}
        choice = choice_of(members.get("tool_choice"), [tool for tool, _ in turn.tools])
        if turn.last and tools:
            changes["tool_choice"] = b'"none"'
        elif choice is not None:
            changes["tool_choice"] = choice if turn.first else later_choice(choice)
        if turn.previous or "previous_response_id" in members:
            changes["previous_response_id"] = encode(turn.previous or None)
        if self.most_output:
            changes["max_output_tokens"] = b"%d" % (self.most_output - turn.written)
        inbound = exchange.inbound
        headers: Headers = [line for line in inbound.headers if line[0] not in _NOT_SENT]
        headers += [(b"x-request-id", exchange.request_id), (b"traceparent", exchange.trace)]
        body = BytesBody(set_members(self.text, members, changes))
        return msgspec.structs.replace(inbound, headers=headers, body=body)


class Asking(msgspec.Struct, frozen=True, eq=False):
    """What one turn of the model is asked."""

    said: list[Raw]
    """The input."""
    tools: list[tuple[Tool, str]]
    """The servers' tools, and what the client says of each one's server."""
    previous: str = ""
    written: int = 0
    """Tokens that the model has written before."""
    first: bool = True
    last: bool = False
    """No tool may be called any more."""
