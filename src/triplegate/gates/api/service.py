"""A service as it is called: its endpoints with their pools, and the times its calls are given."""

from collections.abc import Awaitable
from itertools import count

import msgspec

from triplegate.config.documents_api import ServiceDocument
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain, tuned
from triplegate.core.http import Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.upstreams.breaker import Breaker
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.reach import reach


class Endpoint(msgspec.Struct, frozen=True, eq=False):
    """One address of a service."""

    origin: Origin
    pool: Pool
    base: bytes
    """Path before the request's own; empty for most."""


class Turn:
    """Whose turn it is among equals; outlives swaps."""

    __slots__ = ("next",)

    def __init__(self) -> None:
        self.next = count().__next__


class Service:
    """What `Target.wiring` is at the api gate."""

    __slots__ = ("_base", "_breaker", "_clock", "_endpoints", "_host", "_tuned", "_tunes", "_turn", "name")

    def __init__(self, name: str, document: ServiceDocument, kit: Kit) -> None:
        self.name = name
        reached = [reach(url, document.tls, document.connections, kit) for url in document.endpoints]
        self._endpoints = tuple(Endpoint(one.pool.origin, one.pool, one.base) for one in reached)
        self._breaker = kit.state(Breaker, f"service:{name}", Breaker)
        self._clock = kit.clock
        self._turn = kit.state(Turn, f"service:{name}", Turn)
        self._host = document.host
        self._base = reached[0].dispatch(document.waits)
        self._tunes = tuple(policy for policy in document.policies if policy.form == "tune")
        self._tuned: dict[Chain, Dispatch] = {}

    def dispatch(self, chain: Chain) -> Dispatch:
        """The service's own times, with what the chain's policies say on top; made once per chain."""
        found = self._tuned.get(chain)
        if found is None:
            found = self._tuned[chain] = tuned(self._base, chain, self._tunes)
        return found

    def _endpoint(self) -> Endpoint:
        """The endpoint whose turn it is."""
        endpoints = self._endpoints
        if len(endpoints) == 1:
            return endpoints[0]
        return endpoints[self._turn.next() % len(endpoints)]

    def _host_for(self, endpoint: Endpoint, exchange: Exchange) -> bytes:
        """The Host we send: a rewritten one, the client's, the endpoint's or a fixed one."""
        outgoing = exchange.outgoing
        if outgoing is not None and outgoing.host is not None:
            return outgoing.host
        if self._host == "upstream":
            return endpoint.origin.authority
        if self._host == "keep":
            return exchange.inbound.authority
        return self._host.encode("ascii")

    def send(self, exchange: Exchange, headers: Headers, chain: Chain) -> Awaitable[Reply]:
        """One try at one endpoint. Raises Refusal upstream_open."""
        inbound = exchange.inbound
        dispatch = self.dispatch(chain)
        if dispatch.breaker is not None:
            self._breaker.check(self._clock.now(), dispatch.breaker, self.name)
        endpoint = self._endpoint()
        return endpoint.pool.send(
            inbound.method,
            _path(endpoint, exchange),
            [(b"host", self._host_for(endpoint, exchange)), *headers],
            inbound.body,
            dispatch,
            deadline=exchange.deadline,
        )

    def report(self, attempt: Attempt, chain: Chain) -> None:
        """Let the breaker know how an attempt went."""
        rules = self.dispatch(chain).breaker
        if rules is not None:
            self._breaker.note(attempt, self._clock.now(), rules)

    def counters(self) -> list[tuple[str, object]]:
        """Address and pool counters of each endpoint, for pages and metrics."""
        return [(str(endpoint.origin), endpoint.pool.counters()) for endpoint in self._endpoints]


def _path(endpoint: Endpoint, exchange: Exchange) -> bytes:
    """Path and query as they go out: the endpoint's base, then the client's or what policies made of it."""
    inbound, outgoing = exchange.inbound, exchange.outgoing
    path, query = inbound.path, inbound.query
    if outgoing is not None:
        path = path if outgoing.path is None else outgoing.path
        query = query if outgoing.query is None else outgoing.query
    target = endpoint.base + path.encode("ascii")
    return target + b"?" + query if query else target
