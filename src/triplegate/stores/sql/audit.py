"""What was done to the gateway and by whom: a chain in which every change of the past shows."""

import hashlib
import hmac
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.clock import Clock
from triplegate.stores.sql.changes import raise_number
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import audit

_START = bytes(32)
_PAGE = 1_000


class Checkpoint(msgspec.Struct, frozen=True):
    """The chain's end at some moment; kept elsewhere it shows when the tail was cut."""

    number: int
    digest: bytes


class Verdict(msgspec.Struct, frozen=True):
    """`broken` is the number of the first entry that does not fit, None when all do."""

    entries: int
    broken: int | None
    reason: str = ""


class SqlAuditLog:
    """Append-only: digest = HMAC-SHA256(key, previous digest ‖ entry), numbers without gaps (reliability S-5)."""

    def __init__(self, database: Database, key: bytes, clock: Clock) -> None:
        self._database, self._key, self._clock = database, key, clock

    async def append(self, actor: str, action: str, subject: str, detail: str = "") -> Checkpoint:
        """Add an entry. Raises DatabaseUnavailable: what cannot be noted should not be done."""
        async with self._database.writing() as connection:
            number = await raise_number(self._database, connection, "audit")
            last = await _last(connection)
            row: dict[str, Any] = {
                "number": number,
                "at": self._clock.wall(),
                "actor": actor,
                "action": action,
                "subject": subject,
                "detail": detail,
                "previous": last.digest if last is not None else _START,
            }
            row["digest"] = self._digest(row)
            await connection.execute(sa.insert(audit).values(**row))
            return Checkpoint(number, row["digest"])

    async def verify(self, checkpoint: Checkpoint | None = None) -> Verdict:
        """Read the whole chain; with a checkpoint, also that it still reaches there unchanged."""
        previous, number = _START, 0
        async with self._database.reading() as connection:
            while page := await _page(connection, number):
                for row in page:
                    if (reason := self._fault(row, number + 1, previous)) or _differs(row, checkpoint):
                        return Verdict(number, number + 1, reason or "not what the checkpoint says")
                    previous, number = row.digest, row.number
        if checkpoint is not None and number < checkpoint.number:
            return Verdict(number, number + 1, "the tail is missing")
        return Verdict(number, None)

    def _fault(self, row: Any, expected: int, previous: bytes) -> str:
        if row.number != expected:
            return "an entry is missing"
        if row.previous != previous:
            return "does not follow the one before"
        right = self._digest(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
        return "" if hmac.compare_digest(row.digest, right) else "was altered"

    def _digest(self, row: Any) -> bytes:
        names = ("number", "at", "actor", "action", "subject", "detail")
        entry = msgspec.msgpack.encode([row[name] for name in names])
        return hmac.digest(self._key, row["previous"] + entry, hashlib.sha256)


def _differs(row: Any, checkpoint: Checkpoint | None) -> bool:
    return checkpoint is not None and row.number == checkpoint.number and row.digest != checkpoint.digest


async def _last(connection: AsyncConnection) -> Any:
    return (await connection.execute(sa.select(audit).order_by(audit.c.number.desc()).limit(1))).first()


async def _page(connection: AsyncConnection, after: int) -> Any:
    found = sa.select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(_PAGE)
    return (await connection.execute(found)).all()
