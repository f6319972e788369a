"""GET /realtime: a WebSocket to a provider that speaks OpenAI's Realtime; each response is booked as it ends."""

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec

from triplegate.config.documents_websocket import RealtimeOptions
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain
from triplegate.core.house import used
from triplegate.core.http import BytesBody, Channel, Headers, Inbound, Message, Reply
from triplegate.core.usage import Usage
from triplegate.gates.llm.answering import understood
from triplegate.gates.llm.asking import Asked
from triplegate.gates.llm.call import Endpoint, LlmCall
from triplegate.gates.llm.decoding import decoded
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.metering import price_for
from triplegate.gates.pages import Origins
from triplegate.gates.relay import Relay
from triplegate.upstreams.websocket import Bounds, Socket
from triplegate.wire.openai_realtime import (
    PROTOCOL,
    Conversation,
    Offered,
    added,
    check_servers,
    error_event,
    keep_model,
)
from triplegate.wire.query import Query

PATH = "/realtime"
_OFFERED = b"sec-websocket-protocol"


def _never(*call: object, **edits: object) -> Any:
    raise NotImplementedError


ENDPOINT = Endpoint("realtime", b"/realtime", "realtime", _never, _never, _never)


class Opening(msgspec.Struct, frozen=True):
    """What the handshake says: `LlmCall.look`."""

    accepted: Headers
    """What the client is told with 101."""
    beta: bytes | None
    text: bytes = b""
    end_user: str | None = None


def keyed(inbound: Inbound) -> Inbound:
    """The request with the key where every policy looks for it; the subprotocols go on without it.

    Raises Refusal malformed_request for two keys.
    """
    values = [value for name, value in inbound.headers if name == _OFFERED]
    offered = Offered(values)
    if offered.key is None:
        return inbound
    if any(name in (b"authorization", b"x-api-key") for name, _ in inbound.headers):
        raise Refusal("malformed_request", "One key is enough: as a field, or as a subprotocol.")
    headers = [line for line in inbound.headers if line[0] != _OFFERED]
    headers.append((b"authorization", b"Bearer " + offered.key))
    if offered.realtime:
        headers.append((_OFFERED, PROTOCOL))
    if offered.beta is not None and inbound.header(b"openai-beta") is None:
        headers.append((b"openai-beta", offered.beta))
    return msgspec.structs.replace(inbound, headers=headers)


def read_opening(inbound: Inbound) -> LlmCall:
    """The call that a handshake is. Raises Refusal invalid_body, unsupported_parameter."""
    model = Query(inbound.query).get("model")
    if not model:
        raise Refusal("invalid_body", "Name the model: ?model=….", payload={"param": "model"})
    for part in inbound.query.split(b"&"):
        if part and part.partition(b"=")[0] != b"model":
            name = part.partition(b"=")[0].decode("latin-1")[:64]
            raise Refusal("unsupported_parameter", f"{name} is not served here.", payload={"param": name})
    offered = Offered([value for name, value in inbound.headers if name == _OFFERED])
    accepted: Headers = [(_OFFERED, PROTOCOL)] if offered.realtime else []
    look = Opening(accepted, inbound.header(b"openai-beta") or offered.beta)
    return LlmCall(ENDPOINT, look, model, streamed=True, wants_usage=True, size=0, most_output=0)


class Channels(msgspec.Struct, frozen=True, eq=False):
    """What connections may do, and who may open one."""

    bounds: Bounds = Bounds(most=10 << 20)
    origins: Origins = msgspec.field(default_factory=lambda: Origins(()))

    @classmethod
    def of(cls, written: RealtimeOptions) -> "Channels":
        """As written."""
        return cls(Bounds(written.max_message, written.idle, written.ping), Origins(written.allowed_origins))

    def enter(self, exchange: Exchange) -> Refusal | None:
        """May this page open one? A web page's key is put where keys are looked for."""
        refusal = self.origins.check(exchange.inbound)
        if refusal is not None:
            return refusal
        try:
            exchange.inbound = keyed(exchange.inbound)
        except Refusal as wrong:
            return wrong
        return None


