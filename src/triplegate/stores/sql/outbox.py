"""Messages to the outside, durable and once: kept by what they are about, tried until they are taken or given up."""

from typing import Any

import msgspec
import sqlalchemy as sa

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import outbox

KEPT = 30 * 86_400.0
"""Seconds that messages stay which were sent or given up."""
CLAIMED = 60.0
"""Seconds that whoever sends one has for it."""


class Message(msgspec.Struct, frozen=True):
    """One of them."""

    message_id: str
    kind: str
    body: str
    created: float
    tries: int
    failure: str = ""


class SqlOutbox:
    """Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, message_id: str, kind: str, body: str, now: float) -> bool:
        """Keep a message to be sent; False when there is or was one of that id."""
        row = {"message_id": message_id, "kind": kind, "body": body, "created": now, "due": now}
        added = self._database.insert(outbox).values(**row, tries=0, state="waiting", failure="")
        async with self._database.writing() as connection:
            done = await connection.execute(added.on_conflict_do_nothing().returning(outbox.c.message_id))
            return done.scalar() is not None

    async def known(self, ids: list[str]) -> set[str]:
        """Those that are or were there."""
        async with self._database.reading() as connection:
            found = await connection.execute(sa.select(outbox.c.message_id).where(outbox.c.message_id.in_(ids)))
            return set(found.scalars())

    async def claim(self, now: float, most: int = 20) -> list[Message]:
        """Messages that are due, for the caller alone: nobody else gets them for a minute."""
        due = sa.select(outbox.c.message_id).where(outbox.c.state == "waiting", outbox.c.due <= now)
        due = due.order_by(outbox.c.due).limit(most)
        async with self._database.writing() as connection:
            if not self._database.is_sqlite:
                due = due.with_for_update(skip_locked=True)
            ids = list((await connection.execute(due)).scalars())
            if not ids:
                return []
            mine = sa.update(outbox).where(outbox.c.message_id.in_(ids)).values(due=now + CLAIMED)
            return [_message(row) for row in await connection.execute(mine.returning(outbox))]

    async def sent(self, message_id: str) -> None:
        """It was taken."""
        await self._change(message_id, state="sent", failure="")

    async def failed(self, message_id: str, failure: str, again: float | None) -> None:
        """It was not; `again`: when to try it next, None: never."""
        tries = {"tries": outbox.c.tries + 1, "failure": failure[:500]}
        if again is None:
            await self._change(message_id, state="dead", **tries)
        else:
            await self._change(message_id, due=again, **tries)

    async def troubled(self) -> list[Message]:
        """Up to 20 that failed and are not sent: those given up, and those that will be tried again."""
        wanted = sa.select(outbox).where(outbox.c.state.in_(("dead", "waiting")), outbox.c.tries > 0)
        async with self._database.reading() as connection:
            return [_message(row) for row in await connection.execute(wanted.order_by(outbox.c.created).limit(20))]

    async def clean(self, now: float) -> None:
        """Forget what is over for long."""
        old = sa.delete(outbox).where(outbox.c.state != "waiting", outbox.c.created < now - KEPT)
        async with self._database.writing() as connection:
            await connection.execute(old)

    async def _change(self, message_id: str, **values: Any) -> None:
        async with self._database.writing() as connection:
            await connection.execute(sa.update(outbox).where(outbox.c.message_id == message_id).values(**values))


def _message(row: Any) -> Message:
    return Message(row.message_id, row.kind, row.body, row.created, row.tries, row.failure)
