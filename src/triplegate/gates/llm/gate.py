"""The llm gate: a model's name in a body of any dialect → deployments; usage is counted, cost is booked."""

import asyncio
from collections.abc import Awaitable, Mapping

import msgspec

from triplegate.core.catalog import Target
from triplegate.core.chains import Chains
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain
from triplegate.core.http import Encoder, Inbound, Reply
from triplegate.core.identity import Principal
from triplegate.core.policy import Dispatch
from triplegate.core.ports import House
from triplegate.core.watching import Events
from triplegate.gates.llm import realtime
from triplegate.gates.llm.answering import understood
from triplegate.gates.llm.asking import Asked, prepare
from triplegate.gates.llm.beside import READ
from triplegate.gates.llm.call import Endpoint, LlmCall, form_call
from triplegate.gates.llm.decoding import decoded
from triplegate.gates.llm.demand import LlmDemand
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.facts import repeatable
from triplegate.gates.llm.failures import check_credential
from triplegate.gates.llm.forms import read_form
from triplegate.gates.llm.keeping import SAMPLED, Keeping
from triplegate.gates.llm.kept import Heard, KeptCalls
from triplegate.gates.llm.later import Later
from triplegate.gates.llm.metering import (
    Meter,
    PassingEncoder,
    StreamEncoder,
    WholeEncoder,
    adopted,
    aside,
    book_blocked,
    book_left,
    book_lost,
    book_unsure,
    reserved,
    spent,
)
from triplegate.gates.llm.model import Model
from triplegate.gates.llm.order import order_of
from triplegate.gates.llm.origins import opened, pinned
from triplegate.gates.llm.paths import models as models_path
from triplegate.gates.llm.paths import stored
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.feedback import PATH as FEEDBACK
from triplegate.gates.llm.paths.feedback import feedback
from triplegate.gates.llm.paths.messages import COUNT, MESSAGES, counted, counts
from triplegate.gates.llm.paths.responses import RESPONSES
from triplegate.gates.llm.paths.usage import PATH as USAGE
from triplegate.gates.llm.prompts import tell_prompt
from triplegate.gates.llm.retelling import Retold, RetoldEncoder, retold
from triplegate.gates.llm.streaming import Streaming
from triplegate.gates.llm.surface import Surface
from triplegate.gates.llm.telling import only, refused, standings
from triplegate.gates.llm.tool_loops import LOOP, Looped, check_servers
from triplegate.gates.llm.weigh import first_of, weigh
from triplegate.gates.llm.whole import Large, Passing
from triplegate.gates.opening import begin
from triplegate.upstreams.attempts import Pick, attempts
from triplegate.upstreams.retries import Spares
from triplegate.wire.headers import HOP_BY_HOP, reply_headers
from triplegate.wire.responses_mcp import servers_refused

_ENCODER = Encoder()
_ELSEWHERE = frozenset({"unsupported_endpoint", "unsupported_parameter"})
"""What one deployment cannot do and another may."""
_TALKS = (CHAT, MESSAGES, COUNT)
"""What some providers call MCP servers for."""
_NONE = (b"[]", b"null")
_MOST = 1 << 40  # the edge's own limit rules
_GUARDED = frozenset({"content_blocked", "guard_unavailable"})
"""What a guard of ours makes of an answer that the provider wrote."""
_OURS = frozenset({b"server", b"x-request-id", b"set-cookie", b"content-length", b"date", b"strict-transport-security"})
_DROPPED = HOP_BY_HOP | _OURS


