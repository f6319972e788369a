"""Tools of one worker: their pins as admins see them, and decisions that every worker and node hears of."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from triplegate.app.node import Crew
from triplegate.app.tool_views import call_views, gate_of, server_views, session_views, tool_views
from triplegate.control.tools.house import (
    CallView,
    Comparison,
    PinView,
    ServerView,
    SessionView,
    ToolView,
    before,
    pin_views,
)
from triplegate.core.exchange import Exchange
from triplegate.core.pins import Pin, Standing
from triplegate.gates.mcp.pins import PinBook
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.gateway import Gateway
from triplegate.wire.mcp_definition import changes

if TYPE_CHECKING:
    from triplegate.control.view import AdminToken
    from triplegate.stores.sql.store import SqlStore

TOPIC = "mcp:pins"
"""Where it is said that a decision was taken; what it is stands in the database."""

WAIT = 2.0
"""Seconds that a question waits for servers that were not asked lately."""


class Tools:
    """The control plane's `ToolHouse`."""

    def __init__(
        self,
        gateway: Gateway,
        store: "SqlStore[AdminToken]",
        crew: Crew,
        live: Callable[[], Iterable[Exchange]],
    ) -> None:
        from triplegate.stores.sql.audit import SqlAuditLog

        self._gateway, self._store, self._crew, self._live = gateway, store, crew, live
        self._audit = SqlAuditLog(store.database, gateway.kit.pepper, gateway.kit.clock)
        self._news = gateway.kit.broadcast.listen(TOPIC)

    def servers(self) -> list[ServerView]:
        """The servers of the configuration in force."""
        return server_views(self._gateway.snapshot)

    def tools(self) -> list[ToolView]:
        """What they listed last."""
        return tool_views(self._gateway.snapshot)

    def under_way(self) -> list[CallView]:
        """Calls under way in this worker."""
        return call_views(self._live(), self._gateway.kit.clock.now())

    def sessions(self) -> list[SessionView]:
        """Sessions that this worker knows."""
        snapshot, kit = self._gateway.snapshot, self._gateway.kit
        base = "" if snapshot is None else snapshot.documents.mcp.path
        return session_views(kit.states.every(SessionLog), base, kit.clock.wall())

    async def pins(self) -> list[PinView]:
        """All definitions that were seen; servers whose list is not fresh are asked for it, for a moment."""
        gate = gate_of(self._gateway.snapshot)
        if gate is not None:
            watched = [server for server in gate.servers.values() if server.pins is not None]
            kinds = dict.fromkeys(kind for server in watched for kind in (server.pins.kinds if server.pins else ()))
            await gate.catalog.load(watched, kinds, patient=False, wait=WAIT)
        return pin_views(self._store.pins.all(), self._current())

    def _current(self) -> set[tuple[str, str, str]]:
        return set().union(*[book.current() for book in self._gateway.kit.states.every(PinBook)])

    async def compared(self, server: str, tool: str, fingerprint: str) -> Comparison:
        """One beside the one approved before it. Raises LookupError, DatabaseUnavailable."""
        pin, siblings = self._found(server, tool, fingerprint)
        texts = await self._store.pins.texts(server, tool)
        old = before(pin, siblings)
        differences = changes(texts.get(old.fingerprint, "") if old else "", texts.get(fingerprint, ""))
        return Comparison(self._view(pin, siblings), old.fingerprint if old else "", differences)

    async def decide(self, server: str, tool: str, fingerprint: str, standing: Standing, actor: str) -> PinView:
        """Noted first, in force in all workers of this node when the answer is out."""
        self._found(server, tool, fingerprint)
        await self._audit.append(actor, f"mcp.pin.{standing}", f"{server}/{tool}", fingerprint)
        if not await self._store.pins.decide(server, tool, fingerprint, standing, actor):
            raise LookupError(tool)
        await self._crew.order("pins")
        await self._gateway.kit.broadcast.publish(TOPIC, b"")
        return self._view(*self._found(server, tool, fingerprint))

    async def follow(self) -> None:
        """Take over what other nodes decided, as soon as they say so; for ever."""
        from triplegate.stores.sql.errors import DatabaseUnavailable

        async for _ in self._news:
            with suppress(DatabaseUnavailable):  # the store looks by itself, too
                await self._store.pins.refresh()

    def _found(self, server: str, tool: str, fingerprint: str) -> tuple[Pin, list[Pin]]:
        siblings = [one for one in self._store.pins.all() if (one.server, one.tool) == (server, tool)]
        for pin in siblings:
            if pin.fingerprint == fingerprint:
                return pin, siblings
        raise LookupError(tool)

    def _view(self, pin: Pin, siblings: list[Pin]) -> PinView:
        views = pin_views(siblings, self._current())
        return next(one for one in views if one.fingerprint == pin.fingerprint)
