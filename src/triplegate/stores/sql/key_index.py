"""All keys in memory: a look-up, known or unknown, never asks the database."""

import asyncio
from collections.abc import Callable, Sequence

from triplegate.core.clock import Clock
from triplegate.core.identity import KeyRecord
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.keys import SqlKeyStore

POLL_SECONDS = 2.0
"""A key revoked on another worker is refused here within this time and a query."""


class KeyIndex:
    """The port `Keys`, over a store that other workers change too; it also passes changes on to the store."""

    def __init__(self, store: SqlKeyStore, clock: Clock) -> None:
        self.failure = ""
        """Why the last look at the database failed; keys stay as they were then."""
        self.seen = 0.0
        """Monotonic seconds of the last successful look."""
        self.on_news: list[Callable[[], None]] = []
        """Called after keys were made, revoked or changed, here or elsewhere."""
        self._store, self._clock = store, clock
        self._number = -1
        self._known: dict[str, KeyRecord] = {}
        self.find = self._known.get
        """The record of a key id, revoked and expired ones included; None for an unknown one."""

    def __len__(self) -> int:
        return len(self._known)

    def budgeted(self) -> list[KeyRecord]:
        """Keys that have budgets of their own and may still be used."""
        return [one for one in self._known.values() if one.budget and one.revoked is None]

    async def refresh(self) -> bool:
        """Take over what changed; whether anything did. Raises DatabaseUnavailable."""
        number, changed = await self._store.changed(max(self._number, 0))
        if number < self._number:
            self._known.clear()
        self._known.update({record.key_id: record for record in changed})
        news = number != self._number
        self._number = number
        self.seen = self._clock.now()
        self.failure = ""
        if news:
            for told in self.on_news:
                told()
        return news

    async def follow(self, every: float = POLL_SECONDS) -> None:
        """Refresh for ever; while the database is away the keys known are the keys."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh()
            except DatabaseUnavailable as error:
                self.failure = str(error)

    async def create(self, record: KeyRecord) -> None:
        """Keep a new key; this worker knows it at once. Raises ValueError, DatabaseUnavailable."""
        await self._store.create(record)
        await self.refresh()

    async def list(self, team: str | None = None) -> Sequence[KeyRecord]:
        """All keys, or those of one team. Raises DatabaseUnavailable."""
        return await self._store.list(team)

    async def revoke(self, key_id: str, at: float) -> bool:
        """Revoke; this worker refuses it at once. Raises DatabaseUnavailable."""
        done = await self._store.revoke(key_id, at)
        await self.refresh()
        return done