async def dial(
    deployment: Deployment,
    exchange: Exchange,
    attempt: Attempt,
    call: LlmCall,
    bounds: Bounds,
    chain: Chain,
    *,
    servers: bool,
) -> Reply:
    """One try: a Duplex, or what the provider answered instead; `servers`: it gets the client's MCP servers.

    Raises Refusal.
    """
    if ENDPOINT.family not in deployment.speech.speaks:
        attempt.error_class, attempt.numbers.dispatched = "model_missing", 0.0
        raise Refusal("unsupported_endpoint", f"The provider of the model {call.model} does not serve {PATH}.")
    vendor = deployment.model_for(call.model)
    path = f"{PATH}?model={quote(vendor, safe='')}"
    reply = await deployment.open(exchange, attempt, path.encode("ascii"), call.look.beta, bounds, chain)
    if reply.status != 101:
        if reply.status < 400:
            reply.frames.close()
            raise Refusal("upstream_malformed", "The provider opens no WebSocket.", reason=f"status {reply.status}")
        asked = Asked(path.encode("ascii"), BytesBody(), translated=False, method="GET")
        return await understood(decoded(reply), exchange, attempt, call, deployment.speech, asked)
    assert isinstance(reply.frames, Socket)
    tab = Tab(exchange, attempt, call)
    return Session(
        101,
        [line for line in reply.headers if line[0] != _OFFERED],
        reply.frames,
        socket=reply.frames,
        supervisor=deployment.supervisor,
        tab=tab,
        names=(call.model, vendor),
        servers=servers,
    )


class Tab:
    """Books what one connection uses, response by response; a response under way at its end is booked by its size."""

    __slots__ = ("_attempt", "_call", "_exchange", "conversation")

    def __init__(self, exchange: Exchange, attempt: Attempt, call: LlmCall) -> None:
        self._exchange, self._attempt, self._call = exchange, attempt, call
        self.conversation = Conversation()

    def open(self) -> None:
        """The connection is the exchange's answer."""
        self._exchange.on_close(self._close)

    def add(self, more: Usage) -> None:
        """One response more; each has its own price where prices depend on its length."""
        attempt, exchange = self._attempt, self._exchange
        price = price_for(attempt.target, self._call)
        if price is not None:
            tokens = more.tokens()
            if price.rules is not None:
                price = price.applied(tokens, more.tier, exchange.house.clock.wall())
            attempt.cost += price.flat(tokens, more.tool_units)
            attempt.price_version = exchange.numbers.price_version = price.version
        exchange.numbers.list_cost = attempt.cost
        before = attempt.usage
        attempt.usage = exchange.usage = more if before.source == "none" else added(before, more)

    async def hold(self) -> None:
        """What was set aside grows to what was used. Raises Refusal budget_exceeded where that does not fit."""
        admission = self._exchange.admission
        if admission is None or not admission.holds:
            return
        actual = used(self._exchange)
        for hold in admission.holds:
            if not await hold.extend(actual):
                raise Refusal("budget_exceeded", "A limit was reached while the connection was open.")

    def _close(self, exchange: Exchange) -> None:
        left = self.conversation.unfinished()
        if left is not None:
            self.add(left)


class Session(Relay, kw_only=True, eq=False):
    """Client and provider, event after event each way, with what they use counted."""

    tab: Tab
    names: tuple[str, str]
    """The model as clients and as the provider call it."""
    servers: bool
    """Whether MCP servers that the client names are left to the provider."""

    async def run(self, client: Channel) -> None:
        """Relay until one side ends, as any WebSocket."""
        self.tab.open()
        await super().run(_Counted(client, self.tab, self.names, servers=self.servers))


class _Counted(Channel):
    """The client as the relay sees it: what it may not change is answered here."""

    __slots__ = ("_client", "_names", "_refused", "_servers", "_tab", "_turn")

    def __init__(self, client: Channel, tab: Tab, names: tuple[str, str], *, servers: bool) -> None:
        self._client, self._tab, self._names, self._servers = client, tab, names, servers
        self._refused = 0
        self._turn = asyncio.Lock()
        """Both directions may have something to tell the client."""

    @property
    def ended(self) -> tuple[int, str]:  # type: ignore[override]  # the client's own
        """How the client ended its side."""
        return self._client.ended

    async def accept(self, headers: Headers) -> None:
        """It is open already."""
        raise NotImplementedError

    async def receive(self) -> Message | None:
        """The client's next event that may go on."""
        while (message := await self._client.receive()) is not None:
            try:
                if not message.text:
                    raise Refusal("invalid_body", "Events are text.")
                text = keep_model(message.data, *self._names)
                if not self._servers:
                    check_servers(text)
            except Refusal as refusal:
                self._refused += 1
                await self._tell(Message(error_event(refusal, self._refused), text=True))
                continue
            self._tab.conversation.said(text)
            return message if text is message.data else Message(text, text=True)
        return None

    async def send(self, message: Message) -> None:
        """The provider's event; what it says of usage is booked before the client can know."""
        ended = self._tab.conversation.heard(message.data)
        if ended is not None:
            self._tab.add(ended)
        await self._tell(message)
        if ended is not None:
            await self._tab.hold()

    async def _tell(self, message: Message) -> None:
        async with self._turn:
            await self._client.send(message)

    async def close(self, code: int, reason: str = "", trailers: Headers = []) -> None:  # noqa: B006 - never changed
        """End it."""
        await self._client.close(code, reason, trailers)
