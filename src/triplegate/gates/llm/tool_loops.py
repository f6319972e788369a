"""Responses calls with tools of type `mcp`: which are answered here, and how they begin, stream and end."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable

import msgspec

from triplegate.config.documents_llm import McpToolsDocument
from triplegate.core.catalog import Route
from triplegate.core.chains import Chains
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Frames, Headers, Inbound, OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.core.policy import Stage
from triplegate.core.ports import Kit
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.model import Model
from triplegate.gates.llm.tool_catalog import Place, ToolCatalog
from triplegate.gates.llm.tool_keeping import PREFIX, Kept, ToolKeeping
from triplegate.gates.llm.tool_terms import Terms
from triplegate.gates.llm.tool_told import ToolTold
from triplegate.gates.llm.tool_turns import COST, ToolTurns, Unanswered
from triplegate.wire.codec import Shape
from triplegate.wire.json_members import encode, set_members
from triplegate.wire.neutral import Raw
from triplegate.wire.neutral_events import Start
from triplegate.wire.openai_chat import wrong
from triplegate.wire.openai_errors import event as error_event
from triplegate.wire.responses_call import ResponsesCall
from triplegate.wire.responses_echo import opening
from triplegate.wire.responses_items import FAMILY
from triplegate.wire.responses_mcp import Tools, Wanted, may_want, names_servers, read_tools, servers_refused
from triplegate.wire.responses_mcp_items import read_input
from triplegate.wire.responses_merged import Merged
from triplegate.wire.responses_reading import read_request

LOOP = "llm.tools"
"""Where an exchange carries its call."""
_JSON: Headers = [(b"content-type", b"application/json"), (b"server", b"triplegate")]
_EVENTS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"server", b"triplegate"),
]
_OURS = b'"' + PREFIX.encode("ascii")
_integer = msgspec.json.Decoder(int).decode
_string = msgspec.json.Decoder(str).decode


class Loop(msgspec.Struct, frozen=True, eq=False):
    """A call that is answered here, by turns."""

    look: ResponsesCall
    model: Model
    tools: Tools
    places: dict[int, Place]
    """Of the servers that are ours, by their place among the tools."""
    by: "ToolLoops"

    def enter(self, exchange: Exchange) -> None:
        """Instead of a model's route, the exchange takes the way of such calls. Raises Refusal."""
        self.by.enter(exchange, self)

    async def answer(self, exchange: Exchange) -> Reply:
        """The response. Raises Refusal."""
        return await self.by.answer(exchange, self)


