"""How many of each counted thing (web searches, rows …) calls used: from the records, which alone know it."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.lines import raw_lines
from triplegate.stores.sql.tables import records


async def counted(
    database: Database, names: Sequence[str], by: Sequence[str], since: float, until: float, where: Mapping[str, str]
) -> dict[tuple[str, ...], dict[str, int]]:
    """Counts of the things `names` by the values of the dimensions `by`, of calls that started in [since, until).

    Records that are no longer kept tell nothing. Raises DatabaseUnavailable.
    """
    lines = raw_lines(sqlite=database.is_sqlite)[0]
    keys = {**lines.keys, "key": lines.keys["key_id"]}
    labels = [keys[name].label(f"by_{number}") for number, name in enumerate(by)]
    sums = [
        sa.cast(sa.func.coalesce(sa.func.sum(_count(name, sqlite=database.is_sqlite)), 0), sa.BigInteger).label(
            f"sum_{number}"
        )
        for number, name in enumerate(names)
    ]
    kept = [keys[name] == value for name, value in where.items()]
    query = sa.select(*labels, *sums).where(lines.of(since, until), records.c.tool_units != "", *kept).group_by(*labels)
    async with database.reading() as connection:
        rows = list(await connection.execute(query))
    found = {}
    for row in rows:
        values, counts = row[: len(by)], row[len(by) :]
        found[tuple(str(value) for value in values)] = dict(zip(names, (int(count) for count in counts), strict=True))
    return found


def _count(name: str, *, sqlite: bool) -> sa.ColumnElement[Any]:
    """A record's count of it, a part of one counted as one; NULL where it has none."""
    if sqlite:
        number = sa.func.json_extract(records.c.tool_units, f'$."{name}"')
        whole = sa.cast(number, sa.Integer)
        return whole + sa.case((number > whole, 1), else_=0)
    return sa.func.ceil(sa.cast(sa.cast(records.c.tool_units, JSONB)[name].astext, sa.Numeric))
