"""Bring a database to today's tables at start, once, however many processes start together."""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseMismatch, DatabaseUnavailable

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x7472_6970_6C65
"""Number of PostgreSQL's advisory lock ("triple"); SQLite's write lock does the same there."""
_RETRIED = 2.0
"""Seconds in which an SQLite file that is locked is tried again."""


async def migrate(database: Database) -> str:
    """Run the steps that are missing, all of them or none; the revision that holds now.

    Raises DatabaseUnavailable, DatabaseMismatch.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + _RETRIED
    while True:
        try:
            return await _migrate(database)
        except DatabaseUnavailable as error:
            # Two first starts meet while the file turns to WAL: SQLite answers "locked" at once then. A lock that
            # somebody holds took its own 5 s already.
            if "database is locked" not in error.what or loop.time() > end:
                raise
            await asyncio.sleep(0.1)


async def _migrate(database: Database) -> str:
    async with database.writing() as connection:
        if not database.is_sqlite:
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            await connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        return await connection.run_sync(_upgrade)


def newest() -> str:
    """The revision that the last step leads to."""
    return max(step.name[1:5] for step in _FOLDER.glob("v[0-9][0-9][0-9][0-9]_*.py"))


def _stands_at(connection: Connection, revision: str) -> bool:
    """Read by hand: alembic takes a tenth of a start to load, and most starts have no step to run."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    return bool(connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == revision)


def _upgrade(connection: Connection) -> str:
    if _stands_at(connection, newest()):
        return newest()
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(_FOLDER, version_locations=[_FOLDER])
    head = script.get_current_head() or ""
    context = MigrationContext.configure(connection)
    current = context.get_current_revision()
    if current == head:
        return head
    if current is not None and current not in {step.revision for step in script.walk_revisions()}:
        raise DatabaseMismatch(f"The database is at step {current}, this program ends at {head}: start a newer one.")
    steps = list(script.iterate_revisions(head, current or "base"))
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
    context.stamp(script, head)
    return head
