"""The api gate: match a route by its head, forward the call as it is, stream the answer back."""

from collections.abc import Awaitable, Mapping

import msgspec

from triplegate.core.catalog import Route, Target
from triplegate.core.chains import Chains
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange, Proceed
from triplegate.core.fold import Chain
from triplegate.core.http import Encoder, Headers, Inbound, OneFrame, Reply
from triplegate.core.outgoing import Outgoing, edited
from triplegate.core.policy import Dispatch
from triplegate.core.ports import House, Kit
from triplegate.gates.api.grpc import call
from triplegate.gates.api.grpc_refusals import grpc_reply
from triplegate.gates.api.grpc_web import WebFrames
from triplegate.gates.api.hops import HOPPING, take_hop
from triplegate.gates.api.match import Matcher
from triplegate.gates.api.mirror import Mirrors
from triplegate.gates.api.outgoing import own_fields, reply_fields, request_fields, shaped_reply
from triplegate.gates.api.refusals import problem_reply
from triplegate.gates.api.rule import Rule
from triplegate.gates.api.service import Service
from triplegate.gates.api.shares import Shares
from triplegate.gates.api.websocket import check_upgrade, dial
from triplegate.gates.api.weigh import weigh
from triplegate.gates.charging import charge_at_end
from triplegate.gates.opening import begin
from triplegate.upstreams.attempts import Pick, attempts
from triplegate.upstreams.retries import Spares, kept, repeatable
from triplegate.wire.grpc import is_grpc
from triplegate.wire.problem_style import PLAIN, Style
from triplegate.wire.units import read_units

_ENCODER = Encoder()


def _call(service: Service, exchange: Exchange, headers: Headers, chain: Chain, attempt: Attempt) -> Awaitable[Reply]:
    return service.send(exchange, headers, chain, attempt)


_SENDERS = {"http": _call, "websocket": dial, "grpc": call}
"""What the client speaks → how an attempt is sent."""


class Served(msgspec.Struct, frozen=True, eq=False):
    """A route with its outer chain, and the choice among its targets."""

    route: Route
    outer: Proceed
    shares: Shares
    style: Style = PLAIN
    """How its refusals are told."""
    led: Mapping[str, Pick] = {}
    """By service that a policy may choose: what tries that one first."""
    preflights: bool = False
    """Whether a policy answers preflights."""
    counted: bytes = b""
    """Field of replies in which the service counts what has a price of its own; empty = it counts nothing."""

    def charge(self, exchange: Exchange, reply: Reply) -> None:
        """What was moved and counted is charged when the exchange ends."""
        price = self.route.price
        if price is not None and price.per_unit is not None:
            said = next((value for name, value in reply.headers if name == self.counted), b"")
            charge_at_end(exchange, price, read_units(said))


