"""What a database of the first step holds is summed by the second one."""

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.migrations import v0001_first, v0002_sums
from triplegate.stores.sql.tables import days, hours

HOUR = 1_767_225_600
_EMPTY: dict[type, Any] = {sa.Text: "", sa.BigInteger: 0, sa.Double: 0.0, sa.Boolean: False}


def _first(connection: sa.Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        v0001_first.upgrade()


def _second(connection: sa.Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        v0002_sums.upgrade()


def _fill(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    tables.reflect(connection, only=["records", "attempts", "rollups_minute"])

    def add(name: str, **values: Any) -> None:
        columns = tables.tables[name].columns
        kinds = {column.name: next(kind for kind in _EMPTY if isinstance(column.type, kind)) for column in columns}
        connection.execute(sa.insert(tables.tables[name]), [{n: _EMPTY[kind] for n, kind in kinds.items()} | values])

    record: dict[str, Any] = {"kind": "final", "gate": "llm", "outcome": "ok", "team": "web", "price_version": "p2"}
    add("records", exchange="a", **record, started=HOUR + 3599.5, cost=100, output_text=20, target="b")
    add("attempts", exchange="a", n=1, provider="azure", target="a", cost=40, output_text=8)
    add("attempts", exchange="a", n=2, provider="openai", target="b", cost=60, output_text=20, adopted=True)
    add("records", exchange="b", **record | {"outcome": "failed"}, started=HOUR + 3600.0, cost=7)
    add("attempts", exchange="b", n=1, provider="azure", target="a", cost=7)
    add("records", exchange="c", **record | {"kind": "interim", "outcome": "unknown"}, started=HOUR - 0.5)
    add("rollups_minute", minute=HOUR + 60, gate="api", team="web", outcome="ok", requests=3, bytes_in=30)


async def _summed(database: Database, table: sa.Table, period: str) -> list[tuple[Any, ...]]:
    names = (period, "gate", "provider", "target", "outcome", "price_version", "requests", "attempts")
    wanted = sa.select(*[table.c[name] for name in (*names, "cost", "wasted", "output_text", "bytes_in")])
    async with database.reading() as connection:
        return sorted(map(tuple, await connection.execute(wanted)))


async def test_rows_and_minutes_of_before_are_in_the_sums(url: str) -> None:
    database = Database(url)
    async with database.writing() as connection:
        await connection.run_sync(_first)
        await connection.run_sync(_fill)
    async with database.writing() as connection:
        await connection.run_sync(_second)
    lines = [
        (HOUR - 3600, "llm", "", "", "unknown", "p2", 0, 0, 0, 0, 0, 0),
        (HOUR, "api", "", "", "ok", "", 3, 0, 0, 0, 0, 30),
        (HOUR, "llm", "azure", "a", "ok", "p2", 0, 1, 40, 40, 8, 0),
        (HOUR, "llm", "openai", "b", "ok", "p2", 1, 1, 60, 0, 20, 0),
        (HOUR + 3600, "llm", "azure", "a", "failed", "p2", 1, 1, 7, 7, 0, 0),
    ]
    assert await _summed(database, hours, "hour") == lines
    day = [(HOUR - 86_400, *lines[0][1:]), *((HOUR, *line[1:]) for line in lines[1:])]
    assert await _summed(database, days, "day") == sorted(day)
    assert len(CLASSES) == len(v0002_sums._TOKENS)
    await database.close()
