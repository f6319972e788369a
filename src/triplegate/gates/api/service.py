"""A service as it is called: its endpoints with their pools, and the times its calls are given."""

from collections.abc import Awaitable

from triplegate.config.documents_api import ServiceDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.fold import Chain, tuned
from triplegate.core.http import Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.gates.api.affinity import affinity
from triplegate.upstreams.breaker import Breaker
from triplegate.upstreams.endpoint import Endpoint, Roster, Standing, Use
from triplegate.upstreams.group import Group
from triplegate.upstreams.health import Asked
from triplegate.upstreams.hedge import Hedging
from triplegate.upstreams.reach import reach
from triplegate.upstreams.retries import Spares
from triplegate.upstreams.sharing import Sharing


class Service:
    """What `Target.wiring` is at the api gate."""

    __slots__ = (
        "_affinity",
        "_base",
        "_breaker",
        "_clock",
        "_host",
        "_only",
        "_sharing",
        "_tuned",
        "_tunes",
        "group",
        "name",
        "spares",
        "supervisor",
        "websocket",
    )

    def __init__(self, name: str, document: ServiceDocument, kit: Kit) -> None:
        self.name = name
        self._clock = kit.clock
        self._base, self.group = _reached(name, document, kit)
        self._only = _alone(self.group)
        self._affinity = affinity(document.hash) if document.hash is not None else None
        self._breaker = kit.state(Breaker, f"service:{name}", Breaker)
        self.spares = _spares(name, kit)
        self.websocket = document.websocket
        self.supervisor = kit.supervisor
        self._sharing = Sharing.kept(kit)
        self._host = document.host
        self._tunes = tuple(policy for policy in document.policies if policy.form == "tune")
        self._tuned: dict[Chain, Dispatch] = {}

    def dispatch(self, chain: Chain) -> Dispatch:
        """The service's own times, with what the chain's policies say on top; made once per chain."""
        found = self._tuned.get(chain)
        if found is None:
            found = self._tuned[chain] = tuned(self._base, chain, self._tunes)
            if found.breaker is not None and found.breaker.shared:
                self._sharing.join(f"service:{self.name}", self._breaker)
        return found

    @property
    def chooses(self) -> bool:
        """Whether its endpoints are chosen from or watched, and so counted."""
        return self._only is None

    @property
    def asked(self) -> Asked | None:
        """How the health of an endpoint is asked for; None: by HTTP."""
        return None

    # for whoever sends an attempt, over whatever protocol --------------------------------------------------------
    def begin(self, exchange: Exchange, attempt: Attempt, chain: Chain) -> Endpoint:
        """The endpoint for this attempt: one that the call has not tried yet, where there is one.

        The attempt counts as under way there until it is reported as failed, `attempt.use.end()` is called, or the
        exchange closes, whichever is first. Raises Refusal upstream_open.
        """
        return self._begin(exchange, attempt, self.dispatch(chain))

    def _begin(self, exchange: Exchange, attempt: Attempt, dispatch: Dispatch) -> Endpoint:
        if dispatch.breaker is not None:
            self._breaker.check(self._clock.now(), dispatch.breaker, self.name)
        if self._only is not None:
            return self._only
        key = None if self._affinity is None else self._affinity(exchange)
        tried = _tried(exchange, attempt) if attempt.n > 1 else ()
        use = attempt.use = Use(self.group.pick(self._clock.now(), key, tried), self.group.roster)
        exchange.closers.append(use.closed)
        return use.endpoint

    def report(self, attempt: Attempt, chain: Chain) -> None:
        """Let breaker and endpoint know how an attempt went."""
        rules = self.dispatch(chain).breaker
        if rules is not None:
            self._breaker.note(attempt, self._clock.now(), rules)
        if attempt.use is not None:
            self.group.note(attempt, self._clock.now())
            if attempt.error_class:
                attempt.use.end()

    def host_for(self, endpoint: Endpoint, exchange: Exchange, attempt: Attempt | None = None) -> bytes:
        """The Host we send: a rewritten one, the client's, the endpoint's or a fixed one."""
        outgoing = exchange.outgoing if attempt is None else attempt.outgoing or exchange.outgoing
        if outgoing is not None and outgoing.host is not None:
            return outgoing.host
        if self._host == "upstream":
            return endpoint.origin.authority
        if self._host == "keep":
            return exchange.inbound.authority
        return self._host.encode("ascii")

    # HTTP --------------------------------------------------------------------------------------------------------
    def send(self, exchange: Exchange, headers: Headers, chain: Chain, attempt: Attempt) -> Awaitable[Reply]:
        """One try at one endpoint. Raises Refusal upstream_open."""
        dispatch = self.dispatch(chain)
        endpoint = self._begin(exchange, attempt, dispatch)
        inbound, outgoing = exchange.inbound, exchange.outgoing
        fields = [(b"host", self.host_for(endpoint, exchange, attempt)), *headers]
        if outgoing is not None and outgoing.left is not None and exchange.deadline is not None:
            name, unit = outgoing.left
            fields.append((name, b"%.3f" % (max(0.0, exchange.deadline - self._clock.now()) / unit)))
        sent = endpoint.pool.send(
            inbound.method,
            path_at(endpoint, exchange, attempt),
            fields,
            inbound.body,
            dispatch,
            deadline=exchange.deadline,
        )
        return sent if attempt.use is None else used(attempt.use, sent)


