"""New rows of the ledger into SQLite by the driver's own loop: a fifth of what a statement for every value costs."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.record import AttemptRecord, Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.rows import ATTEMPT_FIELDS, RECORD_FIELDS
from triplegate.stores.sql.tables import attempts, records

_KEY = ("exchange", "part")


class NotPlain(Exception):
    """Some row is there already, or holds a value that needs care: nothing of the batch may stay."""


def _texts(table: sa.Table, names: Sequence[str]) -> tuple[str, ...]:
    return tuple([name for name in names if isinstance(table.c[name].type, sa.Text)])


def _statement(table: sa.Table, names: Sequence[str]) -> str:
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608


_RECORDS = _statement(records, (*RECORD_FIELDS, *CLASSES))
_ATTEMPTS = _statement(attempts, (*_KEY, *ATTEMPT_FIELDS, *CLASSES))
_record_values, _record_texts = attrgetter(*RECORD_FIELDS), attrgetter(*_texts(records, RECORD_FIELDS))
_attempt_values, _attempt_texts = attrgetter(*ATTEMPT_FIELDS), attrgetter(*_texts(attempts, ATTEMPT_FIELDS))


async def insert_new(connection: AsyncConnection, batch: Sequence[Record]) -> None:
    """Insert records with their attempts, all of which are new. Raises NotPlain, and the transaction must be undone."""
    await _insert(connection, _RECORDS, [(*_record_values(one), *_plain(one, _record_texts)) for one in batch])
    tries = [
        (one.exchange, one.part, *_attempt_values(attempt), *_plain(attempt, _attempt_texts))
        for one in batch
        for attempt in one.attempts
    ]
    if tries:
        await _insert(connection, _ATTEMPTS, tries)


async def _insert(connection: AsyncConnection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    try:
        result = await connection.exec_driver_sql(statement, rows)
    except OverflowError:
        raise NotPlain from None
    if result.rowcount != len(rows):
        raise NotPlain


def _plain(row: Record | AttemptRecord, texts: "attrgetter[Iterable[str]]") -> tuple[int, ...]:
    """The counts of the token classes, where nothing in the row needs care."""
    if len(row.tokens) != len(CLASSES) or "\0" in "".join(texts(row)):
        raise NotPlain
    return row.tokens
