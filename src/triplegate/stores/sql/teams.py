"""Who exists, where that is kept in the database: orgs, their teams, the teams' consumers."""

import builtins
from typing import Any

import msgspec
import sqlalchemy as sa

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import teams


class Member(msgspec.Struct, frozen=True):
    """A consumer of a team; an empty consumer is the team itself, an empty team the org."""

    org: str
    team: str = ""
    consumer: str = ""
    plan: str = ""
    created: float = 0.0


class SqlTeamStore:
    """Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, member: Member) -> None:
        """Keep `member`; one that is there gets the new plan and keeps the time it was created."""
        add = self._database.insert(teams).values(**msgspec.structs.asdict(member))
        put = add.on_conflict_do_update(index_elements=["org", "team", "consumer"], set_={"plan": add.excluded.plan})
        async with self._database.writing() as connection:
            await connection.execute(put)

    async def list(self, org: str | None = None) -> builtins.list[Member]:
        """Everyone, or everyone of one org; an org before its teams, a team before its consumers."""
        wanted = sa.select(teams).order_by(teams.c.org, teams.c.team, teams.c.consumer)
        if org is not None:
            wanted = wanted.where(teams.c.org == org)
        async with self._database.reading() as connection:
            return [_member(row) for row in await connection.execute(wanted)]

    async def drop(self, org: str, team: str, consumer: str = "") -> bool:
        """Forget one; False when it was not there."""
        gone = sa.delete(teams).where(teams.c.org == org, teams.c.team == team, teams.c.consumer == consumer)
        async with self._database.writing() as connection:
            return bool((await connection.execute(gone)).rowcount)


def _member(row: Any) -> Member:
    return Member(row.org, row.team, row.consumer, row.plan, row.created)