def _reached(name: str, document: ServiceDocument, kit: Kit) -> tuple[Dispatch, Group]:
    """The times that calls are given, and the endpoints with what is known of them."""
    label = f"service:{name}"
    roster = kit.state(Roster, label, Roster)
    new, now = roster.known, kit.clock.now()
    endpoints = []
    for written in document.members:
        reached = reach(written.url, document.tls, document.connections, kit)
        standing = kit.state(Standing, f"{label}|{written.url}", lambda: Standing(now if new else 0.0))
        pool = reached.pool
        made = Endpoint(written.url, pool.origin, pool, reached.base, standing, written.weight, written.backup)
        endpoints.append(made)
    roster.known = True
    return reached.dispatch(document.waits), Group(name, endpoints, document, roster)


def _alone(group: Group) -> Endpoint | None:
    """The one endpoint that nobody watches: there is nothing to choose and nothing to count."""
    watched = group.document.health is not None or group.document.outlier is not None
    return None if watched or len(group.endpoints) > 1 else group.endpoints[0]


def _spares(name: str, kit: Kit) -> Spares:
    def make() -> Spares:
        return Spares(fallbacks=True, hedging=Hedging(kit.supervisor, kit.clock.now))

    return kit.state(Spares, f"service:{name}", make)


def _tried(exchange: Exchange, attempt: Attempt) -> list[Endpoint]:
    """Where this call has been before this attempt."""
    return [one.use.endpoint for one in exchange.attempts if one.use is not None and one is not attempt]


async def used(use: Use, sent: Awaitable[Reply]) -> Reply:
    """The reply; a try without one no longer counts at its endpoint, even when it was cancelled."""
    try:
        return await sent
    except Refusal as refusal:
        use.blameless = refusal.code == "upstream_busy"  # no connection was free: our own bound
        use.end()
        raise
    except BaseException:
        use.end()
        raise


def path_at(endpoint: Endpoint, exchange: Exchange, attempt: Attempt) -> bytes:
    """Path and query as they go out: the endpoint's base, then the client's or what policies made of it."""
    inbound = exchange.inbound
    outgoing = attempt.outgoing or exchange.outgoing
    path, query = inbound.path, inbound.query
    if outgoing is not None:
        path = path if outgoing.path is None else outgoing.path
        query = query if outgoing.query is None else outgoing.query
    target = endpoint.base + path.encode("ascii")
    return target + b"?" + query if query else target
