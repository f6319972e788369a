"""The audit chain: whatever is done to the past shows, and where."""

import asyncio

import pytest
import sqlalchemy as sa

from triplegate.core.clock import SetClock
from triplegate.stores.sql.audit import Checkpoint, SqlAuditLog, Verdict
from triplegate.stores.sql.engine import Database

KEY = b"k" * 32


@pytest.fixture
async def log(database: Database) -> SqlAuditLog:
    log = SqlAuditLog(database, KEY, SetClock())
    for n in range(1, 11):
        await log.append("ada", "key.revoke", f"key{n}", '{"why": "test"}')
    return log


async def change(database: Database, statement: str) -> None:
    async with database.writing() as connection:
        await connection.execute(sa.text(statement))


async def test_a_whole_chain_is_whole(log: SqlAuditLog) -> None:
    assert await log.verify() == Verdict(10, None)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("DELETE FROM audit WHERE number = 4", 4),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("UPDATE audit SET actor = 'eve' WHERE number = 7", 7),
        ("UPDATE audit SET at = at + 1 WHERE number = 2", 2),
        ("UPDATE audit SET detail = subject, subject = detail WHERE number = 9", 9),
        ("UPDATE audit SET digest = previous WHERE number = 5", 5),
        ("UPDATE audit SET previous = digest WHERE number = 5", 5),
        ("UPDATE audit SET number = CASE number WHEN 3 THEN 103 ELSE number END", 3),
    ],
)
async def test_what_was_changed_is_named(database: Database, log: SqlAuditLog, statement: str, broken: int) -> None:
    await change(database, statement)
    verdict = await log.verify()
    assert verdict.broken == broken
    assert verdict.reason


async def test_a_cut_tail_shows_by_the_checkpoint(database: Database, log: SqlAuditLog) -> None:
    checkpoint = await log.append("ada", "checkpoint", "")
    await log.append("ada", "later", "")
    assert await log.verify(checkpoint) == Verdict(12, None)
    await change(database, "DELETE FROM audit WHERE number > 8")
    assert await log.verify() == Verdict(8, None), "the chain alone cannot know"
    assert await log.verify(checkpoint) == Verdict(8, 9, "the tail is missing")


async def test_a_chain_written_anew_shows_by_the_checkpoint(database: Database, log: SqlAuditLog) -> None:
    old = Checkpoint(10, bytes(32))
    assert (await log.verify(old)).broken == 10


async def test_another_key_does_not_verify(database: Database, log: SqlAuditLog) -> None:
    assert (await SqlAuditLog(database, b"x" * 32, SetClock()).verify()).broken == 1


async def test_entries_made_at_once_form_one_chain(database: Database, log: SqlAuditLog) -> None:
    await asyncio.gather(*[log.append("ada", "act", str(n)) for n in range(6)])
    assert await log.verify() == Verdict(16, None)