class LlmGate:
    """OpenAI-compatible endpoints over the models of one snapshot."""

    name = "llm"

    def __init__(
        self, models: Mapping[str, Model], surface: Surface, chains: Chains, house: House, snapshot: str
    ) -> None:
        self._models, self._surface, self._house, self._snapshot = models, surface, house, snapshot
        self._listed = tuple(models.values())
        self._dispatches: dict[Chain, Dispatch] = {}
        self._behind = {id(one): tuple(models[name] for name in one.others) for one in models.values()}
        """By model: those that may answer its calls."""
        self._seals, self.base = surface.seals, surface.base
        self.check = chains.check
        """Would this exchange, just opened, still be let in? Raises the Refusal it would meet."""
        files, later = models.get(surface.files), Later(surface.kit, chains)
        self._kept = KeptCalls(surface.base, self._listed, files, surface.seals, later, surface.beside)
        chains.bind(self)
        self._outer = chains.outer(())

    # open and read -----------------------------------------------------------------------------------------
    def open(self, inbound: Inbound) -> Exchange:
        """By path and method; the model stands in the body, which is not read yet."""
        exchange = begin(self, inbound, self._house, self._snapshot)
        surface = self._surface
        exchange.route = surface.route
        exchange.outer = self._outer
        exchange.deadline = inbound.deadline
        if surface.host is not None and inbound.host != surface.host:
            exchange.refusal = Refusal("misdirected", "This host is not served here.")
        elif inbound.protocol == "websocket" or inbound.path == surface.base + realtime.PATH:
            exchange.refusal = self._channel(exchange)
        elif inbound.path in surface.endpoints:
            exchange.refusal = only(inbound, "POST")
        elif inbound.path == surface.base + USAGE:
            exchange.refusal = only(inbound, "GET")
        elif inbound.path == surface.base + FEEDBACK:
            exchange.refusal = only(inbound, "POST")
        elif stored.kind_of(inbound.path, surface.base):
            exchange.refusal = only(inbound, *stored.methods_of(inbound.path, surface.base))
        elif inbound.path.removeprefix(models_path.ANTHROPIC_BASE).startswith(surface.base + "/models"):
            exchange.refusal = only(inbound, "GET", "HEAD")
        else:
            exchange.refusal = Refusal("unsupported_endpoint", f"There is no {inbound.path} here.")
        return exchange

    def _channel(self, exchange: Exchange) -> Refusal | None:
        """One path is a WebSocket, and nothing else."""
        inbound = exchange.inbound
        if inbound.path != self._surface.base + realtime.PATH:
            return Refusal("websocket_not_served", "This path is called without WebSocket.")
        if inbound.protocol != "websocket":
            return Refusal("unsupported_endpoint", "This path is opened as a WebSocket.")
        return self._surface.channels.enter(exchange)

    async def read(self, exchange: Exchange) -> None:
        """Peek at the body: which model, streamed or not. Raises Refusal in the order a client can act on."""
        inbound, principal = exchange.inbound, exchange.principal
        assert principal is not None
        endpoint = self._surface.endpoints.get(inbound.path)
        if endpoint is None and inbound.protocol != "websocket":
            kind = stored.kind_of(inbound.path, self._surface.base)
            if exchange.call is None and kind and self._surface.told(inbound.path) is None:
                exchange.call = await self._kept.read(exchange, principal)
            exchange.scope = (self._surface.route.name, principal.plan, principal.team_ref)
            return
        call: LlmCall | None = exchange.call
        if call is None:  # else it is asked about anew while it is under way
            call = (
                realtime.read_opening(inbound)
                if endpoint is None
                else await self._call_of(endpoint, inbound, principal)
            )
            exchange.call = call
            tell_prompt(exchange, call.prompt)
        exchange.numbers.bytes_in = call.size
        model = self._models.get(call.model)
        if model is None or not model.open_to(principal):
            raise models_path.unknown(self._listed, principal, call.model)
        if call.loop is not None:
            call.loop.enter(exchange)
            return
        exchange.route = model.route
        if model.exact is not None and not call.exact_tokens:
            await model.exact.count(call)
        exchange.demand = LlmDemand(call, model, self._surface.learned, principal, self._behind[id(model)])
        exchange.numbers.streamed = call.streamed
        if call.look.end_user:
            exchange.principal = msgspec.structs.replace(principal, end_user=call.look.end_user[:256])
        exchange.scope = (model.route.name, principal.plan, principal.team_ref)

    async def _call_of(self, endpoint: Endpoint, inbound: Inbound, principal: Principal) -> LlmCall:
        if endpoint.form:
            return form_call(endpoint, await read_form(inbound.body, inbound.header(b"content-type") or b""))
        text = await inbound.body.whole(_MOST)
        if len(text) < READ:
            return self._read(endpoint, text, principal, inbound)
        return await self._surface.beside.run(self._read, endpoint, text, principal, inbound)

    def _read(self, endpoint: Endpoint, text: bytes, principal: Principal, inbound: Inbound) -> LlmCall:
        call = self._surface.prompts.read(endpoint, text, principal)
        if endpoint is RESPONSES and self._surface.loops is not None:
            call.loop = self._surface.loops.of(call, self._models.get(call.model), inbound, principal)
            if call.loop is not None:
                return call
        elif endpoint in _TALKS:
            self._check_servers(call, principal)
        return opened(call, self._seals, principal.team_ref, self._kept.groups(principal), self._surface.origin_gone)

    def _check_servers(self, call: LlmCall, principal: Principal) -> None:
        """Raises Refusal mcp_server_unknown for servers that providers would call for the client, past the gateway."""
        model, members = self._models.get(call.model), call.look.members
        if model is None or model.mcp_elsewhere == "forward" or not model.open_to(principal):
            return
        if bytes(members.get("mcp_servers", b"[]")) not in _NONE:
            raise servers_refused("here", "mcp_servers")
        if "tools" in members:
            check_servers([members["tools"]])

    # forward -----------------------------------------------------------------------------------------------
    async def forward(self, exchange: Exchange) -> Reply:
        """Try deployments until one answers; a failure before the first byte is never seen by the client."""
        call = exchange.call
        if call is None or self._counted_here(call):
            return await self._local(exchange)
        chain = exchange.chain
        assert chain is not None
        if not call.model:
            return self._ours(exchange, call, await self._kept.forward(exchange, call, chain))
        model = self._models[call.model]
        pick = self._pick(exchange, call, model, chain)
        tokens = exchange.aside = aside(call)
        exchange.numbers.list_cost = max([reserved(call, target, tokens) for target, _ in model.route.targets])

        def send(attempt: Attempt) -> Awaitable[Reply]:
            return self._try(exchange, attempt, call, chain)

        def report(attempt: Attempt) -> None:
            attempt.target.wiring.report(attempt, chain)
            book_unsure(exchange, attempt, call)

        def rules_of(target: Target) -> Dispatch:
            return target.wiring.dispatch(chain)  # type: ignore[no-any-return]  # a Deployment

        def spares_of(target: Target) -> Spares:
            return target.wiring.spares  # type: ignore[no-any-return]  # a Deployment

        whole = self._whole(model, chain, call)
        try:
            reply = await attempts(
                exchange,
                whole,
                pick,
                send,
                replayable=True,
                spares_of=spares_of,
                report=report,
                rules_of=rules_of,
            )
        except asyncio.CancelledError:
            book_left(exchange, call)
            raise
        except Refusal as refusal:
            exchange.numbers.list_cost = 0
            if refusal.code in _GUARDED:
                book_blocked(exchange, call)
            raise
        exchange.numbers.list_cost = 0  # the intent has it; from now on what was really used counts
        reply.on_gone = model.on_gone
        self._kept.follow(exchange, call, reply)
        book_lost(exchange, call)
        return self._ours(exchange, call, reply)

    async def _try(self, exchange: Exchange, attempt: Attempt, call: LlmCall, chain: Chain) -> Reply:
        """One attempt: what a deployment answers, as the client may have it. Raises Refusal."""
        principal = exchange.principal
        assert principal is not None
        deployment: Deployment = attempt.target.wiring
        attempt.provider = deployment.provider
        if call.endpoint is realtime.ENDPOINT:
            servers, bounds = self._models[call.model].mcp_elsewhere == "forward", self._surface.channels.bounds
            return await realtime.dial(deployment, exchange, attempt, call, bounds, chain, servers=servers)
        asked = await _asked(attempt, call, deployment, anew=exchange.looks is not None)
        reply = await deployment.send(exchange, attempt, call, asked, chain)
        attempt.final = call.endpoint.once and reply.status < 400
        reply = decoded(reply)
        sealing = self._kept.sealing(call, principal, attempt.target)
        reply = await understood(reply, exchange, attempt, call, deployment.speech, asked, sealing)
        if asked.lost:
            reply.headers.append((b"x-triplegate-dropped", asked.lost))
        return reply

    def _pick(self, exchange: Exchange, call: LlmCall, model: Model, chain: Chain) -> Pick:
        """Who is tried in which order; a copy of the call is begun where one is due."""
        if call.pin:
            return pinned([target for target, _ in model.route.targets], call.pin)
        order = order_of(exchange, call, model, self._models)
        if model.shadow is not None:
            model.shadow.cast(exchange, call, self._models, chain)
        return order.pick

    def weigh(self, exchange: Exchange) -> list[str]:
        """Which deployments a call that was read could go to and why, in words: for `explain`."""
        call = exchange.call
        if call is None or not call.model:
            return []
        if call.pin:
            return [f"only group {call.pin}, which keeps what the call builds on"]
        return weigh(order_of(exchange, call, self._models[call.model], self._models))

    def first(self, exchange: Exchange) -> str:
        """The deployment that such a call would be sent to first; empty where nobody can say. Raises its Refusal."""
        call = exchange.call
        if call is None or not call.model or call.pin or self._counted_here(call):
            return ""
        return first_of(order_of(exchange, call, self._models[call.model], self._models)).name

    def _ours(self, exchange: Exchange, call: LlmCall, reply: Reply) -> Reply:
        """The reply with the fields that are ours to say. Raises Refusal upstream_credentials."""
        attempt = adopted(exchange)
        check_credential(attempt, reply)
        reply.headers = reply_headers(reply.headers, _DROPPED)
        reply.headers.append((b"server", b"triplegate"))
        reply.headers.append((b"x-triplegate-deployment", attempt.target.name.encode("ascii", "replace")))
        reply.headers += standings(exchange, call.endpoint.family)
        if reply.status == 101:
            reply.headers += call.look.accepted
        return reply

    def _whole(self, model: Model, chain: Chain, call: LlmCall) -> Dispatch:
        """Bounds of all attempts together: a provider's own times bound each attempt and leave time for the next.

        What may not be sent twice is not hedged.
        """
        found = self._dispatches.get(chain)
        if found is None:
            names = (model, *[self._models[name] for name in model.others])
            each = [deployment.dispatch(chain).total for one in names for deployment in one.deployments]
            total = max(chain.dispatch.total, *each)
            found = self._dispatches[chain] = msgspec.structs.replace(model.deployments[0].dispatch(chain), total=total)
        return found if found.hedge is None or repeatable(call) else msgspec.structs.replace(found, hedge=None)

    def _counted_here(self, call: LlmCall) -> bool:
        return call.endpoint is COUNT and not counts(self._models[call.model])

    async def _local(self, exchange: Exchange) -> Reply:
        """What is answered here."""
        if exchange.call is not None:
            assert isinstance(exchange.demand, LlmDemand)
            return counted(exchange.demand.count(), exact=bool(exchange.call.exact_tokens))
        surface, marks = self._surface, exchange.marks
        if marks is not None and LOOP in marks:
            return await marks[LOOP].answer(exchange)  # type: ignore[no-any-return]  # a Loop
        if exchange.inbound.path == surface.base + USAGE:
            return await surface.usage.answer(exchange)
        if exchange.inbound.path == surface.base + FEEDBACK:
            return await feedback(exchange, surface.kit)
        if (told := surface.told(exchange.inbound.path)) is not None:
            return await told.answer(exchange)
        return models_path.answer(exchange, self._listed, surface.base, surface.created)

    async def retell(self, exchange: Exchange, events: Events) -> Reply:
        """An answer told from events, in the caller's dialect. Raises Refusal of those who look at it."""
        return await retold(exchange, exchange.call, events)

    def spent(self, exchange: Exchange) -> int:
        """What its answers have cost, in units; what is not booked yet included."""
        return spent(exchange, exchange.call)

    # replies -----------------------------------------------------------------------------------------------
    def refuse(self, exchange: Exchange, refusal: Refusal) -> Reply:
        """The error object of the dialect that was called."""
        return refused(exchange, refusal, self._surface.family_of(exchange.inbound.path))

    def encoder(self, exchange: Exchange, reply: Reply) -> Encoder:
        """Metered for what a provider answered well; plain for refusals, lists and a provider's own errors."""
        if exchange.house.content and exchange.trace[-1:] in SAMPLED and reply.source == "upstream":
            return Keeping(self._encoder(exchange, reply), exchange)
        return self._encoder(exchange, reply)

    def _encoder(self, exchange: Exchange, reply: Reply) -> Encoder:
        frames = reply.frames.within  # of an abstract class: isinstance would cost 3 µs each
        if reply.source != "upstream" or reply.status >= 400:
            told = type(frames) is Retold or type(frames) is Looped
            return RetoldEncoder(frames) if told else _ENCODER  # type: ignore[arg-type]  # one of the two
        call: LlmCall = exchange.call
        attempt = adopted(exchange)
        meter = Meter(exchange, attempt, call)
        if type(frames) is Streaming:
            return StreamEncoder(exchange, attempt.flow, meter, attempt.target.name)
        if type(frames) is Passing or type(frames) is Heard:
            return PassingEncoder(exchange, call, meter, attempt.flow, None)
        large = frames if type(frames) is Large else None
        return WholeEncoder(exchange, call, meter, attempt.flow, large)


async def _asked(attempt: Attempt, call: LlmCall, deployment: Deployment, *, anew: bool) -> Asked:
    """What goes there. Raises Refusal: a deployment that cannot be asked is passed over for one that can."""
    try:
        return await prepare(call, deployment.speech, deployment.model_for(call.model), anew=anew)
    except Refusal as refusal:
        if refusal.code in _ELSEWHERE:
            attempt.error_class, attempt.numbers.dispatched = "model_missing", 0.0
        raise
