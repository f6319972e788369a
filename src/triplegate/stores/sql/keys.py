"""Keys of consumers, durable: digests, never keys."""

import builtins
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from triplegate.core.identity import KeyRecord
from triplegate.stores.sql.changes import raise_number, read_number
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import keys

_SUBJECT = "keys"


class SqlKeyStore:
    """Every change raises a number, so that whoever polls it sees what changed since. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, record: KeyRecord) -> None:
        """Keep a new key. Raises ValueError when the id is taken."""
        async with self._database.writing() as connection:
            number = await raise_number(self._database, connection, _SUBJECT)
            row = msgspec.structs.asdict(record)
            row.update(roles=names_text(record.roles), scopes=names_text(record.scopes), changed=number)
            added = self._database.insert(keys).values(**row).on_conflict_do_nothing().returning(keys.c.key_id)
            if (await connection.execute(added)).scalar() is None:
                raise ValueError(f"a key {record.key_id} exists already")

    async def list(self, team: str | None = None) -> list[KeyRecord]:
        """All keys, or those of one team, oldest first; revoked ones included."""
        wanted = sa.select(keys).order_by(keys.c.created, keys.c.key_id)
        if team is not None:
            wanted = wanted.where(keys.c.team == team)
        async with self._database.reading() as connection:
            return [_record(row) for row in await connection.execute(wanted)]

    async def revoke(self, key_id: str, at: float) -> bool:
        """Revoke at Unix time `at`; False when unknown or revoked already."""
        async with self._database.writing() as connection:
            number = await raise_number(self._database, connection, _SUBJECT)
            living = sa.update(keys).where(keys.c.key_id == key_id, keys.c.revoked.is_(None))
            done = await connection.execute(living.values(revoked=at, changed=number))
            return bool(done.rowcount)

    async def changed(self, since: int) -> tuple[int, builtins.list[KeyRecord]]:
        """The number that holds now, and the keys that changed after number `since`; cheap when none did."""
        async with self._database.reading() as connection:
            number = await read_number(connection, _SUBJECT)
            if number == since:
                return number, []
            # A number below ours means another database (restored, replaced): all of it is news.
            begin = since if number > since else 0
            found = (await connection.execute(sa.select(keys).where(keys.c.changed > begin))).all()
            # What was committed between the two queries is in the second one, and is not to be missed or counted off.
            return max([number, *[row.changed for row in found]]), [_record(row) for row in found]


def names_text(names: Iterable[str]) -> str:
    """A set of names as one column: a sorted JSON array."""
    return msgspec.json.encode(sorted(names)).decode()


def names_of(text: str) -> frozenset[str]:
    """The set behind `names_text`."""
    return frozenset(msgspec.json.decode(text, type=list[str]))


def _record(row: Any) -> KeyRecord:
    return KeyRecord(
        key_id=row.key_id,
        digest=row.digest,
        org=row.org,
        team=row.team,
        consumer=row.consumer,
        plan=row.plan,
        roles=names_of(row.roles),
        scopes=names_of(row.scopes),
        name=row.name,
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        budget=row.budget,
    )
