"""Pinned definitions, durable; every worker has them in memory and polls a number to see that one has changed."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.clock import Clock
from triplegate.core.pins import OTHERS, Pin, Standing, kind_of
from triplegate.stores.sql.changes import raise_number, read_number
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseUnavailable
from triplegate.stores.sql.rows import fit
from triplegate.stores.sql.tables import pins

FIRST_USE = "first use"
"""Who approved what was there when a server was first seen, where that is trusted."""
_SUBJECT = "pins"
POLL_SECONDS = 2.0
MOST_OF_A_TOOL = 3
"""Definitions of one tool that wait for a decision; the oldest go. What was decided stays."""
MOST_OF_A_SERVER = 4_000
"""Definitions of one server that wait: it cannot fill the database with ever new ones."""
_COLUMNS = [pins.c[name] for name in Pin.__struct_fields__]


class SqlPins:
    """The port `core.pins.Pins`, and the decisions."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._number = -1
        self._known: dict[tuple[str, str, str], Pin] = {}
        self.loaded = False
        self.on_news: list[Callable[[], None]] = []

    def all(self) -> Sequence[Pin]:
        """All of them, in the order in which they were first seen."""
        return list(self._known.values())

    def find(self, server: str, tool: str, fingerprint: str) -> Pin | None:
        """One of them."""
        return self._known.get((server, tool, fingerprint))

    async def note(self, seen: Sequence[tuple[Pin, str]], *, trust: bool) -> bool:
        """Keep new ones of one server and kind; False while the database is away."""
        try:
            async with self._database.writing() as connection:
                await raise_number(self._database, connection, _SUBJECT)
                await self._add(connection, seen, trust=trust)
            await self.refresh()
        except DatabaseUnavailable:
            return False
        return True

    async def _add(self, connection: AsyncConnection, seen: Sequence[tuple[Pin, str]], *, trust: bool) -> None:
        now, server = self._clock.wall(), seen[0][0].server
        if trust:
            alike = _of_kind(kind_of(seen[0][0].tool))
            old = await connection.execute(sa.select(pins.c.tool).where(pins.c.server == server, alike).limit(1))
            trust = old.scalar() is None
        rows = []
        for pin, text in seen:
            row = {name: fit(value) for name, value in msgspec.structs.asdict(pin).items()}
            row |= {"first_seen": now, "definition": fit(text)}
            if trust and pin.findings == "[]":
                row |= {"standing": "approved", "actor": FIRST_USE, "decided": now}
            rows.append(row)
        await connection.execute(self._database.insert(pins).on_conflict_do_nothing(), rows)
        await _prune(connection, server)

    async def decide(self, server: str, tool: str, fingerprint: str, standing: Standing, actor: str) -> bool:
        """Approve, reject or ask anew; False for an unknown one. Raises DatabaseUnavailable."""
        this = (pins.c.server == server, pins.c.tool == tool, pins.c.fingerprint == fingerprint)
        decided = sa.update(pins).where(*this).values(standing=standing, actor=actor, decided=self._clock.wall())
        async with self._database.writing() as connection:
            await raise_number(self._database, connection, _SUBJECT)
            done = await connection.execute(decided.returning(pins.c.tool))
            found = done.scalar() is not None
        await self.refresh()
        return found

    async def texts(self, server: str, tool: str) -> dict[str, str]:
        """By fingerprint: the pinned text of each definition of a tool. Raises DatabaseUnavailable."""
        wanted = sa.select(pins.c.fingerprint, pins.c.definition).where(pins.c.server == server, pins.c.tool == tool)
        async with self._database.reading() as connection:
            return {row.fingerprint: row.definition for row in await connection.execute(wanted)}

    async def refresh(self) -> None:
        """Take over what changed. Raises DatabaseUnavailable."""
        async with self._database.reading() as connection:
            number = await read_number(connection, _SUBJECT)
            if number == self._number:
                return
            rows = await connection.execute(
                sa.select(*_COLUMNS).order_by(pins.c.first_seen, pins.c.server, pins.c.tool)
            )
            found = [Pin(*row) for row in rows]
        self._known = {(pin.server, pin.tool, pin.fingerprint): pin for pin in found}
        self._number, self.loaded = number, True
        for told in self.on_news:
            told()

    async def follow(self, every: float = POLL_SECONDS) -> None:
        """Refresh for ever; while the database is away those known are in force."""
        while True:
            with suppress(DatabaseUnavailable):
                await self.refresh()
            await asyncio.sleep(every)


def _of_kind(kind: str) -> sa.ColumnElement[bool]:
    """Whether a row is of this kind; to the letter, which LIKE is not everywhere."""

    def begins(prefix: str) -> sa.ColumnElement[bool]:
        return sa.func.substr(pins.c.tool, 1, len(prefix)) == prefix

    return begins(kind + ":") if kind != "tool" else sa.not_(sa.or_(*[begins(other + ":") for other in OTHERS]))


async def _prune(connection: AsyncConnection, server: str) -> None:
    """Let the oldest of too many that wait go."""
    waiting = sa.select(pins.c.tool, pins.c.fingerprint).where(pins.c.server == server, pins.c.standing == "new")
    newest: list[Any] = list(await connection.execute(waiting.order_by(pins.c.first_seen.desc(), pins.c.fingerprint)))
    kept: dict[str, int] = {}
    for place, row in enumerate(newest):
        kept[row.tool] = kept.get(row.tool, 0) + 1
        if kept[row.tool] > MOST_OF_A_TOOL or place >= MOST_OF_A_SERVER:
            this = (pins.c.server == server, pins.c.tool == row.tool, pins.c.fingerprint == row.fingerprint)
            await connection.execute(sa.delete(pins).where(*this, pins.c.standing == "new"))
