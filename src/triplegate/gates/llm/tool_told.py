"""Responses with tools of MCP servers, asked for again by their ids: told and deleted, for whoever was answered."""

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.core.ports import Kit
from triplegate.gates.llm.tool_keeping import PREFIX, ToolKeeping
from triplegate.wire.responses_kept import deleted, items_of, list_of, read_page, read_query

_BELOW = "/responses/"
_GONE = (200, 404)
"""What a provider says of a response that is there no more."""


class ToolTold:
    """Answers such calls."""

    __slots__ = ("_below", "_keeping", "_kit")

    def __init__(self, base: str, keeping: ToolKeeping, kit: Kit) -> None:
        self._below, self._keeping, self._kit = base + _BELOW, keeping, kit

    def has(self, path: str) -> bool:
        """Whether a path is about one of these responses, whoever's it is."""
        return path.startswith(self._below + PREFIX)

    async def answer(self, exchange: Exchange) -> Reply:
        """What is asked for. Raises Refusal response_not_found, unsupported_parameter, invalid_query."""
        inbound, principal = exchange.inbound, exchange.principal
        assert principal is not None
        identity, _, after = inbound.path.removeprefix(self._below).partition("/")
        told = await self._keeping.told(identity, principal)
        if after == "cancel":
            raise Refusal(
                "unsupported_parameter",
                "Only a response in the background can be cancelled, and this one is none.",
                payload={"param": "id"},
            )
        if after:
            items = items_of(told.input, identity.removeprefix("resp_"))
            return _json(list_of(items, read_page(inbound.query)))
        read_query(inbound.query)
        if inbound.method == "DELETE":
            return await self._delete(exchange, principal, identity, told.turns)
        return _json(bytes(told.response))

    async def _delete(self, exchange: Exchange, principal: Principal, identity: str, turns: list[str]) -> Reply:
        """Delete what providers keep of its turns, too; while that fails, all of it can be tried again."""
        reenter = self._kit.reenter
        for turn in turns:
            if reenter is None:
                raise Refusal("overloaded", "Nothing can be deleted at the moment.", reason="no reenter")
            path = self._below + turn
            inbound = msgspec.structs.replace(exchange.inbound, path=path, query=b"", body=BytesBody())
            async with reenter.call(exchange, inbound) as reply:
                status = reply.status
                async for _ in reply.frames:
                    pass
            if status not in _GONE:
                detail = "What the model's provider keeps of the response could not be deleted; try it again."
                raise Refusal("upstream_failed", detail, reason=f"status {status} for a turn")
        await self._keeping.drop(identity, principal)
        return _json(deleted(identity))


def _json(text: bytes) -> Reply:
    headers = [(b"content-type", b"application/json"), (b"server", b"triplegate")]
    return Reply(200, headers, OneFrame(text), source="local")
