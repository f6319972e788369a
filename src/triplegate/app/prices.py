"""Write down what prices are in force, whenever the configuration says others; nobody waits for it."""

import asyncio
from typing import TYPE_CHECKING

from triplegate.core.clock import Clock
from triplegate.gateway import Gateway, Snapshot

if TYPE_CHECKING:
    from triplegate.stores.sql.engine import Database

AGAIN = 5.0
"""Seconds until it is tried again where the database is away."""


class PriceNotes:
    """Follows the snapshots of a gateway."""

    def __init__(self, gateway: Gateway, database: "Database", clock: Clock) -> None:
        self._gateway, self._database, self._clock = gateway, database, clock
        self._news = asyncio.Event()
        self.noted = ""
        """The snapshot whose prices are all written down."""
        gateway.on_swap.append(lambda _: self._news.set())

    async def run(self) -> None:
        """Note every snapshot's prices, for ever."""
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            snapshot = self._gateway.snapshot
            if snapshot is not None and snapshot.hash != self.noted and not await self._note(snapshot):
                await asyncio.sleep(AGAIN)
                self._news.set()

    async def _note(self, snapshot: Snapshot) -> bool:
        from triplegate.control.reports.price_versions import price_versions
        from triplegate.stores.sql.errors import DatabaseUnavailable
        from triplegate.stores.sql.prices import SqlPrices

        versions = await asyncio.to_thread(price_versions, snapshot.documents)
        try:
            await SqlPrices(self._database).note(versions, self._clock.wall())
        except DatabaseUnavailable:
            return False
        self.noted = snapshot.hash
        return True
