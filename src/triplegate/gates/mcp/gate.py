"""The mcp gate: servers of both eras behind one endpoint, for clients of both eras."""

from collections.abc import Awaitable, Iterable, Mapping

from triplegate.core.catalog import Route
from triplegate.core.chains import Chains
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Encoder, Inbound, OneFrame, Reply
from triplegate.core.money import Price
from triplegate.core.policy import Stage
from triplegate.core.ports import House, Reenter
from triplegate.gates.mcp.access import NONE
from triplegate.gates.mcp.batch import answer_batch
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.calling import Calling
from triplegate.gates.mcp.doors import Doors, preflight, promised
from triplegate.gates.mcp.frames import EventEncoder, Told
from triplegate.gates.mcp.guarding import guard_of
from triplegate.gates.mcp.methods.table import METHODS
from triplegate.gates.mcp.oauth import WELL_KNOWN
from triplegate.gates.mcp.own import Own, accepted
from triplegate.gates.mcp.reading import Reading
from triplegate.gates.mcp.refusals import rpc_refusal
from triplegate.gates.mcp.server import Server
from triplegate.gates.mcp.streaming import Streaming
from triplegate.gates.mcp.streams import HearEncoder, HearFrames
from triplegate.gates.mcp.tracing import join_trace
from triplegate.gates.mcp.validation import tool_error
from triplegate.gates.opening import begin
from triplegate.wire.mcp_era import MODERN

FREE = Price()
"""What all calls cost but those of tools."""

_ENCODER = Encoder()


class Endpoint:
    """A path of the gate: `/mcp`, or a virtual server below it."""

    __slots__ = ("own", "parts", "servers", "suffix", "virtual")

    def __init__(self, virtual: str, own: Route, servers: Mapping[str, Route], suffix: str) -> None:
        self.virtual = virtual
        """Name of the virtual server; empty for everything."""
        self.own = own
        """The route of what the gate answers by itself."""
        self.servers = servers
        """The route of calls to each server, with the policies of this path."""
        self.suffix = suffix
        """Tells this path's chains from another's; empty where they are the same."""
        self.parts = {name: f"servers/{name}{suffix}" for name in servers}
        """What chains are kept by, for calls to each server."""


