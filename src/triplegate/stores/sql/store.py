"""Everything that is durable, in one database: ledger, keys, tokens; opened once, tables brought up to date."""

import asyncio
from typing import Generic, TypeVar

import msgspec

from triplegate.core.clock import Clock
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.key_index import KeyIndex
from triplegate.stores.sql.keys import SqlKeyStore
from triplegate.stores.sql.ledger import SqlLedger
from triplegate.stores.sql.migrate import migrate
from triplegate.stores.sql.pins import SqlPins
from triplegate.stores.sql.raises import SqlRaises
from triplegate.stores.sql.tokens import SqlTokenStore

T = TypeVar("T", bound=msgspec.Struct)


class SqlStore(Generic[T]):
    """The stores of a worker on SQLite or PostgreSQL; `token_kind` is the control plane's struct of a token."""

    def __init__(self, url: str, clock: Clock, token_kind: type[T]) -> None:
        self.database = Database(url)
        self.ledger = SqlLedger(self.database)
        self.index = KeyIndex(SqlKeyStore(self.database), clock)
        self.raises = SqlRaises(self.database, clock)
        self.pins = SqlPins(self.database, clock)
        self.tokens: SqlTokenStore[T] = SqlTokenStore(self.database, token_kind)
        self.failure = ""
        """Why it could not be opened, when it was not required; `follow` goes on trying."""
        self._opened = False

    async def open(self, within: float = 10.0, *, required: bool = True) -> None:
        """Bring the tables up to date and read all keys, retrying for `within` seconds.

        Raises DatabaseUnavailable or DatabaseMismatch when that fails and it is `required`.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            try:
                await self._open()
            except DatabaseUnavailable as error:
                self.failure = str(error)
                if not required:
                    return
                if loop.time() >= end:
                    raise
                await asyncio.sleep(0.25)
                continue
            return

    async def _open(self) -> None:
        await migrate(self.database)
        await self.index.refresh()
        await self.raises.refresh()
        await self.pins.refresh()
        self._opened, self.failure = True, ""

    async def follow(self) -> None:
        """Keep up with keys that other workers change, for ever."""
        while not self._opened:
            await asyncio.sleep(1.0)
            try:
                await self._open()
            except DatabaseUnavailable as error:
                self.failure = str(error)
        await self.index.follow()

    async def close(self) -> None:
        """Close every connection."""
        await self.database.close()
