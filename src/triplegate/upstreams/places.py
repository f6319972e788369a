"""The bounded set of connections to one origin: last in first out, a bounded queue for whoever finds none."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.policy import Dispatch
from triplegate.upstreams import failures
from triplegate.upstreams.connect import connect
from triplegate.upstreams.deadlines import Deadlines
from triplegate.upstreams.http1 import Connection
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.resolve import Resolver, literal
from triplegate.upstreams.tls import Trust


class PoolLimits(msgspec.Struct, frozen=True, gc=False):
    """Bounds of a pool; read from `dispatch.tuned["pool"]` at each use, these are the defaults."""

    connections: int = 256
    """Connections open at once."""
    waiting: int = 1024
    """Requests that may wait for one."""
    wait: float = 1.0
    """Seconds a request waits for one."""
    idle: float = 30.0
    """Seconds an unused connection is kept; less when the upstream says so (`Keep-Alive: timeout`)."""
    requests: int | None = None
    """Requests after which a connection ends."""
    age: float | None = None
    """Seconds after which it takes no more requests."""


_DEFAULTS = PoolLimits()


class Counters(msgspec.Struct, frozen=True, gc=False):
    """How a pool stands."""

    open: int
    idle: int
    waiting: int
    opened: int
    """Connections made so far."""
    reused: int
    """Requests that found an open one."""
    stale: int
    """Requests sent again because a kept connection turned out to be closed."""


class Places:
    """Opens, hands out, keeps and drops connections; every place is counted before it is used."""

    __slots__ = (
        "_closed",
        "_connecting",
        "_idle",
        "_open",
        "_resolver",
        "_sni",
        "_spread",
        "_tls",
        "_trust",
        "_waiting",
        "deadlines",
        "failing",
        "limits",
        "name",
        "now",
        "opened",
        "origin",
        "reused",
        "stale",
    )

    def __init__(
        self,
        origin: Origin,
        *,
        tls: ssl.SSLContext | None,
        sni: str | None,
        trust: Trust | None,
        resolver: Resolver | None,
        now: Callable[[], float],
    ) -> None:
        if (origin.scheme == "https") != (tls is not None or trust is not None):
            raise ValueError("an https origin needs a TLS context, an http origin has none")
        self.origin, self.name = origin, str(origin)
        self.now = now
        self._tls, self._sni, self._trust = tls, sni, trust
        self._resolver = resolver if resolver is not None else Resolver(now=now)
        self._spread = 1
        """Addresses that calls are spread over, as of the last look."""
        self._open: set[Connection] = set()
        self._connecting = 0
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False
        self.limits = _DEFAULTS
        """As of the last use: what a released connection and a freed place are measured by."""
        self.deadlines = Deadlines(lambda: self._open, now)
        self.opened = self.reused = self.stale = 0
        self.failing = ""
        """Why the last try to connect failed; empty once one succeeded."""

    def counters(self) -> Counters:
        """How it stands now."""
        return Counters(len(self._open), len(self._idle), len(self._waiting), self.opened, self.reused, self.stale)

    def reuse(self) -> Connection | None:
        """The connection used last, if one is idle: it is the least likely to be closed by now."""
        if not self._idle:
            return None
        if self._spread > 1:
            return self._reuse_in_turn()
        self.reused += 1
        return self._idle.pop()

    def _reuse_in_turn(self) -> Connection | None:
        """Of several addresses each gets a connection first; then the one that has rested longest is used."""
        if len(self._open) + self._connecting < min(self._spread, self.limits.connections):
            return None
        self.reused += 1
        return self._idle.pop(0)

    async def acquire(self, dispatch: Dispatch, total: float, *, fresh: bool = False) -> Connection:
        """A connection: idle (unless it must be fresh), new, or handed over by whoever is ready first."""
        self.limits = limits = dispatch.tuned.get("pool", _DEFAULTS)
        if self._closed:
            raise failures.unreachable(self.name, "the pool is closed")
        if fresh and self._idle and self._full():
            self._idle[0].abort()
        if not self._full():
            self._connecting += 1
            return await self._connect(dispatch, total)
        until = self.now() + limits.wait
        first = False
        while True:
            handed = await self._wait(limits, min(until, total), first=first)
            first = True  # whom a dead connection was handed to has waited longest
            if handed is None:
                return await self._connect(dispatch, total)
            if fresh:
                self._connecting += 1
                handed.abort()
                return await self._connect(dispatch, total)
            if not handed.gone:
                self.reused += 1
                return handed

    def _full(self) -> bool:
        return len(self._open) + self._connecting >= self.limits.connections

    async def _connect(self, dispatch: Dispatch, total: float) -> Connection:
        """A new connection in the place that `_connecting` keeps for it."""
        loop = asyncio.get_running_loop()
        try:
            tls = self._tls if self._trust is None else self._trust.usable()
            connection = await connect(
                self.origin,
                self._resolver,
                lambda: Connection(self, loop),
                tls=tls,
                sni=self._sni,
                san=() if self._trust is None else self._trust.settings.san,
                timeout=min(dispatch.connect, total - self.now()),
                load=self._load,
            )
        except Refusal as refusal:
            self.failing = refusal.reason
            self._connecting -= 1
            self._let_in()
            raise
        except BaseException:
            self._connecting -= 1
            self._let_in()
            raise
        self._connecting -= 1
        self._open.add(connection)
        connection.born, connection.tls = self.now(), tls
        peer = None if connection.transport is None else connection.transport.get_extra_info("peername")
        connection.address = str(peer[0]) if peer else ""
        self._spread = self._resolver.spread(self.origin.host, self.origin.port)
        self.opened += 1
        self.failing = ""
        if self._closed or connection.gone:
            self.forget(connection)
            connection.abort()
            raise failures.reset(self.name, "closed right after connecting")
        return connection

    def _load(self, address: str) -> int:
        return sum(1 for connection in self._open if connection.address == address)

    async def _wait(self, limits: PoolLimits, until: float, *, first: bool) -> Connection | None:
        """Queue, bounded in length and time. None: there is room to connect. Raises Refusal upstream_busy."""
        if len(self._waiting) >= limits.waiting and not first:
            raise failures.busy(self.name, f"{limits.waiting} requests wait already")
        loop = asyncio.get_running_loop()
        ticket: asyncio.Future[Connection | None] = loop.create_future()
        if first:
            self._waiting.appendleft(ticket)
        else:
            self._waiting.append(ticket)
        seconds = max(0.0, until - self.now())
        timer = loop.call_later(
            seconds, _give_up, ticket, failures.busy(self.name, f"no connection in {seconds:.3g} s")
        )
        try:
            return await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled() and ticket.exception() is None:
                self._pass_on(ticket.result())
            raise
        finally:
            timer.cancel()
            if ticket in self._waiting:
                self._waiting.remove(ticket)

    def _pass_on(self, connection: Connection | None) -> None:
        """It was handed to someone who left in the same moment."""
        if connection is None:
            self._connecting -= 1
            self._let_in()
        elif not connection.gone:
            self.release(connection)

    def _let_in(self) -> None:
        """There may be room: whoever has waited longest has it kept and connects."""
        while self._waiting and not self._full():
            ticket = self._waiting.popleft()
            if not ticket.done():
                self._connecting += 1
                ticket.set_result(None)

    def release(self, connection: Connection) -> None:
        """It can serve another request: hand it over, or keep it."""
        if self._closed or connection.leaving or self._is_over(connection):
            connection.abort()
            return
        connection.kept = True
        while self._waiting:
            ticket = self._waiting.popleft()
            if not ticket.done():
                ticket.set_result(connection)
                return
        keep = self.limits.idle
        if connection.hint is not None:
            keep = min(keep, connection.hint - 1.0)
        if keep <= 0:
            connection.abort()
            return
        self._idle.append(connection)
        connection.arm(keep, "idle")

    def _is_over(self, connection: Connection) -> bool:
        limits = self.limits
        if limits.requests is not None and connection.served >= limits.requests:
            return True
        return limits.age is not None and self.now() - connection.born >= limits.age

    @property
    def named(self) -> bool:
        """Whether its host is a name that can lead elsewhere."""
        return literal(self.origin.host, self.origin.port) is None

    async def look_up(self) -> None:
        """Ask for the addresses again: connections to one that is gone end as soon as they rest."""
        named = await self._resolver.renew(self.origin.host, self.origin.port)
        if named:
            self._spread = self._resolver.spread(self.origin.host, self.origin.port)
            self._leave(lambda connection: connection.address not in named)

    def renew(self) -> None:
        """Connections made before the certificate files changed take no more requests."""
        trust = self._trust
        if trust is not None:
            self._leave(lambda connection: connection.tls is not trust.context)

    def _leave(self, over: Callable[[Connection], bool]) -> None:
        """Connections that take no more requests: idle ones end now, the others when their answer is complete."""
        for connection in list(self._open):
            if over(connection):
                connection.leaving = True
                if connection in self._idle:
                    connection.abort()

    def forget(self, connection: Connection) -> None:
        """It is gone, or about to be: its place is free."""
        if connection in self._open:
            self._open.discard(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._let_in()

    def retire(self) -> None:
        """Keep nothing any more: idle connections close now, the others when their reply is complete."""
        self._closed = True
        for connection in self._idle[:]:
            connection.abort()

    def close(self) -> None:
        """Abort everything; whoever waits is refused. Sockets are gone after the loop's next turn."""
        self._closed = True
        while self._waiting:
            _give_up(self._waiting.popleft(), failures.unreachable(self.name, "the pool is closed"))
        for connection in list(self._open):
            connection.fail(failures.reset(self.name, "the gateway closed the pool"))
        self.deadlines.stop()


def _give_up(ticket: "asyncio.Future[Connection | None]", refusal: Refusal) -> None:
    if not ticket.done():
        ticket.set_exception(refusal)