class ToolLoops:
    """Answers such calls, for the models of one snapshot."""

    __slots__ = ("_catalog", "_chains", "_keeping", "_kit", "_route", "_terms", "told")

    def __init__(
        self, written: McpToolsDocument, base: str, route: Route, catalog: ToolCatalog, chains: Chains, kit: Kit
    ) -> None:
        self._terms, self._route, self._catalog, self._chains, self._kit = written, route, catalog, chains, kit
        self._keeping = ToolKeeping(kit, written.keep)
        self.told = ToolTold(base, self._keeping, kit)

    def of(self, call: LlmCall, model: Model | None, inbound: Inbound, principal: Principal) -> Loop | None:
        """The call, if it is one of these; None leaves it to the model's provider. Raises Refusal.

        A model that this caller may not use is none: nothing about its calls tells that it is there.
        """
        look = call.look
        if call.endpoint.family != FAMILY or model is None or not model.open_to(principal):
            return None
        asks = may_want(look.members.get("tools"))
        goes_on = bytes(look.members.get("previous_response_id", b"")).startswith(_OURS)
        if not (asks or goes_on):
            return None
        tools = read_tools(look.members.get("tools"))
        places: dict[int, Place] = {}
        for number, wanted in tools.wanted.items():
            place = self._catalog.place(wanted, inbound)
            if place is not None:
                places[number] = place
            elif model.mcp_elsewhere == "refuse":
                raise self._catalog.elsewhere(wanted)
        if model.mcp_elsewhere == "refuse":
            check_servers([raw for number, raw in enumerate(tools.raws) if number not in tools.wanted])
        return Loop(look, model, tools, places, self) if places or goes_on else None

    def enter(self, exchange: Exchange, loop: Loop) -> None:
        """The exchange stands for the whole response: its turns and calls are calls of their own, and pay.

        Raises Refusal unsupported_parameter, forbidden.
        """
        for name in ("background", "conversation"):
            if bytes(loop.look.members.get(name, b"null")) not in (b"null", b"false"):
                raise _unsupported(name, f"'{name}' cannot be used with MCP servers of this gateway.")
        if loop.places and self._catalog.closed_to(exchange, self._route.anonymous):
            raise Refusal("forbidden", "Tools of MCP servers are for callers who say who they are.")
        principal = exchange.principal
        assert principal is not None
        exchange.call, exchange.route = None, self._route
        if loop.look.end_user:
            exchange.principal = msgspec.structs.replace(principal, end_user=loop.look.end_user[:256])
        exchange.target = loop.model.route.name
        exchange.numbers.streamed = loop.look.stream
        exchange.marks = {**(exchange.marks or {}), LOOP: loop}
        exchange.scope = (self._route.name, principal.plan, principal.team_ref)

    # answers ---------------------------------------------------------------------------------------------------------
    async def answer(self, exchange: Exchange, loop: Loop) -> Reply:
        """The response, streamed or whole. Raises Refusal where the model could not be asked at all."""
        house = exchange.house
        until = house.clock.now() + self._terms.within
        exchange.deadline = until if exchange.deadline is None else min(until, exchange.deadline)
        terms = await self._terms_of(exchange, loop)
        merged = Merged(self._response(exchange, loop), streamed=loop.look.stream)
        if not loop.look.stream:
            turns = ToolTurns(terms, merged, self._catalog, self._keeping, self._kit, _nowhere)
            return await _whole(turns)
        frames = Looped()
        turns = ToolTurns(terms, merged, self._catalog, self._keeping, self._kit, frames.hand)
        frames.cancel = self._kit.supervisor.spawn(frames.carry(turns), "response with tools")
        try:
            await frames.begun()
        except Unanswered as failed:
            return _refused(failed)
        except BaseException:
            frames.close()
            raise
        return Reply(200, [*_EVENTS, *turns.headers], frames, source="local")

    async def _terms_of(self, exchange: Exchange, loop: Loop) -> Terms:
        look, written, principal = loop.look, self._terms, exchange.principal
        members = look.members
        assert principal is not None
        before = await self._before(exchange, loop)
        labels = {wanted.server_label for place, wanted in loop.tools.wanted.items() if place not in loop.places}
        history = read_input(members.get("input"), lambda label: label not in labels, before.history())
        servers: list[tuple[Wanted, Place]] = [(loop.tools.wanted[at], place) for at, place in loop.places.items()]
        policies = self._chains.of(loop.model.route, principal).policies
        most = _number(members.get("max_tool_calls"))
        return Terms(
            exchange,
            look.text,
            members,
            servers,
            [raw for at, raw in enumerate(loop.tools.raws) if at not in loop.places],
            loop.tools.functions,
            history,
            before.previous,
            look.stream,
            look.max_tokens or 0,
            written.turns,
            written.calls if most is None else min(most, written.calls),
            told=not any(policy.stage is Stage.SCREEN for policy in policies),
            kept=self._keeps(loop),
            native=any(FAMILY in one.speech.speaks for one in loop.model.deployments),
        )

    async def _before(self, exchange: Exchange, loop: Loop) -> Kept:
        """What this response goes on from. Raises Refusal previous_response_not_found."""
        raw = loop.look.members.get("previous_response_id")
        if raw is None or bytes(raw) == b"null":
            return Kept()
        try:
            named = _string(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wrong("previous_response_id", f"cannot be read: {error}") from error
        assert exchange.principal is not None
        if not named.startswith(PREFIX):
            return Kept(previous=named)
        return await self._keeping.find(named, exchange.principal)

    def _response(self, exchange: Exchange, loop: Loop) -> dict[str, object]:
        """The response before anything was said."""
        look = loop.look
        told = set_members(look.text, look.members, {"tools": encode(loop.tools.told())}) if loop.places else look.text
        shape = Shape(
            look.model,
            f"{PREFIX}{exchange.id.lower()}{secrets.token_hex(8)}",  # callers who share a name cannot guess it
            int(exchange.house.clock.wall()),
            request=read_request(told),
        )
        return opening(Start(), shape) | {"store": self._keeps(loop)}

    def _keeps(self, loop: Loop) -> bool:
        return self._keeping.keeps and bytes(loop.look.members.get("store", b"true")) != b"false"


class Looped(Frames):
    """A streamed response, as its turns hand it on."""

    __slots__ = ("_failure", "_over", "_piece", "_taken", "_woken", "cancel")

    def __init__(self) -> None:
        self._piece = b""
        self._over = self.done = False
        self._failure: BaseException | None = None
        self._woken, self._taken = asyncio.Event(), asyncio.Event()
        self.cancel: Callable[[], None] | None = None

    async def carry(self, turns: ToolTurns) -> None:
        """Run the turns; whatever becomes of them, whoever reads hears of it."""
        try:
            await turns.run()
        except (Refusal, Unanswered) as failed:
            self._failure = failed
        except BaseException as error:
            self._failure = Refusal("internal", "The gateway failed.", reason=repr(error))
            raise
        finally:
            self._over = True
            self._woken.set()

    async def hand(self, piece: bytes) -> None:
        """Events for the client; waits until those before them are taken."""
        while self._piece:
            self._taken.clear()
            await self._taken.wait()
        self._piece = piece
        self._woken.set()

    async def begun(self) -> None:
        """Wait for the first events. Raises Unanswered, Refusal where there are none."""
        while not (self._piece or self._over):
            self._woken.clear()
            await self._woken.wait()
        if not self._piece and self._failure is not None:
            raise self._failure

    @property
    def ready(self) -> bool:
        """Whether events are here."""
        return bool(self._piece) or self._over

    async def comes(self, within: float) -> bool:
        """Whether events, or an end, are here in time."""
        if not self.ready:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    self._woken.clear()
                    await self._woken.wait()
        return self.ready

    async def __anext__(self) -> bytes:
        """The next events. Raises Refusal where the gateway failed."""
        if self.done:
            raise StopAsyncIteration
        await self.begun()
        piece, self._piece = self._piece, b""
        self._taken.set()
        self.done = self._over and self._failure is None
        return piece

    def fail(self, refusal: Refusal) -> bytes:
        """The dialect's error event."""
        return error_event(refusal)

    def close(self) -> None:
        """Nobody waits any more: the turn and the calls under way end."""
        cancel, self.cancel = self.cancel, None
        if cancel is not None:
            cancel()


async def _nowhere(piece: bytes) -> None:
    """Nothing is streamed."""


async def _whole(turns: ToolTurns) -> Reply:
    try:
        await turns.run()
    except Unanswered as failed:
        return _refused(failed)
    headers = [line for line in turns.headers if line[0] != COST]
    cost = (COST, f"{turns.cost:f}".encode("ascii"))
    return Reply(200, [*_JSON, *headers, cost], OneFrame(turns.merged.whole()), source="local")


def _refused(failed: Unanswered) -> Reply:
    return Reply(failed.reply.status, failed.reply.headers, OneFrame(failed.body), source="local")


def _number(raw: Raw | None) -> int | None:
    """Raises Refusal invalid_body."""
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        return max(0, _integer(raw))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise wrong("max_tool_calls", f"cannot be read: {error}") from error


def check_servers(raws: Iterable[bytes]) -> None:
    """Raises Refusal mcp_server_unknown where tools have MCP servers within that nobody here looks at."""
    for raw in raws:
        if names_servers(bytes(raw)):
            raise servers_refused("in such a place")


def _unsupported(name: str, detail: str) -> Refusal:
    return Refusal("unsupported_parameter", detail, payload={"param": name})
