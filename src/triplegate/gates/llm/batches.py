"""Batches that have ended: what they used is booked, as the batch says it or line by line of their output."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody
from triplegate.core.usage import CLASSES, Usage
from triplegate.gates.llm.call import Endpoint, LlmCall
from triplegate.gates.llm.decoding import decoded
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.later import Ended, Later, priced
from triplegate.gates.llm.paths import stored
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS
from triplegate.gates.llm.paths.responses import RESPONSES
from triplegate.gates.llm.vendors import Found, Vendors
from triplegate.wire.batch_file import Lines, read_answer
from triplegate.wire.responses_usage import read_usage
from triplegate.wire.seals import identity_of

_ENDS = frozenset({"completed", "expired", "cancelled"})
_BY_OBJECT: dict[str, Endpoint] = {"response": RESPONSES, "list": EMBEDDINGS}
"""By the `object` of an answer; else it is a chat's."""
_MOST_LINE = 32 << 20
_MOST_MODELS = 64
"""Models that one batch is counted for."""
_TIER = "batch"


class _Counts(msgspec.Struct, gc=False):
    completed: int = 0


class _Batch(msgspec.Struct, gc=False):
    id: str = ""
    status: str = ""
    created_at: float = 0.0
    model: str | None = None
    output_file_id: str | None = None
    request_counts: _Counts | None = None
    usage: msgspec.Raw = msgspec.Raw(b"")


_decode = msgspec.json.Decoder(_Batch).decode


class Used(msgspec.Struct):
    """What a batch used of one model."""

    usage: Usage
    cost: int = 0
    version: str = ""


class Batches:
    """Books what has ended, each batch and model once."""

    __slots__ = ("_later", "_vendors")

    def __init__(self, later: Later, vendors: Vendors) -> None:
        self._later, self._vendors = later, vendors

    async def look(self, exchange: Exchange, call: LlmCall, text: bytes) -> None:
        """`text` is a batch as its client gets it: when it has ended, it is booked, or begun to be counted."""
        try:
            batch = _decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if batch.status not in _ENDS:
            return
        usage = read_usage(batch.usage)
        answered = batch.request_counts.completed if batch.request_counts is not None else 0
        if usage is not None and batch.model and (usage.total or not answered):
            await self._told(exchange, call, batch, usage, answered)
        elif batch.output_file_id and await self._turn(call):
            self._begin(exchange, call, batch)

    async def _turn(self, call: LlmCall) -> bool:
        try:
            return await self._later.once(f"batch|{call.pin}|{call.look.identity}")
        except Refusal:
            return False

    async def _told(self, exchange: Exchange, call: LlmCall, batch: _Batch, usage: Usage, calls: int) -> None:
        """As the batch itself says it."""
        vendor = batch.model or ""
        usage.tier = _TIER
        target = self._found(call.pin, vendor)[1]
        price = self._vendors.price(target, vendor)
        cost, version = priced(price, usage, exchange.house.clock.wall(), calls)
        await self._book(exchange, call, batch, {vendor: Used(usage, cost, version)})

    def _found(self, group: str, vendor: str) -> Found:
        """Whose model it is; of a model that nobody knows, the first of the provider's."""
        found = self._vendors.find(group, vendor) or self._vendors.first(group)
        assert found is not None  # the call came back from there
        return found

    def _begin(self, exchange: Exchange, call: LlmCall, batch: _Batch) -> None:
        """Read its output beside the client's call, which need not wait for that."""
        deployment: Deployment = self._found(call.pin, "")[1].wiring
        with contextlib.suppress(Refusal):  # whoever asks for the batch later begins it anew
            deployment.supervisor.spawn(self._count(exchange, call, batch), "batch")

    async def _count(self, exchange: Exchange, call: LlmCall, batch: _Batch) -> None:
        """Read the output and book it; of one that cannot be read to its end nothing, until it is tried again."""
        reading = _reading(exchange, call, identity_of(batch.output_file_id or ""))
        used: dict[str, Used] = {}
        wall = exchange.house.clock.wall()
        try:
            async for line in _lines(reading, self._found(call.pin, "")[1]):
                self._add(used, call.pin, line, wall)
        except Refusal as refusal:
            reading.refusal = refusal
            reading.close("failed")
            return
        except asyncio.CancelledError:
            reading.close("gone")
            raise
        reading.close("ok")
        await self._book(exchange, call, batch, used)

    def _add(self, used: dict[str, Used], group: str, line: bytes, wall: float) -> None:
        answer = read_answer(line)
        if answer is None:
            return
        vendor, kind, text = answer
        usage = _BY_OBJECT.get(kind, CHAT).usage(text)
        if usage is None:
            return
        usage.tier = _TIER
        cost, version = priced(self._vendors.price(self._found(group, vendor)[1], vendor), usage, wall)
        if vendor not in used and len(used) >= _MOST_MODELS:
            vendor = next(iter(used))
        so_far = used.setdefault(vendor, Used(Usage(source="provider", tier=_TIER)))
        for name in CLASSES:
            setattr(so_far.usage, name, getattr(so_far.usage, name) + getattr(usage, name))
        so_far.cost, so_far.version = so_far.cost + cost, version

    async def _book(self, exchange: Exchange, call: LlmCall, batch: _Batch, used: dict[str, Used]) -> None:
        for vendor, one in used.items():
            model, target = self._found(call.pin, vendor)
            name = f"{call.look.identity}|{vendor}"
            ended = Ended(name, batch.created_at, model, target, one.usage, one.cost, one.version)
            await self._later.book(exchange, ended)


def _reading(exchange: Exchange, call: LlmCall, file: str) -> Exchange:
    """An exchange of ours, for the file that the output stands in."""
    house = exchange.house
    reading = Exchange(house.make_id(), exchange.gate, exchange.inbound, house, house.clock.now())
    reading.parent, reading.depth, reading.snapshot = exchange, exchange.depth + 1, exchange.snapshot
    reading.route, reading.chain, reading.principal = exchange.route, exchange.chain, exchange.principal
    reading.request_id, reading.trace = exchange.request_id, exchange.trace
    look = stored.Kept("GET", b"/files/%b/content" % file.encode(), BytesBody(), b"application/json")
    reading.call = msgspec.structs.replace(call, endpoint=stored.ENDPOINTS["files"], look=look)
    return reading


async def _lines(reading: Exchange, target: Target) -> AsyncIterator[bytes]:
    """The lines of the output. Raises Refusal upstream_* where it cannot be had to its end."""
    deployment: Deployment = target.wiring
    chain = reading.chain
    assert chain is not None
    attempt = reading.attempt(target)
    attempt.provider, attempt.adopted = deployment.provider, True
    reply = decoded(await deployment.send(reading, attempt, reading.call, reading.call.look.asked(), chain))
    reading.numbers.status = attempt.numbers.status = reply.status
    lines = Lines(_MOST_LINE)
    try:
        if reply.status != 200:
            raise Refusal("upstream_failed", "The output of a batch could not be read.")
        async for frame in reply.frames:
            for line in lines.feed(frame):
                yield line
        yield lines.rest()
    finally:
        reply.frames.close()
