"""What stands between a call that may be made and its server: remembered results before it, judged ones behind it."""

from collections.abc import Awaitable, Callable

import msgspec

from triplegate.config.documents import Documents
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.core.ports import Kit
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.calling import Screen
from triplegate.gates.mcp.own import result_reply
from triplegate.gates.mcp.patterns import glob
from triplegate.gates.mcp.remembering import Question, Remembering
from triplegate.gates.mcp.results import Bounds, Results, screened
from triplegate.gates.mcp.schemas import Schemas
from triplegate.gates.mcp.validation import Validation

Send = Callable[[Exchange, McpCall, Item, Screen | None], Awaitable[Reply]]


class Control(msgspec.Struct, frozen=True, eq=False):
    """What is asked of the calls of one server."""

    bounds: Bounds | None
    memory: Remembering | None


class Controls:
    """The controls of one snapshot; servers without any are not in it."""

    __slots__ = ("_by_server", "_results", "_validation")

    def __init__(self, documents: Documents, kit: Kit) -> None:
        schemas = Schemas(kit)
        held = {
            name: (document.validation or documents.mcp.validation).arguments
            for name, document in documents.servers.items()
        }
        self._validation = Validation(schemas, {name: word for name, word in held.items() if word != "off"})
        self._results = Results(schemas)
        found = {name: _control(name, documents, kit) for name in documents.servers}
        self._by_server = {name: control for name, control in found.items() if control is not None}

    @property
    def idle(self) -> bool:
        """Whether nothing is asked of anything."""
        return not self._by_server and self._validation.idle

    def check(self, exchange: Exchange, call: McpCall) -> Awaitable[None]:
        """Hold the arguments of a call against its tool's schema. Raises Refusal arguments_invalid."""
        return self._validation.check(exchange, call)

    async def forward(
        self, exchange: Exchange, call: McpCall, item: Item, send: Send, guard: Screen | None = None
    ) -> Reply:
        """The answer to a call, as it passes; `guard` looks last, at what was remembered, too."""
        control = self._by_server.get(item.server.name)
        if control is None:
            return await send(exchange, call, item, guard)
        memory, question = control.memory, None
        if memory is not None and item.kind == "tool":
            question = memory.question(exchange, call, item)
            found = None if question is None else await memory.recall(question)
            if found is not None:
                reply = _told_again(exchange, call, item, found)
                return reply if guard is None else await guard(reply)
        screen = guard
        if control.bounds is not None or question is not None:

            async def screen(reply: Reply) -> Reply:
                judged = await screened(
                    reply, call, lambda result: self._pass(exchange, item, control, question, result)
                )
                return judged if guard is None else await guard(judged)

        try:
            return await send(exchange, call, item, screen)
        finally:
            if memory is not None and item.kind == "tool" and not memory.reads_only(item):
                await memory.forget()

    async def _pass(
        self, exchange: Exchange, item: Item, control: Control, question: Question | None, result: bytes
    ) -> bytes:
        if control.bounds is not None:
            try:
                result = await self._results.judged(exchange, item, control.bounds, result)
            except Refusal as refusal:
                if exchange.attempts:
                    exchange.attempts[-1].error_class = refusal.code
                raise
        if question is not None and control.memory is not None:
            await control.memory.keep(question, result)
        return result


def _control(name: str, documents: Documents, kit: Kit) -> Control | None:
    document = documents.servers[name]
    sized = document.results or documents.mcp.results
    held = (document.validation or documents.mcp.validation).results
    bounds = None
    if sized is not None:
        bounds = Bounds(sized.largest, sized.over, held)
    elif held != "off":
        bounds = Bounds(held=held)
    written = document.remember
    memory = None
    if written is not None:
        memory = Remembering(name, glob(written.tools), written.ttl, kit.cache, shared=written.shared)
    return None if bounds is None and memory is None else Control(bounds, memory)


def _told_again(exchange: Exchange, call: McpCall, item: Item, result: bytes) -> Reply:
    numbers, route = exchange.numbers, exchange.route
    assert route is not None
    numbers.cache = "hit"
    price = item.server.price_of(item.own.name, route.targets[0][0].price)
    if price is not None:
        numbers.saved, numbers.price_version = price.call, price.version
    reply = result_reply(call, result)
    reply.source = "cache"
    return reply
