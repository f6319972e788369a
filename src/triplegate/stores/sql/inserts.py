"""New rows of the ledger into SQLite by the driver's own loop: a fifth of what a statement for every value costs."""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.record import AttemptRecord, Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.placing import PLACED, apart_of, place_of
from triplegate.stores.sql.rows import ATTEMPT_FIELDS, BIGGEST, LONGEST, RECORD_FIELDS
from triplegate.stores.sql.tables import attempts, records

_KEY = ("exchange", "part")
_LONGEST = 4 * LONGEST
"""Letters of all texts of a row; where there are more, the long way looks at each."""


class NotPlain(Exception):
    """Some row is there already, or holds a value that needs care: nothing of the batch may stay."""


def _texts(table: sa.Table, names: Sequence[str]) -> tuple[str, ...]:
    return tuple([name for name in names if isinstance(table.c[name].type, sa.Text)])


def _statement(table: sa.Table, names: Sequence[str]) -> str:
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608


_RECORDS = _statement(records, (*RECORD_FIELDS, *CLASSES, *PLACED))
_ATTEMPTS = _statement(attempts, (*_KEY, *ATTEMPT_FIELDS, *CLASSES, "apart"))
_record_values, _record_texts = (
    attrgetter(*RECORD_FIELDS),
    attrgetter(*_texts(records, (*RECORD_FIELDS, "provider", "target"))),
)
_attempt_values, _attempt_texts = attrgetter(*ATTEMPT_FIELDS), attrgetter(*_texts(attempts, ATTEMPT_FIELDS))


async def insert_new(connection: AsyncConnection, batch: Sequence[Record]) -> Sequence[Record]:
    """Insert records with their attempts, all of which are new: these. Raises NotPlain, and the transaction must be
    undone.
    """
    rows = [(*_record_values(one), *_plain(one, _record_texts), *place_of(one)) for one in batch]
    await _insert(connection, _RECORDS, rows)
    tries = [row for one in batch if one.attempts for row in _tries(one)]
    if tries:
        await _insert(connection, _ATTEMPTS, tries)
    return batch


def _tries(record: Record) -> Iterator[tuple[Any, ...]]:
    apart = apart_of(record)
    for one in record.attempts:
        values, counts = _attempt_values(one), _plain(one, _attempt_texts)
        yield (record.exchange, record.part, *values, *counts, int(one in apart))


async def _insert(connection: AsyncConnection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    try:
        result = await connection.exec_driver_sql(statement, rows)
    except OverflowError:
        raise NotPlain from None
    if result.rowcount != len(rows):
        raise NotPlain


def _plain(row: Record | AttemptRecord, texts: "attrgetter[Iterable[str]]") -> tuple[int, ...]:
    """The counts of the token classes, where nothing in the row needs care."""
    text = "".join(texts(row))
    if len(row.tokens) != len(CLASSES) or max(*row.tokens, row.cost) > BIGGEST or "\0" in text or len(text) > _LONGEST:
        raise NotPlain
    return row.tokens
