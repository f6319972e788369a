"""Hold arguments of tools against the schemas that the tools declare, before anything is taken of a limit."""

from collections.abc import Mapping

from triplegate.config.documents_control import Held
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.own import result_reply
from triplegate.gates.mcp.schemas import Schemas
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_bridge import modern_result

LABEL = "arguments"


class Validation:
    """Judges the arguments of calls."""

    __slots__ = ("_held", "_schemas")

    def __init__(self, schemas: Schemas, held: Mapping[str, Held]) -> None:
        """`held`: server → what is done with arguments that do not fit; those with `off` are not in it."""
        self._schemas, self._held = schemas, held

    @property
    def idle(self) -> bool:
        """Whether nothing is held against anything."""
        return not self._held

    async def check(self, exchange: Exchange, call: McpCall) -> None:
        """Raises Refusal arguments_invalid."""
        tool = call.tool
        held = self._held.get(tool.server.name) if tool is not None else None
        if tool is None or held is None:
            return
        schema = (await self._schemas.of(tool.own)).arguments
        if schema is None:
            return
        fault = await self._schemas.why_not(schema, bytes(call.params.get("arguments", b"{}")))
        if not fault:
            return
        if held == "observe":
            exchange.decisions.append((LABEL, "would refuse", "arguments_invalid"))
            return
        detail = f"The arguments do not fit the tool's schema. {fault}"
        raise Refusal("arguments_invalid", detail, reason="arguments that do not fit the schema", policy=LABEL)


def tool_error(call: McpCall, refusal: Refusal) -> Reply:
    """A refusal as the result of a tool that failed: the model is told, and may do better."""
    result = encode({"content": [{"type": "text", "text": refusal.detail}], "isError": True})
    return result_reply(call, modern_result(result, US) if call.era == "modern" else result)
