"""Migrations: once, whole, however many start together."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from triplegate.stores.sql import migrations
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseMismatch
from triplegate.stores.sql.migrate import migrate, newest
from triplegate.stores.sql.tables import metadata

_START = """
import asyncio, sys
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.migrate import migrate, newest
async def main():
    database = Database(sys.argv[1])
    print(await migrate(database))
    await database.close()
asyncio.run(main())
"""


async def tables(database: Database) -> set[str]:
    async with database.reading() as connection:
        return set(await connection.run_sync(lambda plain: sa.inspect(plain).get_table_names()))


async def test_a_second_start_changes_nothing(url: str) -> None:
    database = Database(url)
    assert await migrate(database) == "0004"
    assert await tables(database) == {*metadata.tables, "alembic_version"}
    assert await migrate(database) == "0004"
    await database.close()


def test_the_last_step_is_the_one_that_a_database_of_today_stands_at() -> None:
    from alembic.script import ScriptDirectory

    folder = Path(migrations.__path__[0])
    assert ScriptDirectory(folder, version_locations=[folder]).get_current_head() == newest()


async def test_processes_that_start_together_migrate_once(url: str) -> None:
    starts = [
        subprocess.Popen([sys.executable, "-c", _START, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = [await asyncio.to_thread(start.communicate, timeout=40) for start in starts]
    assert [out.strip() for out, _ in answers] == ["0004"] * 4, answers
    database = Database(url)
    assert await tables(database) == {*metadata.tables, "alembic_version"}
    await database.close()


async def test_a_database_of_a_newer_program_is_left_alone(url: str) -> None:
    database = Database(url)
    await migrate(database)
    async with database.writing() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseMismatch, match=r"9999.*start a newer one"):
        await migrate(database)
    await database.close()


async def test_a_step_that_fails_leaves_nothing_behind(url: str) -> None:
    database = Database(url)
    async with database.writing() as connection:
        await connection.execute(sa.text("CREATE TABLE teams (something INTEGER)"))
    with pytest.raises(Exception, match="teams"):
        await migrate(database)
    assert await tables(database) == {"teams"}
    await database.close()
