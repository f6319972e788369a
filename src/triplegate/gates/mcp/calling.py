"""A call of an item: one target, its era, a session where it needs one, and an answer that streams."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange, Role
from triplegate.core.http import OneFrame, Reply
from triplegate.core.money import Price
from triplegate.core.policy import BreakerRules, Dispatch
from triplegate.core.ports import Kit
from triplegate.gates.charging import charge_at_end
from triplegate.gates.mcp.answers import Answer
from triplegate.gates.mcp.approvals import Approving
from triplegate.gates.mcp.call import Item, McpCall, Parked
from triplegate.gates.mcp.ending import Ending
from triplegate.gates.mcp.health import Health
from triplegate.gates.mcp.hub import Hub
from triplegate.gates.mcp.line import Line
from triplegate.gates.mcp.opened import Opened, owner_at
from triplegate.gates.mcp.parking import BoxFrames, Parking
from triplegate.gates.mcp.parking import answer as answer_parked
from triplegate.gates.mcp.questions import PARKED, Questions, askable
from triplegate.gates.mcp.refusals import json_reply
from triplegate.gates.mcp.requests import legacy_request, modern_request
from triplegate.gates.mcp.rounds import Rounds
from triplegate.gates.mcp.server import UpstreamSession
from triplegate.gates.mcp.talking import EVENTS
from triplegate.upstreams.attempts import attempts
from triplegate.upstreams.retries import UNSENT
from triplegate.wire.jsonrpc import write_result
from triplegate.wire.mcp_marks import Marks

Screen = Callable[[Reply], Awaitable[Reply]]
"""What is done to a reply before its client gets it, or it is kept for it. Raises Refusal."""


class Calling:
    """Carries calls out."""

    __slots__ = ("_hub", "_kit", "_marks", "_opened", "_questions", "approving")

    def __init__(self, kit: Kit, opened: Opened, marks: Marks, questions: Questions, hub: Hub) -> None:
        self._kit, self._opened, self._marks = kit, opened, marks
        self._questions, self._hub = questions, hub
        self.approving = Approving(kit, questions)

    async def forward(self, exchange: Exchange, call: McpCall, item: Item, screen: Screen | None = None) -> Reply:
        """The server's answer, as `screen` lets it pass. A call that never reached its server costs nothing."""
        route, numbers = exchange.route, exchange.numbers
        assert route is not None
        target = route.targets[0][0]
        price = _priced(exchange, item, target)
        ending = self._outlast(exchange, call) if call.session is not None else None
        try:
            reply = await self._attempt(exchange, call, item, target, screened=screen is not None)
            if screen is not None:  # before anything is kept of it
                reply = await screen(reply)
        except Refusal as refusal:
            item.server.health.failed(refusal)
            if not any(attempt.numbers.bytes_out for attempt in exchange.attempts):
                numbers.own_cost = numbers.list_cost = 0
            raise
        except asyncio.CancelledError:
            if ending is None:
                raise
            raise ending.caught() from None
        if price is not None and price.per_unit is not None:
            charge_at_end(exchange, price, {})
        numbers.streamed = reply.form == "events"
        if ending is not None and type(reply.frames) is not OneFrame:
            self._keep(exchange, call, ending, reply)
        return reply

    def _attempt(
        self, exchange: Exchange, call: McpCall, item: Item, target: Target, *, screened: bool
    ) -> Awaitable[Reply]:
        """Past health and breaker to the server; what waits there already goes on whatever they say."""
        server, chain = item.server, exchange.chain
        assert chain is not None
        dispatch, spares, health = server.dispatch(chain), server.spares, server.health
        rules = dispatch.breaker

        def pick(tried: list[Attempt]) -> tuple[Target, Role]:
            return target, "retry" if tried else "first"

        judged = call.parked is None and (rules is not None or health.rules is not None)

        def send(attempt: Attempt) -> Awaitable[Reply]:
            """In the era of its server; that of one with sessions alone is known after the first call."""
            if judged:
                health.check(rules)
            if server.state.era == "legacy":
                return self._send_in_session(exchange, call, item, attempt, dispatch, screened=screened)
            return self._send_as_asked(exchange, call, item, attempt, dispatch, screened=screened)

        report = None if rules is None else partial(health.note, rules)
        coming = attempts(exchange, dispatch, pick, send, replayable=False, spares_of=lambda _: spares, report=report)
        return coming if rules is None else _judged(coming, rules, health, exchange)

    def _keep(self, exchange: Exchange, call: McpCall, ending: Ending, reply: Reply) -> None:
        """What a client in a session does not get for want of a connection can be fetched, on whatever node."""
        assert call.session is not None
        kept = ending.guard(reply, self._kit, self._marks, call.session.id, call.id)
        if kept is not None:
            streams = self._hub.state.kept
            streams[kept.box] = kept.leave

            def over(_: Exchange) -> None:
                streams.pop(kept.box, None)

            exchange.on_close(over)

    def _outlast(self, exchange: Exchange, call: McpCall) -> Ending:
        """A call of a session goes on when its client leaves, and ends when the client says so, on whatever node."""
        session = call.session
        assert session is not None
        ending = Ending()
        calls, key = self._hub.state.calls, (session.id, call.id)
        calls[key] = ending.end

        def over(_: Exchange) -> None:
            if calls.get(key) == ending.end:
                del calls[key]

        exchange.on_close(over)
        if exchange.outlive is not None:
            exchange.outlive(ending.leave)
        return ending

    async def _send_as_asked(
        self, exchange: Exchange, call: McpCall, item: Item, attempt: Attempt, dispatch: Dispatch, *, screened: bool
    ) -> Reply:
        item.server.check()
        if await self._opened.era(exchange, call, item.server) == "legacy":
            return await self._send_in_session(exchange, call, item, attempt, dispatch, screened=screened)
        return await self._send_alone(exchange, call, item, attempt, dispatch)

    # a server of 2026-07-28 ------------------------------------------------------------------------------------------
    async def _send_alone(
        self, exchange: Exchange, call: McpCall, item: Item, attempt: Attempt, dispatch: Dispatch
    ) -> Reply:
        server = item.server

        async def once(changes: Mapping[str, bytes]) -> tuple[Answer, Reply]:
            headers, body = modern_request(exchange, call, item, changes)
            attempt.numbers.bytes_out += len(body)
            answer = self._answer(exchange, call, attempt)
            owner = owner_at(exchange, call, server.isolation) if server.owned else ""
            reply = await server.send(headers, body, dispatch, exchange.deadline, exchange=exchange, owner=owner)
            return answer, await answer.reply(reply)

        try:
            answer, reply = await once({})
        except Refusal as refusal:
            _unsent(attempt, refusal)
            if refusal.code == "upstream_failed":
                server.state.era = None  # it may have become another one: asked anew by the next call
            raise
        return Rounds(call, answer, once, self._kit, self._marks).follow(reply) if answer.keeps else reply

    def _answer(self, exchange: Exchange, call: McpCall, attempt: Attempt) -> Answer:
        answer = Answer(call, attempt, None)
        if call.era == "legacy":
            answer.keeps = askable(call)
        elif call.given:
            answer.wraps = lambda result: self._questions.wrapped(exchange, call, result)
        return answer

    # a server with sessions ------------------------------------------------------------------------------------------
    async def _send_in_session(
        self, exchange: Exchange, call: McpCall, item: Item, attempt: Attempt, dispatch: Dispatch, *, screened: bool
    ) -> Reply:
        """A session that has ended (404) has not carried the call out: it is opened again, once."""
        server = item.server
        if call.parked is not None:
            return await self._take_up(exchange, call, item, attempt, call.parked)
        session = self._opened.known(call, server) or await self._opened.get(exchange, call, server, None)
        line = self._line(call, item, session)
        reply = await self._send_once(exchange, call, item, attempt, dispatch, line)
        if reply.status == 404 and session.id:
            reply.frames.close()
            session = await self._opened.get(exchange, call, server, session)
            line = self._line(call, item, session)
            reply = await self._send_once(exchange, call, item, attempt, dispatch, line)

        def again(last: bytes, wait: float) -> Awaitable[Reply]:
            return line.resume(last, wait, dispatch, exchange.deadline)

        try:
            answer = Answer(call, attempt, line, again, self._hub.hear)
            answer.screened = screened
            if call.era != "legacy":
                answer.parking = self._parking(exchange, call, line)
            return await answer.reply(reply)
        except asyncio.CancelledError:
            line.cut()
            raise
        except Refusal as refusal:
            if refusal.code == "upstream_failed":
                server.state.era = None
            raise

    def _parking(self, exchange: Exchange, call: McpCall, line: Line) -> Parking | None:
        if call.era == "legacy" or not line.server.parks:
            return None
        return Parking(exchange, call, line, self._questions, self._kit)

    async def _take_up(self, exchange: Exchange, call: McpCall, item: Item, attempt: Attempt, parked: Parked) -> Reply:
        """It waits at the server for its client's answer, whichever node called it; it is not called again."""
        version, _, identity = parked.session.partition(b" ")
        session = UpstreamSession(identity, version.decode("ascii"))
        line = Line(item.server, session, parked.number, None, self._marks, self._kit.supervisor)
        if not await answer_parked(item.server, line, parked, call.given.get(PARKED)):
            return json_reply(write_result(call.id, self._questions.parked(exchange, call, parked)))
        attempt.numbers.bytes_out = 1
        answer = Answer(call, attempt, line, None, self._hub.hear)
        answer.parking = self._parking(exchange, call, line)
        return await answer.reply(Reply(200, list(EVENTS), BoxFrames(self._kit.mailbox, parked.box, parked.after)))

    def _line(self, call: McpCall, item: Item, session: UpstreamSession) -> Line:
        return Line(item.server, session, session.next_id(), call.session, self._marks, self._kit.supervisor)

    async def _send_once(
        self, exchange: Exchange, call: McpCall, item: Item, attempt: Attempt, dispatch: Dispatch, line: Line
    ) -> Reply:
        server = item.server
        headers, body = legacy_request(exchange, call, item, line.session, line.number)
        attempt.numbers.bytes_out = len(body)
        try:
            return await server.send(headers, body, dispatch, exchange.deadline, exchange=exchange)
        except asyncio.CancelledError:
            line.cut()
            raise
        except Refusal as refusal:
            _unsent(attempt, refusal)
            if refusal.code == "upstream_timeout":
                line.cut()
            raise


async def _judged(coming: Awaitable[Reply], rules: BreakerRules, health: Health, exchange: Exchange) -> Reply:
    reply = await coming
    health.answered(rules, exchange, reply)
    return reply


def _priced(exchange: Exchange, item: Item, target: Target) -> Price | None:
    """What the call costs, noted."""
    price = item.server.price_of(item.own.name, target.price) if item.kind == "tool" else None
    if price is not None:
        numbers = exchange.numbers
        numbers.own_cost = numbers.list_cost = price.call
        numbers.price_version = price.version
    return price


def _unsent(attempt: Attempt, refusal: Refusal) -> None:
    if refusal.code in UNSENT:
        attempt.numbers.bytes_out = 0
