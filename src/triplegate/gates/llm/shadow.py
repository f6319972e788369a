"""Copies of calls to another model: detached, bounded in number and in dollars; nobody hears of their answers."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import msgspec

from triplegate.config.documents_routing import ShadowDocument
from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain
from triplegate.core.http import Reply
from triplegate.core.identity import Principal
from triplegate.core.money import from_dollars
from triplegate.core.ports import Kit, Supervisor
from triplegate.gates.llm.answering import understood
from triplegate.gates.llm.asking import prepare
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.canary import place_of
from triplegate.gates.llm.decoding import decoded
from triplegate.gates.llm.facts import Facts, repeatable
from triplegate.gates.llm.metering import aside, book_left, reserved
from triplegate.gates.llm.model import Model
from triplegate.upstreams.attempts import attempts

_SECONDS = {"hour": 3600, "day": 86_400}


class Spent:
    """What copies have cost in this hour or day, and what became of them; keep it by `kit.state`."""

    __slots__ = ("_window", "cost", "counts", "running", "units")

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """By outcome: sent, failed; or not sent: capped, dropped (no room), unfit, unpriced, nowhere."""
        self.running = 0
        self.cost = 0
        """Units of 10⁻¹⁰ US dollar so far."""
        self.units = 0
        """Of this window, with what is set aside for those that run."""
        self._window = 0

    def take(self, window: int, most: int, units: int) -> bool:
        """Set so much aside, if that leaves the window within its bound."""
        if window != self._window:
            self._window, self.units = window, 0
        if self.units + units > most:
            return False
        self.units += units
        return True

    def settle(self, window: int, taken: int, cost: int) -> None:
        """It has cost so much instead; in a window that is over nothing changes."""
        self.cost += cost
        if window == self._window:
            self.units = max(0, self.units - taken + cost)


class Shadow(msgspec.Struct, frozen=True, eq=False):
    """Which calls are copied, where to, and what that may cost."""

    name: str
    """The model whose calls these are."""
    document: ShadowDocument
    payer: Principal | None
    """Who pays for copies; None = who called."""
    spent: Spent
    supervisor: Supervisor

    @classmethod
    def of(cls, name: str, document: ShadowDocument | None, payer: Principal | None, kit: Kit) -> "Shadow | None":
        """As written; None where nothing is."""
        if document is None:
            return None
        return cls(name, document, payer, kit.state(Spent, f"shadow:{name}", Spent), kit.supervisor)

    def cast(self, exchange: Exchange, call: LlmCall, models: Mapping[str, Model], chain: Chain) -> None:
        """Begin a copy of this call where one is due and there is room; never waits, never raises."""
        if place_of(f"shadow:{self.name}", exchange, by_consumer=False) >= self.document.percent * 10_000:
            return
        outcome = self._begin(exchange, call, models[self.document.model], chain)
        if outcome:
            self.spent.counts[outcome] += 1

    def _begin(self, exchange: Exchange, call: LlmCall, model: Model, chain: Chain) -> str:
        """Why there is no copy; empty when one was begun."""
        if not repeatable(call):
            return "unfit"
        place = model.pick(Facts(exchange, call), exchange.house.clock.now())
        if place is None:
            return "nowhere"
        price = place.target.price
        if price is None or price.version == "none":
            return "unpriced"  # nobody could tell when to stop
        if self.spent.running >= self.document.concurrency:
            return "dropped"
        units = reserved(call, place.target, aside(call))
        window = int(exchange.house.clock.wall()) // _SECONDS[self.document.per]
        if not self.spent.take(window, from_dollars(self.document.cost), units):
            return "capped"
        child = self._child(exchange, call, model, chain)
        try:
            self.supervisor.spawn(self._run(child, place.target, window, units), "shadow")
        except Refusal:
            self.spent.settle(window, units, 0)
            return "dropped"
        self.spent.running += 1
        return ""

    def _child(self, exchange: Exchange, call: LlmCall, model: Model, chain: Chain) -> Exchange:
        house = exchange.house
        child = Exchange(house.make_id(), exchange.gate, exchange.inbound, house, house.clock.now())
        child.parent, child.depth, child.snapshot = exchange, exchange.depth + 1, exchange.snapshot
        child.route, child.chain, child.call = model.route, chain, call
        child.principal = self.payer or exchange.principal
        child.request_id, child.trace = child.id.encode("ascii"), exchange.trace
        child.numbers.streamed, child.numbers.bytes_in = call.streamed, call.size
        return child

    async def _run(self, child: Exchange, target: Target, window: int, units: int) -> None:
        try:
            self.spent.counts["sent" if await copied(child, target) else "failed"] += 1
        finally:
            self.spent.running -= 1
            self.spent.settle(window, units, sum(attempt.cost for attempt in child.attempts))


async def copied(child: Exchange, target: Target) -> bool:
    """Whether an answer came, which is read to its end and thrown away; the child is closed in any case."""
    call, chain = child.call, child.chain
    assert chain is not None

    async def send(attempt: Attempt) -> Reply:
        deployment = attempt.target.wiring
        attempt.provider = deployment.provider
        asked = await prepare(call, deployment.speech, deployment.model_for(call.model))
        reply = decoded(await deployment.send(child, attempt, call, asked, chain))
        return await understood(reply, child, attempt, call, deployment.speech, asked)

    def report(attempt: Attempt) -> None:
        target.wiring.report(attempt, chain)

    try:
        reply = await attempts(
            child,
            target.wiring.dispatch(chain),
            lambda tried: None if tried else (target, "mirror"),
            send,
            replayable=False,
            report=report,
        )
        await _read(child, reply)
    except Refusal as refusal:
        child.refusal = refusal
        child.numbers.status = refusal.status
        child.close("failed")
    except asyncio.CancelledError:
        book_left(child, call)
        child.close("gone")
        raise
    else:
        child.close("ok" if reply.status < 400 else "failed")
    return child.outcome == "ok"


async def _read(child: Exchange, reply: Reply) -> None:
    """To its end, counted as a client's is."""
    child.numbers.status = reply.status
    encoder = child.gate.encoder(child, reply)
    try:
        async for frame in reply.frames:
            encoder.feed(frame)
        encoder.finish()
    finally:
        reply.frames.close()
