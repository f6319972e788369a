"""Add what is new in the ledger to the sums of its hour and day, in the transaction that puts it there."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.record import AttemptRecord, Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.lines import DAY, HOUR, MINUTES_LACK
from triplegate.stores.sql.placing import LOST, apart_of, place_of
from triplegate.stores.sql.rows import Row, fit_sum
from triplegate.stores.sql.tables import LEDGER_KEY, LEDGER_SUMS, days, hours

_BEFORE = attrgetter("gate", "route")
_AFTER = attrgetter("org", "team", "consumer", "key_id", "plan", "outcome")
_NO_TOKENS = (0,) * len(CLASSES)
_LAST = frozenset({"final", "unknown"})

Key = tuple[Any, ...]
Sums = dict[Key, Sequence[int]]


class Folding:
    """The statements that add to the sums, in the dialect at hand."""

    def __init__(self, database: Database) -> None:
        self._plain = database.is_sqlite
        self._statements = [(table, _statement(database, table)) for table in (hours, days)]

    async def add(self, connection: AsyncConnection, new: Sequence[Record], minutes: Sequence[Row]) -> None:
        """Add rows that are new to the ledger, and what was added to minutes."""
        by_hour = sums_of_hours(new, minutes)
        if not by_hour:
            return
        for (table, statement), sums in zip(self._statements, (by_hour, sums_of_days(by_hour)), strict=True):
            # in a fixed order, so that the locks of two who add never cross
            rows = [(*key, *[fit_sum(one) for one in sums[key]]) for key in sorted(sums)]
            if self._plain:
                await connection.exec_driver_sql(_PLAIN[table.name], rows)
            else:
                await connection.execute(statement, [dict(zip(table.columns.keys(), row, strict=True)) for row in rows])


def sums_of_hours(new: Iterable[Record], minutes: Iterable[Row]) -> Sums:
    """What they add to: hour and values of `LEDGER_KEY` → numbers of `LEDGER_SUMS`."""
    found: dict[Key, list[Sequence[int]]] = {}
    for record in new:
        hour = int(record.started // HOUR) * HOUR
        before, after = (hour, *_BEFORE(record)), _AFTER(record)
        provider, target, tried, apart, elsewhere, wasted = place_of(record)
        key = (*before, provider, target, *after, record.price_version, record.cache)
        found.setdefault(key, []).append(_numbers(record, tried, elsewhere, wasted))
        if apart:
            for one in apart_of(record):
                key = (*before, one.provider, one.target, *after, one.price_version, record.cache)
                found.setdefault(key, []).append(_apart(one, counted=record.kind != "correction"))
    for row in minutes:
        key = (row["minute"] // HOUR * HOUR, *["" if name in MINUTES_LACK else row[name] for name in LEDGER_KEY])
        wasted = row["cost"] if row["outcome"] in LOST else 0
        found.setdefault(key, []).append([wasted if name == "wasted" else row.get(name, 0) for name in LEDGER_SUMS])
    return _summed(found)


def sums_of_days(by_hour: Sums) -> Sums:
    """The same by day."""
    found: dict[Key, list[Sequence[int]]] = {}
    for (hour, *rest), numbers in by_hour.items():
        found.setdefault((hour // DAY * DAY, *rest), []).append(numbers)
    return _summed(found)


def _summed(found: dict[Key, list[Sequence[int]]]) -> Sums:
    """Column by column: a batch has many records and few keys."""
    return {key: rows[0] if len(rows) == 1 else list(map(sum, zip(*rows, strict=True))) for key, rows in found.items()}


def _numbers(record: Record, tried: int, elsewhere: int, wasted: int) -> Sequence[int]:
    """In the order of `LEDGER_SUMS`."""
    return (
        1 if record.kind in _LAST else 0,
        tried,
        record.bytes_in,
        record.bytes_out,
        *record.tokens,
        record.cost - elsewhere,
        record.own_cost,
        record.list_cost,
        record.saved,
        wasted,
        record.surcharge,
    )


def _apart(one: AttemptRecord, *, counted: bool) -> Sequence[int]:
    return (0, 1 if counted else 0, 0, 0, *one.tokens, one.cost, 0, 0, 0, one.cost, 0)


def _plain(table: sa.Table) -> str:
    names = table.columns.keys()
    places = ", ".join("?" * len(names))
    added = ", ".join(f"{name} = {name} + excluded.{name}" for name in LEDGER_SUMS)
    key = ", ".join(table.primary_key.columns.keys())
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places}) ON CONFLICT ({key}) DO UPDATE SET {added}"  # noqa: S608


_PLAIN = {table.name: _plain(table) for table in (hours, days)}


def _statement(database: Database, table: sa.Table) -> Any:
    new = database.insert(table)
    added = {name: table.c[name] + new.excluded[name] for name in LEDGER_SUMS}
    return new.on_conflict_do_update(index_elements=list(table.primary_key.columns.keys()), set_=added)
