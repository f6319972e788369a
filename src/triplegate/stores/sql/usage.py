"""What was consumed in a period, summed by the database in one query, whatever it is summed by."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.lines import Lines, day_lines, hour_lines, raw_lines
from triplegate.stores.sql.marks import kept_since
from triplegate.stores.sql.spans import Span, spans_of
from triplegate.stores.sql.tables import LEDGER_SUMS

DIMENSIONS = (
    *("org", "team", "consumer", "key", "plan", "gate", "route", "model", "tool", "provider", "target", "outcome"),
    *("price_version", "cache", "hour", "day"),
)
"""What usage may be summed by. A model is a route of the llm gate, a tool a target of the mcp gate.
`hour` and `day` are first seconds, Unix time, UTC.

Minute sums know neither key nor plan, provider, price version and cache.
"""
SUMS = (
    *("requests", "refused", "failed", "gone", "attempts", "tokens_in", "tokens_out", *CLASSES),
    *("bytes_in", "bytes_out", "cost", "own_cost", "list_cost", "saved", "wasted", "surcharge"),
)
"""Whole numbers; money in 10⁻¹⁰ US dollar.

A request is counted once, with its last part, at the provider and target that answered, else at the last tried. An
attempt beside that one is told at its own provider, target and price. `wasted`: cost of attempts that were not
adopted, and of exchanges that failed or whose client left. `surcharge`: what an answer of a fallback cost more than
the first choice.
"""
Where = Mapping[str, str | int | Collection[str] | Collection[int]]
"""Values of dimensions to keep: one, or some of which each will do."""
_INPUT, _OUTPUT = CLASSES[:6], CLASSES[6:]


async def usage_rows(
    database: Database, by: Sequence[str], since: float, until: float, where: Where | None = None
) -> list[Any]:
    """One row for each value of the dimensions `by`, with `SUMS`, in the order of the dimensions.

    A record counts when it started in [since, until), a minute when it began there; Unix seconds. Whole hours and days
    are read from their sums. Raises DatabaseUnavailable, ValueError for another dimension.
    """
    wanted = where or {}
    unknown = [name for name in (*by, *wanted) if name not in DIMENSIONS]
    if unknown:
        raise ValueError(f"usage is summed by {', '.join(DIMENSIONS)}; not by {', '.join(unknown)}")
    async with database.reading() as connection:
        kept = await kept_since(connection)
        spans = spans_of(since, until, kept, by_hour="hour" in by or "hour" in wanted)
        query = spans_query(spans or [Span("days", 0, 0)], by, wanted, sqlite=database.is_sqlite)
        return list(await connection.execute(query))


def spans_query(spans: Sequence[Span], by: Sequence[str], where: Where, *, sqlite: bool) -> sa.Select[Any]:
    """The query for the lines of some spans."""
    names = list(dict.fromkeys(by))
    lines = {"raw": raw_lines(sqlite=sqlite), "hours": (hour_lines(),), "days": (day_lines(),)}
    chosen = [(one, span) for span in spans for one in lines[span.kind]]
    parts = sa.union_all(*[_part(one, names, where, span.since, span.until) for one, span in chosen]).subquery()
    labels = [parts.c[name] for name in names]
    query = sa.select(*labels, *[_total(parts.c[name]).label(name) for name in SUMS])
    return query.group_by(*labels).order_by(*labels)


def _part(lines: Lines, names: list[str], where: Where, since: float, until: float) -> sa.Select[Any]:
    """The sums of one kind of lines, so that the outer query sums few rows, however many there are."""
    labels = [_label(lines, name).label(name) for name in names]
    sums = [_total(number).label(name) for name, number in _numbers(lines).items()]
    kept = [_kept(_label(lines, name), value) for name, value in where.items()]
    return sa.select(*labels, *sums).select_from(lines.source).where(lines.of(since, until), *kept).group_by(*labels)


def _kept(label: sa.ColumnElement[Any], value: Any) -> sa.ColumnElement[bool]:
    return label == value if isinstance(value, (str, int)) else label.in_(sorted(value))


def _label(lines: Lines, name: str) -> sa.ColumnElement[Any]:
    if name == "key":
        return lines.keys["key_id"]
    if name == "tool":
        tool = sa.and_(lines.keys["gate"] == "mcp", lines.keys["target"] != lines.keys["route"])
        return sa.case((tool, lines.keys["target"]), else_=sa.literal("", sa.Text))
    if name == "model":
        return sa.case((lines.keys["gate"] == "llm", lines.keys["route"]), else_=sa.literal("", sa.Text))
    return lines.keys[name]


def _numbers(lines: Lines) -> dict[str, sa.ColumnElement[Any]]:
    sums, outcome = lines.sums, lines.keys["outcome"]
    numbers = {name: sums[name] for name in LEDGER_SUMS}
    for name in ("refused", "failed", "gone"):
        numbers[name] = sa.case((outcome == name, sums["requests"]), else_=sa.literal(0, sa.BigInteger))
    numbers["tokens_in"] = _added(sums, _INPUT)
    numbers["tokens_out"] = _added(sums, _OUTPUT)
    return {name: numbers[name] for name in SUMS}


def _added(sums: Mapping[str, sa.ColumnElement[Any]], names: tuple[str, ...]) -> sa.ColumnElement[Any]:
    return sum((sums[name] for name in names[1:]), start=sums[names[0]])


def _total(number: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """PostgreSQL sums BIGINT to NUMERIC: back to whole numbers of 64 bits."""
    return sa.cast(sa.func.coalesce(sa.func.sum(number), 0), sa.BigInteger)
