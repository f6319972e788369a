"""Calls for what one provider keeps: back to where it is, and what has ended there since is booked."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import msgspec

from triplegate.core.catalog import Target
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain
from triplegate.core.http import Body, OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.core.usage import Usage
from triplegate.gates.llm.answering import understood
from triplegate.gates.llm.batches import Batches
from triplegate.gates.llm.beside import Beside
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.charged import Charged, read_note
from triplegate.gates.llm.decoding import decoded
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.later import Ended, Later, priced
from triplegate.gates.llm.model import Model
from triplegate.gates.llm.origins import Background, Sealing, pinned
from triplegate.gates.llm.paths import stored
from triplegate.gates.llm.paths.responses import RESPONSES
from triplegate.gates.llm.streaming import Streaming
from triplegate.gates.llm.vendors import Vendors
from triplegate.gates.llm.whole import Passing, Seen
from triplegate.upstreams.attempts import attempts
from triplegate.wire.multipart import boundary_of
from triplegate.wire.responses_relay import ResponsesStream
from triplegate.wire.seals import Seals
from triplegate.wire.upload import Upload

_SEALED = frozenset({"openai_responses", "files", "batches"})
"""Families whose replies name what the provider keeps."""


class KeptCalls:
    """Reads and forwards them, for the models of one snapshot."""

    __slots__ = ("_base", "_batches", "_beside", "_files", "_later", "_models", "_seals", "_vendors")

    def __init__(
        self, base: str, models: Sequence[Model], files: Model | None, seals: Seals, later: Later, beside: Beside
    ) -> None:
        self._base, self._models, self._files = base, models, files
        self._seals, self._later, self._beside = seals, later, beside
        self._vendors = Vendors(models)
        self._batches = Batches(later, self._vendors)

    def groups(self, principal: Principal) -> Iterator[str]:
        """The quota groups this principal's calls may go to; few calls need to know."""
        models = [model for model in self._models if model.open_to(principal)]
        yield from dict.fromkeys(target.group for model in models for target, _ in model.route.targets)

    def sealing(self, call: LlmCall, principal: Principal, target: Target) -> Sealing | None:
        """How ids in a reply are sealed; None where none are."""
        if call.endpoint.family not in _SEALED:
            return None
        return Sealing(self._seals, principal.team_ref, target.group)

    async def read(self, exchange: Exchange, principal: Principal) -> LlmCall:
        """The call. Raises Refusal origin_gone, unsupported_endpoint, invalid_body, unsupported_media_type."""
        model, inbound = self._files, exchange.inbound
        files = model.route.targets[0][0].group if model is not None and model.open_to(principal) else ""
        team = principal.team_ref
        call = await stored.read_kept(inbound, self._base, self._seals, team, tuple(self.groups(principal)), files)
        look: stored.Kept = call.look
        if call.endpoint.family == "files" and look.method == "POST":
            may, servers = self._vendors.usable(exchange, principal, call.pin), self._vendors.forwarding(call.pin)
            upload = Upload(boundary_of(look.content_type), may, servers)
            call.look = msgspec.structs.replace(look, body=Watched(look.body, upload.feed, self._beside))
        return call

    async def forward(self, exchange: Exchange, call: LlmCall, chain: Chain) -> Reply:
        """To the one provider that has it."""
        principal, look = exchange.principal, call.look
        assert principal is not None
        targets = [target for model in self._models for target, _ in model.route.targets]
        pick = pinned(targets, call.pin)

        async def send(attempt: Attempt) -> Reply:
            deployment: Deployment = attempt.target.wiring
            attempt.provider = deployment.provider
            asked = look.asked()
            reply = decoded(await deployment.send(exchange, attempt, call, asked, chain))
            sealing = self.sealing(call, principal, attempt.target)
            assert sealing is not None
            sealing.noted = (look.identity, look.note)
            reply = await understood(reply, exchange, attempt, call, deployment.speech, asked, sealing)
            if isinstance(reply.frames, Passing) and call.endpoint.family == RESPONSES.family:
                reply.frames = Heard(reply.frames, sealing)
            return reply

        first = pick([])
        assert first is not None
        dispatch = first[0].wiring.dispatch(chain)
        reply = await attempts(exchange, dispatch, lambda tried: None if tried else first, send, replayable=False)
        if reply.status == 200 and look.identity and look.after in ("", "cancel"):
            await self._look(exchange, call, reply)
        return reply

    def follow(self, exchange: Exchange, call: LlmCall, reply: Reply) -> None:
        """The stream of a response in the background: when its end passes, it is booked."""
        frames = reply.frames
        if type(frames) is not Streaming or type(flow := frames.flow) is not Background:  # isinstance would cost 3 µs
            return
        attempt = next(one for one in exchange.attempts if one.adopted)

        async def then() -> None:
            if flow.used is not None:
                frames.then = None
                group = attempt.target.group
                await self._book(exchange, group, flow.id, flow.charged, flow.used, flow.model)

        frames.then = then
        reply.on_gone = "finish"  # whoever leaves before its end has had all but that

    async def _look(self, exchange: Exchange, call: LlmCall, reply: Reply) -> None:
        """Has something ended? Then it is booked now."""
        frames, kind = reply.frames, call.endpoint.family
        if kind == "batches" and isinstance(frames, OneFrame):
            await self._batches.look(exchange, call, frames.content)
            return
        charged = read_note(call.look.note)
        if kind != RESPONSES.family or charged is None:
            return

        async def told(usage: Usage, vendor: str) -> None:
            await self._book(exchange, call.pin, call.look.identity, charged, usage, vendor)

        if isinstance(frames, Heard):
            frames.told = told
            reply.on_gone = "finish"
        elif isinstance(frames, OneFrame):
            said, usage = _read(frames.content), RESPONSES.usage(frames.content)
            if said.status in _ENDS and usage is not None:
                await told(usage, said.model)

    async def _book(
        self, exchange: Exchange, group: str, identity: str, charged: Charged, usage: Usage, vendor: str
    ) -> None:
        """What a response in the background used, less what its begin was charged."""
        found = self._vendors.at(charged.place) or self._vendors.find(group, vendor)
        if found is None:
            return
        model, target = found
        cost, version = priced(self._vendors.price(target, vendor), usage, exchange.house.clock.wall())
        if version in ("", "none"):
            cost = charged.cost  # nobody knows what it costs: it stays as it was charged
        ended = Ended(identity, charged.at, model, target, usage, cost, version, charged)
        await self._later.book(exchange, ended)