class ApiGate:
    """Gateway API semantics: host, path, method, headers → route → service."""

    name = "api"

    def __init__(
        self,
        matcher: Matcher,
        routes: Mapping[str, Served],
        chains: Chains,
        house: House,
        snapshot: str,
        kit: Kit,
        style: Style = PLAIN,
        mirrors: Mirrors | None = None,
    ) -> None:
        self._matcher, self._routes, self._house, self._snapshot = matcher, routes, house, snapshot
        self._trusted, self._index, self._style, self._mirrors = kit.trusted, kit.index, style, mirrors
        self.services: Mapping[str, Service] = {}
        """Every service of the snapshot, whether a route leads there or not."""
        self.check = chains.check
        """Would this exchange, just opened, still be let in? Raises the Refusal it would meet."""
        chains.bind(self)

    def open(self, inbound: Inbound) -> Exchange:
        """The route by the head alone; a failed open is an exchange with a refusal."""
        exchange = begin(self, inbound, self._house, self._snapshot)
        rule = self._matcher.find(
            inbound.host, inbound.path, inbound.method, inbound.headers, inbound.query, inbound.listener
        )
        if rule is None and inbound.method == "OPTIONS":
            rule = self._preflight(inbound)
        if inbound.asked and (rule is None or rule.section is not None) and self._strays(inbound):
            exchange.refusal = Refusal("misdirected", "This host needs a connection of its own.")
            return exchange
        if rule is None:
            exchange.refusal = self._unmatched(inbound)
            if self._is_index(inbound):
                exchange.refusal = None
                exchange.outer = self._say_where
            return exchange
        served = self._routes[rule.route]
        exchange.route = served.route
        exchange.matched = "" if rule.pattern is not None else rule.path
        exchange.outer = served.outer
        exchange.deadline = inbound.deadline
        if inbound.method in HOPPING:
            take_hop(exchange, rule.methods)
        return exchange

    def weigh(self, inbound: Inbound) -> list[str]:
        """Which match takes a request and why the others do not, in words."""
        return weigh(self._matcher, inbound)

    def _preflight(self, inbound: Inbound) -> Rule | None:
        """The rule of the call that a preflight asks about, where a policy of its route answers preflights."""
        method = inbound.header(b"access-control-request-method")
        if method is None or inbound.header(b"origin") is None:
            return None
        asked = method.decode("latin-1")
        rule = self._matcher.find(inbound.host, inbound.path, asked, inbound.headers, inbound.query, inbound.listener)
        return rule if rule is not None and self._routes[rule.route].preflights else None

    def _is_index(self, inbound: Inbound) -> bool:
        """Whether the gateway may say where everything is: nobody else owns the root of this host."""
        if inbound.path != "/" or not self._index or inbound.method not in ("GET", "HEAD"):
            return False
        return not self._matcher.owned(inbound.host, inbound.listener)

    def _strays(self, inbound: Inbound) -> bool:
        """Whether it came by a connection to another section than the one that owns its host (Gateway API: 421)."""
        return self._matcher.strays(inbound.host, inbound.asked, inbound.listener)

    def _unmatched(self, inbound: Inbound) -> Refusal:
        allowed = self._matcher.allowed(inbound.host, inbound.path, inbound.listener)
        if allowed and inbound.method not in allowed:
            names = ", ".join(sorted(allowed))
            return Refusal(
                "method_not_supported",
                f"This path takes {names}.",
                headers=[(b"allow", names.encode("ascii"))],
            )
        return Refusal("route_not_found", "No route matches this host, path and method.")

    async def _say_where(self, exchange: Exchange) -> Reply:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"server", b"triplegate")]
        headers.append((b"content-length", str(len(self._index)).encode("ascii")))
        return Reply(200, headers, OneFrame(self._index), source="local")

    async def read(self, exchange: Exchange) -> None:
        """Nothing is read: an api call is its head."""
        route, principal = exchange.route, exchange.principal
        assert route is not None
        assert principal is not None
        exchange.scope = (route.name, principal.plan, principal.team_ref)

    async def forward(self, exchange: Exchange) -> Reply:
        """Send the call to a service of the route; its answer's bytes pass untouched."""
        route, chain, inbound = exchange.route, exchange.chain, exchange.inbound
        assert route is not None
        assert chain is not None
        if inbound.protocol == "websocket":
            check_upgrade(exchange, route.targets)
        served = self._routes[route.name]
        own = served.shares.own
        pick: Pick = served.shares.pick
        headers = request_fields(exchange, self._trusted)
        outgoing = exchange.outgoing
        if outgoing is not None:
            headers = edited(headers, outgoing.edits)
            pick = served.led.get(outgoing.service, pick)
            await self._copy(exchange, headers, chain, outgoing)
        if route.price is not None:
            exchange.numbers.own_cost = exchange.numbers.list_cost = route.price.call
            exchange.numbers.price_version = route.price.version

        over = _SENDERS[inbound.protocol]

        def send(attempt: Attempt) -> Awaitable[Reply]:
            fields = headers if own is None else own_fields(own, attempt, exchange, headers)
            return over(attempt.target.wiring, exchange, fields, chain, attempt)

        def report(attempt: Attempt) -> None:
            attempt.target.wiring.report(attempt, chain)

        def rules_of(target: Target) -> Dispatch:
            return target.wiring.dispatch(chain)  # type: ignore[no-any-return]  # a Service

        dispatch = rules_of(route.targets[0][0]) if len(route.targets) == 1 else chain.dispatch
        try:
            replayable = repeatable(inbound, dispatch) and (
                inbound.body.kind != "one_pass" or await kept(inbound, dispatch)
            )
            reply = await attempts(
                exchange, dispatch, pick, send, replayable, spares_of=_spares_of, report=report, rules_of=rules_of
            )
        except Refusal:
            exchange.numbers.own_cost = exchange.numbers.list_cost = 0  # no answer, no charge
            raise
        if route.price is not None:
            served.charge(exchange, reply)
        reply.headers = reply_fields(reply.headers)
        if own is not None or outgoing is not None:
            reply.headers = shaped_reply(exchange, reply.headers)
        return reply

    async def _copy(self, exchange: Exchange, headers: Headers, chain: Chain, outgoing: Outgoing) -> None:
        if outgoing.copies and self._mirrors is not None and exchange.inbound.protocol == "http":
            await self._mirrors.send(exchange, headers, chain, outgoing.copies)

    def refuse(self, exchange: Exchange, refusal: Refusal) -> Reply:
        """Problem details, in the route's own style where it has one; in gRPC's words to whoever speaks it."""
        inbound = exchange.inbound
        if inbound.protocol == "grpc" or is_grpc(inbound.header(b"content-type")):
            return grpc_reply(exchange, refusal)
        served = None if exchange.route is None else self._routes.get(exchange.route.name)
        return problem_reply(exchange, refusal, self._style if served is None else served.style)

    def encoder(self, exchange: Exchange, reply: Reply) -> Encoder:
        """Bytes pass."""
        frames = reply.frames
        return frames.encoder if type(frames) is WebFrames else _ENCODER


def _spares_of(target: Target) -> Spares:
    return target.wiring.spares  # type: ignore[no-any-return]  # a Service
