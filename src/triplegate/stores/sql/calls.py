"""Single calls of the ledger: the newest that fit a filter, page by page, and one with all its parts and attempts."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import attempts, records

_LAST = ("final", "unknown", "correction")
_SUMS = ("duration_us", "bytes_in", "bytes_out", "cost", "saved")
_SAID = ("started", "gate", "route", "target", "method", "status", "outcome", "refusal", "org", "team", "consumer")


async def calls(
    database: Database,
    where: Mapping[str, str],
    since: float,
    until: float,
    *,
    before: tuple[float, str] | None = None,
    most: int = 100,
) -> list[Any]:
    """The newest calls that began in [since, until), those before the call `before` (its start and id) only.

    Each has `exchange`, what its last part says, and its sums over all parts. Raises DatabaseUnavailable, ValueError
    for a dimension that calls are not found by.
    """
    last = records.alias("last")
    query = sa.select(*[last.c[name] for name in ("exchange", "kind", *_SAID, "key_id")], *_sums(last))
    query = query.where(last.c.kind.in_(_LAST), last.c.started >= since, last.c.started < until)
    query = query.where(*[_is(last, name, value) for name, value in where.items()])
    if before is not None:
        query = query.where(
            sa.tuple_(last.c.started, last.c.exchange) < sa.tuple_(*[sa.literal(one) for one in before])
        )
    query = query.order_by(last.c.started.desc(), last.c.exchange.desc(), last.c.part.desc()).limit(most)
    async with database.reading() as connection:
        return list(await connection.execute(query))


async def call(database: Database, exchange: str) -> tuple[list[Any], list[Any]]:
    """All parts of a call in their order, and its attempts; two empty lists for an unknown one."""
    parts = sa.select(records).where(records.c.exchange == exchange).order_by(records.c.part)
    tries = sa.select(attempts).where(attempts.c.exchange == exchange).order_by(attempts.c.part, attempts.c.n)
    async with database.reading() as connection:
        return list(await connection.execute(parts)), list(await connection.execute(tries))


def _sums(last: Any) -> list[sa.ColumnElement[Any]]:
    part = records.alias("part")
    mine = part.c.exchange == last.c.exchange
    tokens = sa.literal(0) + sum((part.c[name] for name in CLASSES[1:]), start=part.c[CLASSES[0]])
    sums = {**{name: part.c[name] for name in _SUMS}, "tokens": tokens}
    return [sa.select(sa.func.sum(column)).where(mine).scalar_subquery().label(name) for name, column in sums.items()]


def _is(table: Any, name: str, value: str) -> sa.ColumnElement[bool]:
    if name == "model":
        return sa.and_(table.c.gate == "llm", table.c.route == value)
    if name == "tool":
        return sa.and_(table.c.gate == "mcp", table.c.target == value)
    if name == "provider":
        tries = sa.select(attempts.c.exchange).where(attempts.c.exchange == table.c.exchange)
        return sa.exists(tries.where(attempts.c.provider == value))
    column = {"key": "key_id"}.get(name, name)
    if column not in ("org", "team", "consumer", "key_id", "route", "gate", "plan", "outcome", "target", "cache"):
        raise ValueError(f"calls are not found by {name}")
    return table.c[column] == value  # type: ignore[no-any-return]
