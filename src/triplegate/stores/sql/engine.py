"""One database, SQLite or PostgreSQL: how it is opened, read and written."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import aiosqlite
from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from triplegate.stores.sql.errors import translated

BUSY_MS = 5_000
"""How long SQLite waits for another process's write."""
_STATEMENT_MS = 10_000


class Database:
    """An engine with our bounds: connect 5 s, pool 1 s, statement 10 s, lock 5 s.

    `url` is `postgresql://…`, `sqlite:///path` or the bare path of an SQLite file.
    """

    def __init__(self, url: str) -> None:
        self.url = async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.place = self.url.set(drivername=self.url.get_backend_name(), query={}).render_as_string(hide_password=True)
        self.engine: AsyncEngine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self.insert: Any = sqlite.insert if self.is_sqlite else postgresql.insert
        """`INSERT` that knows `on_conflict_do_nothing` and `on_conflict_do_update`, in the dialect at hand."""
        self._one_writer = asyncio.Lock() if self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries, one consistent view. Raises DatabaseUnavailable."""
        with translated(self.place):
            async with self.engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end; SQLite's takes the write lock at once. Raises DatabaseUnavailable."""
        with translated(self.place):
            async with self._one_writer, self.engine.connect() as plain:
                connection = await plain.execution_options(triplegate_writes=True)
                async with connection.begin():
                    yield connection

    async def secure(self) -> bool:
        """Make what is committed outlast a power loss; False when that has to be tried again.

        SQLite's log is synced by a checkpoint, not by each commit; PostgreSQL's is before a commit answers.
        Raises DatabaseUnavailable.
        """
        if not self.is_sqlite:
            return True
        with translated(self.place):
            async with self._one_writer, self.engine.connect() as plain:
                connection = await plain.execution_options(triplegate_plain=True)
                [(busy, pages, done)] = await connection.execute(text("PRAGMA wal_checkpoint(PASSIVE)"))
                return not busy and pages == done

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def async_url(url: str) -> URL:
    """The URL for our drivers; `sslmode=` of libpq becomes asyncpg's `ssl=`. Raises ValueError for another database."""
    parsed = make_url(url if "://" in url else f"sqlite:///{url}")
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return parsed.set(drivername="sqlite+aiosqlite")
    if backend not in {"postgresql", "postgres"}:
        raise ValueError(f"{backend} is not supported: use sqlite or postgresql")
    query = {("ssl" if name == "sslmode" else name): value for name, value in parsed.query.items()}
    return parsed.set(drivername="postgresql+asyncpg", query=query)


def _postgres_engine(url: URL) -> AsyncEngine:
    settings = {
        "application_name": "triplegate",
        "statement_timeout": str(_STATEMENT_MS),
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "60000",
        "jit": "off",
        "synchronous_commit": "on",  # whatever the server says: spool files are deleted on the strength of a commit
    }
    return create_async_engine(
        url,
        pool_size=4,
        max_overflow=4,
        pool_timeout=1,
        pool_pre_ping=True,
        connect_args={"timeout": 5, "command_timeout": _STATEMENT_MS / 1000 + 1, "server_settings": settings},
    )


def _sqlite_engine(url: URL) -> AsyncEngine:
    arguments = {"timeout": BUSY_MS / 1_000, "async_creator_fn": _sqlite_connection}
    engine = create_async_engine(url, pool_size=4, max_overflow=4, pool_timeout=1, connect_args=arguments)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _sqlite_connection(*arguments: Any, **options: Any) -> Awaitable[aiosqlite.Connection]:
    connection = aiosqlite.connect(*arguments, **options)
    own: Any = connection
    thread: threading.Thread = getattr(connection, "_thread", own)  # it is one itself before aiosqlite 0.22
    thread.daemon = True
    return _opened(connection, thread)


async def _opened(connection: aiosqlite.Connection, thread: threading.Thread) -> aiosqlite.Connection:
    try:
        return await connection
    except BaseException:
        # aiosqlite lets its thread end by itself; it would answer into a loop that may be closed by then
        await asyncio.to_thread(thread.join, 1)
        raise


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    try:
        connection.isolation_level = None  # sqlite3's own BEGINs come too late: ours are explicit
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {BUSY_MS:d}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    except Exception:
        connection.close()  # nobody else does, and its thread would stay
        raise


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("triplegate_plain"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("triplegate_writes") else "BEGIN")
