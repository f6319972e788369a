"""Model, tools of MCP servers, model again, until it has answered: one response, each turn and call a child of it."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Headers, Reply
from triplegate.core.ports import Kit
from triplegate.gates.llm.abreast import Abreast
from triplegate.gates.llm.tool_catalog import ToolCatalog
from triplegate.gates.llm.tool_keeping import Answered, Kept, ToolKeeping
from triplegate.gates.llm.tool_terms import Asking, Terms
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_results import Told
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp import Tool, tool_of
from triplegate.wire.responses_mcp_items import (
    Asked,
    approved,
    call_item,
    for_model,
    list_item,
    readable,
    refusals,
    request_item,
    write_output,
)
from triplegate.wire.responses_merged import Merged, said_of
from triplegate.wire.responses_turn import Call, Turn

AT_ONCE = 4
"""Calls of tools under way at the same time."""
_MOST = 16 * 1024 * 1024
"""Bytes of one response."""
_LEAST = 16
"""Output tokens below which no provider takes a call."""
_MOST_ERROR = 65_536
_TOO_MANY = "This response has no more calls of tools: answer with what there is."
_NOTHING = Raw(b"null")
COST = b"x-triplegate-cost"
_NOT_MADE = "The call was not made."
Hand = Callable[[bytes], Awaitable[None]]
"""Takes events on their way to the client; waits while it is slow."""


class Unanswered(Exception):
    """The model could not be asked at all: its refusal is the answer."""

    def __init__(self, reply: Reply, body: bytes) -> None:
        self.reply, self.body = reply, body


class ToolTurns:
    """One response on its way."""

    __slots__ = (
        "_asking",
        "_began",
        "_calls",
        "_catalog",
        "_conversation",
        "_functions",
        "_hand",
        "_keeping",
        "_kit",
        "_last",
        "_previous",
        "_stored",
        "_terms",
        "_tools",
        "cost",
        "headers",
        "merged",
    )

    def __init__(
        self, terms: Terms, merged: Merged, catalog: ToolCatalog, keeping: ToolKeeping, kit: Kit, hand: Hand
    ) -> None:
        self._terms, self.merged, self._hand = terms, merged, hand
        self._catalog, self._keeping, self._kit = catalog, keeping, kit
        self._tools: list[tuple[Tool, str]] = []
        self._functions: dict[str, Tool] = {}
        self._conversation: list[Raw] = []
        self._previous = terms.previous
        self._asking: list[Asked] = []
        """Calls for which the mcp gate wants the client's yes."""
        self._stored: list[str] = []
        """Turns that the provider keeps."""
        self._calls = 0
        self._last = self._began = False
        self.cost = Decimal(0)
        """Of the turns that are read, in dollars."""
        self.headers: Headers = []
        """Fields of the first turn's reply that the client gets."""

    async def run(self) -> None:
        """All of it; what comes is handed on as it comes. Raises Unanswered, Refusal where nothing has come yet."""
        try:
            await self._turns()
        except Refusal as refusal:
            if not self._began:
                raise
            self._terms.exchange.refusal = refusal
            self.merged.fail(refusal.status, refusal.detail or refusal.rendering.title)
        except Unanswered as failed:
            if not self._began:
                raise
            self.merged.fail(failed.reply.status, said_of(failed.body))
        await self._keep()
        await self._hand_on()

    async def _turns(self) -> None:
        self.merged.begin()
        await self._list()
        made = await self._approved()
        if made:
            await self._hand_on()
            await self._make(made, yes=True)
        self._converse()
        turn = Turn(self.merged, self._functions)
        for number in range(self._terms.turns):
            last = self._last = self._last or number + 1 == self._terms.turns
            turn = Turn(self.merged, self._functions)
            await self._ask(turn, first=number == 0)
            await self._make(self._answerable(turn))
            if last or self._is_over(turn):
                break
        await self._end(turn)

    async def _hand_on(self) -> None:
        """What there is for the client; from now on it has a part of the response."""
        self._began = True
        if piece := self.merged.take():
            await self._hand(piece)

    # tools -----------------------------------------------------------------------------------------------------------
    async def _list(self) -> None:
        """What the model may call; a list that the client has already is not made anew. Raises Refusal."""
        terms = self._terms
        taken = set(terms.functions)
        for wanted, place in terms.servers:
            label, error = wanted.server_label, None
            known = terms.history.listed.get(label)
            if known is None:
                listed = await self._catalog.list(terms.exchange, place)
                if listed is None:
                    assert terms.exchange.principal is not None
                    raise self._catalog.unknown(wanted, terms.exchange.principal)
                definitions, error = listed.tools, listed.error
            else:
                definitions = known
            found = [tool_of(raw, wanted, place.path, place.own, taken) for raw in definitions]
            tools = [tool for tool in found if tool is not None]
            self._tools += [(tool, wanted.server_description or "") for tool in tools]
            if known is None:
                self._told_list(label, tools, error)
        self._functions = {tool.function: tool for tool, _ in self._tools}

    def _told_list(self, label: str, tools: list[Tool], error: str | None) -> None:
        merged, listed = self.merged, [tool.listed() for tool in tools]
        identity = f"mcpl_{merged.identity}_{len(merged.output)}"
        place = merged.add(list_item(identity, label, []))
        merged.tell("response.mcp_list_tools.in_progress", place, identity)
        how = "completed" if error is None else "failed"
        merged.tell(f"response.mcp_list_tools.{how}", place, identity)
        merged.done(place, list_item(identity, label, listed, error))
        if error is None:
            self._terms.history.listed[label] = [Raw(encode(tool)) for tool in listed]

    async def _approved(self) -> list[Call]:
        """The calls that the client has said yes to. Raises Refusal for a yes that was used before."""
        history, merged, calls = self._terms.history, self.merged, []
        principal = self._terms.exchange.principal
        assert principal is not None
        said = [(asked, self._named(asked)) for asked in approved(history)]
        for asked, _ in said:
            await self._keeping.use(asked.id, principal)
        for asked, tool in said:
            identity = f"mcp_{merged.identity}_{len(merged.output)}"
            item = call_item(identity, asked.label, asked.name, asked.id)
            place = merged.add(item)
            merged.tell("response.mcp_call.in_progress", place, identity)
            item["arguments"] = asked.arguments
            merged.tell("response.mcp_call_arguments.done", place, identity, arguments=asked.arguments)
            calls.append(Call(tool, place, item, asked.call, asked.arguments))
        return calls

    def _named(self, asked: Asked) -> Tool:
        for tool, _ in self._tools:
            if (tool.label, tool.name) == (asked.label, asked.name):
                return tool
        raise Refusal(
            "unsupported_parameter",
            f"The tool {asked.name[:128]} of {asked.label[:128]}, which was approved, is not among this call's tools.",
            payload={"param": "tools"},
        )

    def _converse(self) -> None:
        """What the model reads first: what was said, with what came of the calls that waited for a yes."""
        history, results = self._terms.history, self._conversation
        before, after = history.entries[: history.at], history.entries[history.at :]
        self._conversation = for_model(before, self._function) + results + refusals(history)
        self._conversation += for_model(after, self._function)

    def _function(self, label: str, name: str) -> str:
        for tool, _ in self._tools:
            if (tool.label, tool.name) == (label, name):
                return tool.function
        return name

    # a turn of the model ---------------------------------------------------------------------------------------------
    async def _ask(self, turn: Turn, *, first: bool) -> None:
        """The model's turn, as it comes. Raises Unanswered, Refusal."""
        reenter, terms = self._kit.reenter, self._terms
        if reenter is None:
            raise Refusal("overloaded", "Models cannot be asked with tools at the moment.", reason="no reenter")
        self._check_time()
        asking = Asking(self._conversation, self._tools, self._previous, self.merged.written, first, self._last)
        async with reenter.call(terms.exchange, terms.inbound(asking)) as reply:
            if first:
                self.headers = [line for line in reply.headers if line[0].startswith(b"x-")]
                _take_anew(terms.exchange)
            if reply.status >= 400:
                raise Unanswered(reply, await _gathered(reply))
            await self._read(reply, turn)
            self._add_cost(reply)
        if not turn.status:
            raise Refusal("upstream_reset", "The model's answer broke off.", reason="no end")
        if turn.status == "failed":
            raise Refusal("upstream_failed", turn.message)
        if turn.stored:  # its provider has all of it
            self._previous, self._conversation = turn.stored, []
            self._stored.append(turn.stored)
        else:
            self._conversation += readable(turn.items) if terms.native else turn.items
        await self._hand_on()

    async def _read(self, reply: Reply, turn: Turn) -> None:
        whole: list[bytes] = []
        size = 0
        async for frame in reply.frames:
            size += len(frame)
            if size + self.merged.size > _MOST:
                raise Refusal("upstream_malformed", "The response is too large.", reason="too large")
            if self._terms.streamed:
                turn.feed(frame)
                await self._hand_on()
            else:
                whole.append(frame)
        if not self._terms.streamed:
            turn.whole(b"".join(whole))

    def _add_cost(self, reply: Reply) -> None:
        """Each turn says what it cost once it is read; the client hears of all together."""
        for name, value in reply.headers:
            if name == COST:
                self.cost += Decimal(value.decode("ascii"))

    def _check_time(self) -> None:
        exchange = self._terms.exchange
        if exchange.deadline is not None and exchange.house.clock.now() >= exchange.deadline:
            raise Refusal("deadline_exceeded", "The response takes too long.")

    # calls of tools --------------------------------------------------------------------------------------------------
    def _answerable(self, turn: Turn) -> list[Call]:
        """The calls of a turn that are made now; the others end here."""
        if turn.status == "incomplete":
            for call in turn.opened:
                self.merged.done(call.place, {**call.item, "status": "incomplete"})
            self._conversation += [write_output(call.call, _NOT_MADE) for call in turn.calls]
            return []
        left = 0 if self._last else max(0, self._terms.calls - self._calls)
        for call in turn.calls[left:]:
            self._last = True
            error = {"type": "mcp_protocol_error", "code": -32000, "message": _TOO_MANY}
            self._conversation.append(self._tell(call, Told(_TOO_MANY, error)))
        return turn.calls[:left]

    async def _make(self, calls: list[Call], *, yes: bool = False) -> None:
        """Make the calls, a few at once; each is told as soon as it ends, and the model reads them in their order.

        `yes`: the client has said so of each.
        """
        self._calls += len(calls)
        exchange, results = self._terms.exchange, [Raw(b"")] * len(calls)
        work = [partial(self._catalog.call, exchange, call.tool, call.arguments, yes=yes) for call in calls]
        if len(work) == 1:
            results[0] = self._tell(calls[0], await work[0]())
        elif work:
            running = Abreast(self._kit.supervisor, work, AT_ONCE, "tool calls")
            try:
                while running.left:
                    await self._hand_on()
                    place, told = await running.next()
                    results[place] = self._tell(calls[place], told)
            finally:
                running.close()
        self._conversation += [result for result in results if len(result)]
        if calls:
            await self._hand_on()

    def _tell(self, call: Call, told: Told) -> Raw:
        """The end of a call for the client; what the model is told of it: nothing while the client is asked first."""
        merged, failed = self.merged, told.error is not None
        if told.asks:
            merged.done(call.place, {**call.item, "status": "incomplete"})
            identity = f"mcpr_{merged.identity}_{len(merged.output)}"
            asked = Asked(identity, call.tool.label, call.tool.name, call.arguments, call.call)
            self._asking.append(asked)
            item = request_item(asked)
            merged.done(merged.add(item), item)
            return Raw(b"")
        item = {**call.item, "status": "failed" if failed else "completed"}
        if self._terms.told:
            item["error" if failed else "output"] = told.error if failed else told.text
        merged.tell(f"response.mcp_call.{item['status']}", call.place, item["id"])
        merged.done(call.place, item)
        merged.size += len(told.text)
        return write_output(call.call, told.text)

    # the end ---------------------------------------------------------------------------------------------------------
    def _is_over(self, turn: Turn) -> bool:
        """Whether nothing follows: nothing was called, only the client can go on, or the model has no tokens left."""
        return turn.status == "incomplete" or self._is_answer(turn) or self._is_spent()

    def _is_answer(self, turn: Turn) -> bool:
        return turn.theirs or bool(turn.asked or self._asking) or not turn.calls

    def _is_spent(self) -> bool:
        most = self._terms.most_output
        return bool(most) and most - self.merged.written < _LEAST

    async def _end(self, turn: Turn) -> None:
        terms, merged = self._terms, self.merged
        principal = terms.exchange.principal
        assert principal is not None
        if terms.kept:
            asked = {one.id: one for one in (*turn.asked, *self._asking)}
            kept = Kept(self._conversation, terms.history.listed, asked, self._previous)
            await self._keeping.keep(str(merged.response["id"]), principal, kept)
        if turn.status == "incomplete":
            merged.end("incomplete", turn.details)
        elif self._is_answer(turn):
            merged.end("completed")
        else:
            merged.end("incomplete", {"reason": "max_output_tokens" if self._is_spent() else "max_tool_calls"})

    async def _keep(self) -> None:
        """The whole response, before its client can know that it is whole."""
        terms, merged = self._terms, self.merged
        principal = terms.exchange.principal
        assert principal is not None
        if terms.kept:
            told = Answered(Raw(merged.whole()), terms.members.get("input", _NOTHING), self._stored)
            await self._keeping.tell(str(merged.response["id"]), principal, told)


async def _gathered(reply: Reply) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for frame in reply.frames:
        parts.append(frame)
        size += len(frame)
        if size > _MOST_ERROR:
            break
    return b"".join(parts)


def _take_anew(exchange: Exchange) -> None:
    """What follows are calls of their own: each takes its own of what is limited by number."""
    if exchange.admission is not None:
        taken = exchange.admission.taken
        exchange.admission.taken = tuple([claim for claim in taken if claim.limit.family == "concurrent"])
