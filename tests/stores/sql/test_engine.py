"""One database: what its URL may be, and that its errors say what to do."""

import asyncio
import socket
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from triplegate.stores.sql import engine
from triplegate.stores.sql.engine import Database, async_url
from triplegate.stores.sql.errors import DatabaseUnavailable


@pytest.mark.parametrize(
    ("given", "drawn"),
    [
        ("/var/lib/ledger.db", "sqlite+aiosqlite:////var/lib/ledger.db"),
        ("sqlite:///ledger.db", "sqlite+aiosqlite:///ledger.db"),
        ("postgresql://u:p@host/db?sslmode=require", "postgresql+asyncpg://u:p@host/db?ssl=require"),
        ("postgresql+asyncpg://host/db", "postgresql+asyncpg://host/db"),
    ],
)
def test_urls_as_operators_write_them(given: str, drawn: str) -> None:
    assert async_url(given).render_as_string(hide_password=False) == drawn


def test_another_database_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="mysql is not supported: use sqlite or postgresql"):
        async_url("mysql://host/db")


async def test_a_password_is_never_in_the_place() -> None:
    database = Database("postgresql://user:s3cret@host/db?sslmode=require")
    assert database.place == "postgresql://user:***@host/db"
    await database.close()


async def test_a_transaction_is_whole_or_not_at_all(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(sa.text("CREATE TABLE numbers (n INTEGER)"))

    async def break_off() -> None:
        async with database.writing() as connection:
            await connection.execute(sa.text("INSERT INTO numbers VALUES (1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    async with database.writing() as connection:
        await connection.execute(sa.text("INSERT INTO numbers VALUES (2)"))
    async with database.reading() as connection:
        assert list(await connection.scalars(sa.text("SELECT n FROM numbers"))) == [2]


async def test_many_writers_and_readers_at_once_get_their_turn(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(sa.text("CREATE TABLE numbers (n INTEGER)"))

    async def write(number: int) -> None:
        async with database.writing() as connection:
            await connection.execute(sa.text("INSERT INTO numbers VALUES (:n)"), {"n": number})

    await asyncio.gather(*[write(n) for n in range(6)])
    async with database.reading() as connection:
        assert await connection.scalar(sa.text("SELECT sum(n) FROM numbers")) == 15


async def test_sqlite_runs_with_a_log_that_readers_do_not_wait_for(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "ledger.db"))
    async with database.reading() as connection:
        answers = [
            await connection.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert answers == ["wal", 1, 5_000]
    await database.close()


async def test_what_is_secured_is_in_the_database_file_itself(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "ledger.db"))
    async with database.writing() as connection:
        await connection.execute(sa.text("CREATE TABLE numbers (n INTEGER)"))
        await connection.execute(sa.text("INSERT INTO numbers VALUES (7)"))
    assert await database.secure()
    (tmp_path / "copy.db").write_bytes((tmp_path / "ledger.db").read_bytes())
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT n FROM numbers").fetchall() == [(7,)]
    copy.close()
    await database.close()


async def test_what_a_reader_keeps_from_the_file_is_not_yet_secure(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "ledger.db"))
    async with database.writing() as connection:
        await connection.execute(sa.text("CREATE TABLE numbers (n INTEGER)"))
    async with database.reading() as reader:
        await reader.execute(sa.text("SELECT * FROM numbers"))
        async with database.writing() as connection:
            await connection.execute(sa.text("INSERT INTO numbers VALUES (7)"))
        assert not await database.secure()
    assert await database.secure()
    await database.close()


async def test_postgresql_answers_a_commit_when_it_is_on_disk(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with database.reading() as connection:
        assert await connection.scalar(sa.text("SHOW synchronous_commit")) == "on"
    assert await database.secure()
    await database.close()


async def test_a_locked_sqlite_says_so_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 50)
    database = Database(str(tmp_path / "ledger.db"))
    async with database.reading():
        pass
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable) as caught:
        async with database.writing():
            pass
    assert "database is locked" in caught.value.what
    assert "use PostgreSQL for more than one node" in caught.value.remedy
    other.execute("ROLLBACK")
    other.close()
    async with database.writing():
        pass
    await database.close()


async def test_a_directory_that_is_not_there_says_so(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "no" / "ledger.db"))
    with pytest.raises(DatabaseUnavailable, match="Make the directory of the file"):
        async with database.reading():
            pass
    await database.close()


async def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"something else entirely, of some length" * 100)
    database = Database(str(tmp_path / "ledger.db"))
    with pytest.raises(DatabaseUnavailable, match=r"correct `store\.url`"):
        async with database.writing():
            pass
    await database.close()


async def test_an_unreachable_server_says_so_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        database = Database(f"postgresql://user:s3cret@127.0.0.1:{taken.getsockname()[1]}/db")
        with pytest.raises(DatabaseUnavailable) as caught:
            async with database.reading():
                pass
    assert "what is charged meanwhile waits in the spool" in caught.value.remedy
    assert "s3cret" not in str(caught.value)
    await database.close()


async def test_a_database_that_does_not_exist_says_so(postgres_url: str) -> None:
    database = Database(postgres_url.rsplit("/", 1)[0] + "/nowhere")
    with pytest.raises(DatabaseUnavailable, match="Create the database or the role"):
        async with database.reading():
            pass
    await database.close()


async def test_when_every_connection_is_busy_the_wait_is_one_second(database: Database) -> None:
    async with asyncio.timeout(20):
        held = [database.reading() for _ in range(8)]
        for one in held:
            await one.__aenter__()
        with pytest.raises(DatabaseUnavailable, match="All our connections are busy"):
            async with database.reading():
                pass
        for one in held:
            await one.__aexit__(None, None, None)


async def test_a_connection_the_server_closed_is_replaced(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with database.reading() as connection:
        mine = await connection.scalar(sa.text("SELECT pg_backend_pid()"))
    killer = Database(postgres_url)
    async with killer.reading() as connection:
        await connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
    await killer.close()
    async with database.reading() as connection:
        assert await connection.scalar(sa.text("SELECT 1")) == 1
    await database.close()
