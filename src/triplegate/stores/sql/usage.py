"""What was consumed in a period, summed by the database: rows and minute sums in one query."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import records, rollups

DIMENSIONS = ("org", "team", "consumer", "key", "gate", "route", "model", "target", "outcome")
"""What usage may be summed by. A model is a route of the llm gate; minute sums do not know the key."""
SUMS = ("requests", "refused", "failed", "tokens_in", "tokens_out", "cost", "list_cost", "saved")
_INPUT, _OUTPUT = CLASSES[:6], CLASSES[6:]


async def usage_rows(database: Database, by: Sequence[str], since: float, until: float) -> list[Any]:
    """One row for each value of the dimensions `by`, with `SUMS` (money in 10⁻¹⁰ US dollar), in their order.

    A record counts when it started in [since, until), a minute when it began there; Unix seconds. A request is counted
    with its last part; tokens and cost with each. Raises DatabaseUnavailable, ValueError for another dimension.
    """
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown:
        raise ValueError(f"usage is summed by {', '.join(DIMENSIONS)}; not by {', '.join(unknown)}")
    names = list(dict.fromkeys(by))
    parts = sa.union_all(_of_records(names, since, until), _of_rollups(names, since, until)).subquery()
    sums = [sa.func.coalesce(sa.func.sum(parts.c[name]), 0).label(name) for name in SUMS]
    labels = [parts.c[name] for name in names]
    query = sa.select(*labels, *sums).group_by(*labels).order_by(*labels)
    async with database.reading() as connection:
        return list(await connection.execute(query))


def _of_records(names: list[str], since: float, until: float) -> sa.Select[Any]:
    one, none = sa.literal(1, sa.BigInteger), sa.literal(0, sa.BigInteger)
    last = records.c.kind.in_(("final", "unknown"))
    numbers = {
        "requests": sa.case((last, one), else_=none),
        "refused": sa.case((sa.and_(last, records.c.outcome == "refused"), one), else_=none),
        "failed": sa.case((sa.and_(last, records.c.outcome == "failed"), one), else_=none),
    }
    period = sa.and_(records.c.started >= since, records.c.started < until)
    return sa.select(*_labels(records, names), *_numbers(records, numbers)).where(period)


def _of_rollups(names: list[str], since: float, until: float) -> sa.Select[Any]:
    none = sa.literal(0, sa.BigInteger)
    numbers = {
        "requests": rollups.c.requests,
        "refused": sa.case((rollups.c.outcome == "refused", rollups.c.requests), else_=none),
        "failed": sa.case((rollups.c.outcome == "failed", rollups.c.requests), else_=none),
    }
    period = sa.and_(rollups.c.minute >= since, rollups.c.minute < until)
    return sa.select(*_labels(rollups, names), *_numbers(rollups, numbers)).where(period)


def _labels(table: sa.Table, names: list[str]) -> list[sa.ColumnElement[Any]]:
    nothing = sa.literal("", sa.Text)
    special = {
        "model": sa.case((table.c.gate == "llm", table.c.route), else_=nothing),
        "key": table.c.key_id if "key_id" in table.c else nothing,
    }
    return [(special[name] if name in special else table.c[name]).label(name) for name in names]


def _numbers(table: sa.Table, counts: Mapping[str, sa.ColumnElement[Any]]) -> list[sa.ColumnElement[Any]]:
    numbers = {
        **counts,
        "tokens_in": sum((table.c[name] for name in _INPUT[1:]), start=table.c[_INPUT[0]]),
        "tokens_out": sum((table.c[name] for name in _OUTPUT[1:]), start=table.c[_OUTPUT[0]]),
        "cost": table.c.cost,
        "list_cost": table.c.list_cost,
        "saved": table.c.saved,
    }
    return [numbers[name].label(name) for name in SUMS]
