"""New rows of the ledger by the drivers' own ways: a fifth of what a statement for every value costs."""

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
"""Bytes of all texts of a row; where there are more, the long way looks at each."""
_TYPES = ((sa.Text, "text"), (sa.BigInteger, "bigint"), (sa.Double, "float8"), (sa.Boolean, "boolean"))


class NotPlain(Exception):
    """A row holds a value that needs care, or (of SQLite) is there already: nothing of the batch may stay."""


def _texts(table: sa.Table, names: Sequence[str]) -> tuple[str, ...]:
    return tuple([name for name in names if isinstance(table.c[name].type, sa.Text)])


def _numbers(table: sa.Table, names: Sequence[str]) -> tuple[int, ...]:
    """Which of these columns are whole numbers."""
    return tuple([place for place, name in enumerate(names) if isinstance(table.c[name].type, sa.BigInteger)])


def _statement(table: sa.Table, names: Sequence[str]) -> str:
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608


def _of_columns(table: sa.Table, names: Sequence[str], returning: str = "") -> str:
    """A statement of PostgreSQL whose parameters are whole columns."""
    types = [next(name for kind, name in _TYPES if isinstance(table.c[column].type, kind)) for column in names]
    places = ", ".join([f"${number}::{name}[]" for number, name in enumerate(types, 1)])
    taken = f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({places})"  # noqa: S608
    return f"{taken} ON CONFLICT DO NOTHING{returning}"


_RECORD_COLUMNS = (*RECORD_FIELDS, *CLASSES, *PLACED)
_ATTEMPT_COLUMNS = (*_KEY, *ATTEMPT_FIELDS, *CLASSES, "apart")
_RECORDS, _ATTEMPTS = _statement(records, _RECORD_COLUMNS), _statement(attempts, _ATTEMPT_COLUMNS)
_RECORDS_OF_COLUMNS = _of_columns(records, _RECORD_COLUMNS, f" RETURNING {', '.join(_KEY)}")
_ATTEMPTS_OF_COLUMNS = _of_columns(attempts, _ATTEMPT_COLUMNS)
_RECORD_NUMBERS, _ATTEMPT_NUMBERS = _numbers(records, _RECORD_COLUMNS), _numbers(attempts, _ATTEMPT_COLUMNS)
_record_values, _record_texts = (
    attrgetter(*RECORD_FIELDS),
    attrgetter(*_texts(records, (*RECORD_FIELDS, "provider", "target"))),
)
_attempt_values, _attempt_texts = attrgetter(*ATTEMPT_FIELDS), attrgetter(*_texts(attempts, ATTEMPT_FIELDS))


async def insert_new(connection: AsyncConnection, batch: Sequence[Record]) -> Sequence[Record]:
    """Insert records with their attempts, all of which are new: these. Raises NotPlain, and the transaction must be
    undone.
    """
    await _insert(connection, _RECORDS, _rows(batch))
    tries = [row for one in batch if one.attempts for row in _tries(one)]
    if tries:
        await _insert(connection, _ATTEMPTS, tries)
    return batch


async def insert_columns(connection: AsyncConnection, batch: Sequence[Record]) -> Sequence[Record]:
    """Insert what is new of the records, with their attempts, into PostgreSQL: these. Raises NotPlain as the other."""
    try:
        added = await connection.exec_driver_sql(_RECORDS_OF_COLUMNS, _columns(_rows(batch), _RECORD_NUMBERS))
        new = taken_of(batch, {(row.exchange, row.part) for row in added})
        tries = [row for one in new if one.attempts for row in _tries(one)]
        if tries:
            await connection.exec_driver_sql(_ATTEMPTS_OF_COLUMNS, _columns(tries, _ATTEMPT_NUMBERS))
    except sa.exc.InterfaceError as error:  # the driver's, of a value that fits no column; or nobody is there
        raise NotPlain from error
    return new


def taken_of(batch: Iterable[Record], names: set[tuple[str, int]]) -> list[Record]:
    """The records that were inserted by these names: of two of a name in one batch the first one was taken."""
    new: list[Record] = []
    for record in batch:
        name = (record.exchange, record.part)
        if name in names:
            names.remove(name)
            new.append(record)
    return new


def _columns(rows: list[tuple[Any, ...]], numbers: Iterable[int]) -> tuple[list[Any], ...]:
    """The rows turned; no number is one that sums could not hold. Raises NotPlain."""
    columns = tuple([list(column) for column in zip(*rows, strict=True)])
    for place in numbers:
        if max(columns[place]) > BIGGEST or min(columns[place]) < -BIGGEST:
            raise NotPlain
    return columns


def _rows(batch: Sequence[Record]) -> list[tuple[Any, ...]]:
    return [(*_record_values(one), *_plain(one, _record_texts), *place_of(one)) for one in batch]


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
    size = len(text) if text.isascii() else len(text.encode())
    if len(row.tokens) != len(CLASSES) or max(*row.tokens, row.cost) > BIGGEST or "\0" in text or size > _LONGEST:
        raise NotPlain
    return row.tokens
