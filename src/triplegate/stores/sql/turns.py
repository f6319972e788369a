"""Work that one of several nodes does now and then: whoever moves its mark in the database."""

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import marks


async def my_turn(database: Database, name: str, now: float, every: float) -> bool:
    """Whether nobody has done it in the last `every` seconds; it counts as done now. Raises DatabaseUnavailable."""
    at = int(now)
    first = database.insert(marks).values(name=name, at=at)
    moved = first.on_conflict_do_update(
        index_elements=["name"], set_={"at": at}, where=marks.c.at <= at - int(every)
    ).returning(marks.c.name)
    async with database.writing() as connection:
        return (await connection.execute(moved)).scalar() is not None
