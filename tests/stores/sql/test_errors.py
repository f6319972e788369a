"""Which errors mean that the database is away, and which that we are wrong."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, ProgrammingError

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.errors import DatabaseUnavailable, translated


@pytest.mark.parametrize("error", [ConnectionRefusedError("no"), TimeoutError("late"), BrokenPipeError("gone")])
def test_sockets_that_fail_are_a_database_that_is_away(error: Exception) -> None:
    with (
        pytest.raises(DatabaseUnavailable, match="postgresql://host/db cannot be used") as caught,
        translated("postgresql://host/db"),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_our_own_mistakes_pass_through() -> None:
    with pytest.raises(KeyError), translated("place"):
        raise KeyError("x")


async def test_a_wrong_statement_is_not_an_outage(database: Database) -> None:
    with pytest.raises((ProgrammingError, DatabaseUnavailable)) as caught:
        async with database.reading() as connection:
            await connection.execute(sa.text("SELECT * FROM nowhere"))
    if not database.is_sqlite:
        assert isinstance(caught.value, ProgrammingError)


async def test_a_broken_constraint_is_not_an_outage(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.writing() as connection:
            await connection.execute(sa.text("INSERT INTO changes VALUES ('a', 1), ('a', 2)"))


async def test_a_statement_that_takes_too_long_is_an_outage(postgres_url: str) -> None:
    database = Database(postgres_url)

    async def sleep() -> None:
        async with database.writing() as connection:
            await connection.execute(sa.text("SET LOCAL statement_timeout = 50"))
            await connection.execute(sa.text("SELECT pg_sleep(5)"))

    with pytest.raises(DatabaseUnavailable, match="statement timeout"):
        await sleep()
    await database.close()
