"""The bounded set of connections to one origin: last in first out, a bounded queue for whoever finds none."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.policy import Dispatch
from triplegate.upstreams import failures
from triplegate.upstreams.connect import Resolver, connect
from triplegate.upstreams.deadlines import Deadlines
from triplegate.upstreams.http1 import Connection
from triplegate.upstreams.origin import Origin


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
        "_tls",
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
        resolver: Resolver | None,
        now: Callable[[], float],
    ) -> None:
        if (origin.scheme == "https") != (tls is not None):
            raise ValueError("an https origin needs a TLS context, an http origin has none")
        self.origin, self.name = origin, str(origin)
        self.now = now
        self._tls, self._sni = tls, sni
        self._resolver = resolver if resolver is not None else Resolver(now=now)
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
        self.reused += 1
        return self._idle.pop()

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
        while True:
            handed = await self._wait(limits, total)
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
            connection = await connect(
                self.origin,
                self._resolver,
                lambda: Connection(self, loop),
                tls=self._tls,
                sni=self._sni,
                timeout=min(dispatch.connect, total - self.now()),
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
        self.opened += 1
        self.failing = ""
        if self._closed or connection.gone:
            self.forget(connection)
            connection.abort()
            raise failures.reset(self.name, "closed right after connecting")
        return connection

    async def _wait(self, limits: PoolLimits, total: float) -> Connection | None:
        """Queue, bounded in length and time. None: there is room to connect. Raises Refusal upstream_busy."""
        if len(self._waiting) >= limits.waiting:
            raise failures.busy(self.name, f"{limits.waiting} requests wait already")
        loop = asyncio.get_running_loop()
        ticket: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append(ticket)
        seconds = max(0.0, min(limits.wait, total - self.now()))
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
        if self._closed:
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
