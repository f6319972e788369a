"""A migrated database for one test, of either kind."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.migrate import migrate

KINDS = ("sqlite", "postgres")


async def url_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of an empty database of that kind."""
    if kind == "sqlite":
        return f"sqlite:///{folder}/ledger.db"
    server = request.getfixturevalue("postgres_server")
    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(server.url, timeout=10)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return str(server.url_of(name))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database behind `url`, migrated; closed at the end."""
    database = Database(url)
    try:
        await migrate(database)
        yield database
    finally:
        await database.close()