class _Response(msgspec.Struct, gc=False):
    status: str = ""
    model: str = ""


_ENDS = frozenset({"completed", "incomplete", "failed", "cancelled"})
_decode = msgspec.json.Decoder(_Response).decode


def _read(text: bytes) -> _Response:
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Response()


class Watched(Body):
    """An upload that is looked at while it passes; what is wrong with it never arrives whole."""

    __slots__ = ("_beside", "_feed", "_inner", "kind", "length", "started")

    def __init__(self, inner: Body, feed: Callable[[bytes], None], beside: Beside) -> None:
        self._inner, self._feed, self._beside = inner, feed, beside
        self.kind, self.length, self.started = "one_pass", inner.length, False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Every piece as it came. Raises Refusal model_not_found, invalid_body."""
        self.started = True
        async for chunk in self._inner.chunks():
            await self._beside.run(self._feed, chunk)
            yield chunk

    async def whole(self, limit: int) -> bytes:
        """Never asked for: it streams."""
        raise NotImplementedError


class Heard(Passing):
    """A response that is streamed anew: its ids are sealed, and what it used is told once its end has come."""

    __slots__ = ("_relay", "_sealing", "told")

    def __init__(self, frames: Passing, sealing: Sealing) -> None:
        super().__init__(frames, Seen())
        self._relay, self._sealing = ResponsesStream(), sealing
        self.told: Callable[[Usage, str], Awaitable[None]] | None = None
        """What is to be told usage and model."""

    async def __anext__(self) -> bytes:
        """The next whole events."""
        relay = self._relay
        piece = relay.feed(await super().__anext__())
        if self.done:
            piece += relay.finish()
        if relay.done and relay.usage is not None and self.told is not None:
            told, self.told = self.told, None
            await told(relay.usage, relay.model)
        return self._sealing(piece) if piece else piece