class McpGate:
    """Path → read, ladder, access → policies → server."""

    name = "mcp"

    def __init__(
        self,
        base: str,
        endpoints: Mapping[str, Endpoint],
        doors: Doors,
        reading: Reading,
        own: Own,
        calling: Calling,
        streaming: Streaming,
        reenter: Reenter | None,
    ) -> None:
        self._base, self._endpoints, self._doors = base, endpoints, doors
        self._reading, self._own, self._calling = reading, own, calling
        self._controls = reading.controls
        self._streaming, self._reenter, self._oauth = streaming, reenter, doors.oauth
        self.catalog = own.catalog
        self.servers: dict[str, Server] = {
            name: route.targets[0][0].wiring for name, route in endpoints[""].servers.items()
        }

    def serve(self, house: House, snapshot: str, chains: Chains) -> None:
        """Stand behind `chains`; called once."""
        chains.bind(self)
        self._chains = chains
        self._house, self._snapshot = house, snapshot
        self._outer = chains.outer(())
        self._public = chains.edge(self._tell)

    def open(self, inbound: Inbound) -> Exchange:
        """By head only. An unknown virtual server is found out after identity: nobody may guess names."""
        exchange = begin(self, inbound, self._house, self._snapshot)
        exchange.route = self._endpoints[""].own
        exchange.outer = self._outer
        exchange.deadline = inbound.deadline
        exchange.refusal = self._doors.check(inbound)
        if exchange.refusal is not None:
            return exchange
        exchange.reply_headers += promised(inbound)
        if inbound.method in ("OPTIONS", "GET") and self._is_public(inbound):
            exchange.outer = self._public
        elif inbound.method != "POST" and not _of_session(inbound):
            exchange.refusal = Refusal(
                "method_not_supported",
                "This path takes POST, and in sessions DELETE and GET of an event stream.",
                headers=[(b"allow", b"POST, GET, DELETE")],
            )
        elif self._oauth is not None:
            exchange.resource = self._oauth.resource(inbound.path)
        return exchange

    def _is_public(self, inbound: Inbound) -> bool:
        """Whether everybody may ask this: a preflight, or the metadata for clients with tokens."""
        if inbound.method == "GET":
            return inbound.path.startswith(WELL_KNOWN)
        return preflight(inbound) is not None

    async def _tell(self, exchange: Exchange) -> Reply:
        inbound = exchange.inbound
        found = preflight(inbound)
        if found is None:
            assert self._oauth is not None
            found = self._oauth.metadata(inbound.path.removeprefix(WELL_KNOWN))
        return found

    def _endpoint(self, path: str) -> Endpoint:
        """The endpoint of a path; a name that is empty or unknown is never read as everything."""
        name = path[len(self._base) + 1 :]
        found = self._endpoints.get(name)
        if found is None or (not name and path != self._base):
            raise Refusal("route_not_found", "There is no such endpoint.")
        return found

    async def read(self, exchange: Exchange) -> None:
        """The message, its session and what it names. Raises Refusal of the first check that fails."""
        principal = exchange.principal
        assert principal is not None
        endpoint = self._endpoint(exchange.inbound.path)
        exchange.route = endpoint.own
        self._streaming.begin()
        call: McpCall | None = exchange.call
        fresh = call is None
        if call is None:
            call = exchange.call = await self._reading.read(exchange, principal, endpoint.virtual)
            if "traceparent" in call.meta:
                join_trace(exchange, call.meta["traceparent"])
        else:  # it is asked about anew while it is under way
            self._reading.check(call, principal, endpoint.virtual)
        part, item = endpoint.own.name, call.item
        if item is not None:
            route = exchange.route = endpoint.servers[item.server.name]
            exchange.price = item.server.price_of(item.own.name, route.price) if item.kind == "tool" else FREE
            part = endpoint.parts[item.server.name]
            if item.kind == "tool":
                exchange.tool, exchange.arguments = item.name, call.digest()
            if item.server.pins is not None and not item.server.pins.approved(item.kind, item.own):
                exchange.decisions.append(("pins", "observe", "its definition is not approved"))
        elif call.through:
            exchange.tool = call.through
        elif call.kind == "response":
            part = self._asker(exchange, call, endpoint) or part
        exchange.scope = (part, principal.plan, principal.team_ref)
        needed = NONE if self._oauth is None else self._oauth.needed(endpoint.virtual, principal)
        self._reading.access.require(principal, endpoint.virtual, call, needed)
        if fresh and self._controls is not None:
            await self._controls.check(exchange, call)

    def _asker(self, exchange: Exchange, call: McpCall, endpoint: Endpoint) -> str:
        """An answer to a server's question is looked at by those who look at what this server is told."""
        name = self._streaming.answering.asker(call)
        route = endpoint.servers.get(name)
        if route is None or not any(policy.stage is Stage.SCREEN for policy in route.targets[0][0].policies):
            return ""
        exchange.route, exchange.price = route, FREE
        return f"servers/{name}{endpoint.suffix}"

    async def check(self, exchange: Exchange) -> None:
        """Would this exchange, just opened, still be let in? Raises the Refusal it would meet."""
        await self._chains.check(exchange)

    def forward(self, exchange: Exchange) -> Awaitable[Reply]:
        """A call of an item goes to its server; all else is answered here."""
        call: McpCall = exchange.call
        if call.kind != "request":
            return self._take(exchange, call)
        answer = METHODS[call.through or call.method].answer
        if answer is not None:
            return answer(self._own, exchange, call)
        item = call.item
        assert item is not None
        if item.server.approval is None:
            return self._carry(exchange, call, item)
        return self._approved(exchange, call, item)

    async def _take(self, exchange: Exchange, call: McpCall) -> Reply:
        """What is no request."""
        if call.kind == "batch":
            return await answer_batch(exchange, call, self._reenter)
        if call.kind == "stream":
            return await self._streaming.open(exchange, call)
        if call.kind == "end":
            return await self._streaming.end(exchange, call)
        if call.kind == "response":
            await self._streaming.answering.take(call)
        elif call.kind == "notification":
            await self._streaming.notified(call)
        return accepted()

    def _approved(self, exchange: Exchange, call: McpCall, item: Item) -> Awaitable[Reply]:
        """The item's server answers, where need be after a person's yes; a call that is parked there has had it."""
        principal = exchange.principal
        assert principal is not None
        rule = item.server.approval_of(call, item, principal) if call.parked is None else None
        if rule is None:
            return self._carry(exchange, call, item)

        def then(approved: McpCall) -> Awaitable[Reply]:
            return self._carry(exchange, approved, item)

        return self._calling.approving.ask(exchange, call, item, rule, then)

    def _carry(self, exchange: Exchange, call: McpCall, item: Item) -> Awaitable[Reply]:
        guard = None if exchange.looks is None else guard_of(exchange, call)
        if self._controls is None:
            return self._calling.forward(exchange, call, item, guard)
        return self._controls.forward(exchange, call, item, self._calling.forward, guard)

    def refuse(self, exchange: Exchange, refusal: Refusal) -> Reply:
        """A JSON-RPC error; where tokens are had, the challenge says so."""
        if refusal.code == "arguments_invalid":
            return tool_error(exchange.call, refusal)
        reply = rpc_refusal(exchange, refusal)
        if self._oauth is not None and refusal.status in (401, 403):
            more = self._more_scopes(exchange) if refusal.code == "insufficient_scope" else ()
            self._oauth.challenge(exchange.inbound.path, reply, more)
        return reply

    def _more_scopes(self, exchange: Exchange) -> Iterable[str]:
        """What the call's policies and the rules for its item ask for, so that one new token is enough."""
        principal, route = exchange.principal, exchange.route
        if principal is None or route is None:
            return ()
        call: McpCall = exchange.call
        virtual = self._endpoint(exchange.inbound.path).virtual
        found = NONE if call.item is None else self._reading.access.scopes(virtual, call.item)
        try:
            chain = exchange.chain or self._chains.of(route, principal)
        except Refusal:  # its plan is gone: it would get nowhere with any token
            return found
        return found.union(*[policy.needed_scopes for policy in chain.policies])

    def encoder(self, exchange: Exchange, reply: Reply) -> Encoder:
        """Bytes pass; a failure within a stream is told as the call's error."""
        frames = reply.frames
        if type(frames) is OneFrame:
            return _ENCODER
        if isinstance(frames, HearFrames):
            return HearEncoder(frames, exchange.call.id)
        return EventEncoder(frames, exchange.call.id) if isinstance(frames, Told) else _ENCODER


def _of_session(inbound: Inbound) -> bool:
    """Whether it is a GET or DELETE as sessions have them; 2026-07-28 has neither."""
    if inbound.header(b"mcp-protocol-version") == MODERN.encode():
        return False
    if inbound.method == "GET":
        return b"text/event-stream" in (inbound.header(b"accept") or b"").lower()
    return inbound.method == "DELETE"
