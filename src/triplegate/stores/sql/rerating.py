"""Charge a period again by other prices: what differs becomes corrections beside the records, never changes to them."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.money import Price
from triplegate.core.record import AttemptRecord, Record
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.marks import kept_since
from triplegate.stores.sql.prices import PriceVersion, SqlPrices
from triplegate.stores.sql.tables import attempts, records

PART = 2_000_000
"""Of an exchange's first correction, the next ones follow; two who correct at once write the same part, once."""
_PAGE = 500
_NONE = (0,) * len(CLASSES)
_NOT_COPIED = {"tokens", "attempts", "each", "calls"}


class Asked(NamedTuple):
    """Whose price is asked for."""

    route: str
    provider: str
    target: str
    version: str
    """Of the price that was charged."""


class Charged(NamedTuple):
    """A call, what it costs so far and what it would cost."""

    org: str
    team: str
    model: str
    before: int
    after: int


class Page(msgspec.Struct):
    """Some calls of the period."""

    charged: list[Charged] = []
    corrections: list[Record] = []
    left: Counter[str] = msgspec.field(default_factory=Counter)
    """Attempts that stay as they are, by why."""


Resolve = Callable[[Asked], Price | None]
Known = dict[str, PriceVersion | None]


async def rerate(
    database: Database, since: float, until: float, resolve: Resolve, model: str | None = None
) -> AsyncIterator[Page]:
    """All model calls that started in [since, until), page by page; `resolve` says the new price, None: leave it.

    Raises DatabaseUnavailable, and ValueError where attempts of the period were deleted.
    """
    async with database.reading() as connection:
        kept = await kept_since(connection)
    if since < max(kept.records, kept.attempts):
        raise ValueError("attempts of that period are deleted by now: begin later")
    chosen = [records.c.gate == "llm", records.c.kind.in_(("final", "unknown")), records.c.started < until]
    if model is not None:
        chosen.append(records.c.route == model)
    key = (records.c.started, records.c.exchange, records.c.part)
    after: tuple[Any, ...] = (since, "", -1)
    known: Known = {}
    while True:
        beyond = [records.c.started >= after[0], sa.tuple_(*key) > sa.tuple_(*[sa.literal(one) for one in after])]
        async with database.reading() as connection:
            wanted = sa.select(records).where(*chosen, *beyond).order_by(*key).limit(_PAGE)
            rows = list(await connection.execute(wanted))
            tries, done = await _tries(connection, rows), await _done(connection, rows)
        if not rows:
            return
        await _learn(database, known, {one.price_version for many in tries.values() for one in many})
        page = Page()
        for row in rows:
            _charge(page, row, tries.get((row.exchange, row.part), ()), done.get(row.exchange, {}), resolve, known)
        yield page
        after = (rows[-1].started, rows[-1].exchange, rows[-1].part)


async def _tries(connection: AsyncConnection, rows: Sequence[Any]) -> dict[tuple[str, int], list[Any]]:
    names = [(row.exchange, row.part) for row in rows]
    found: dict[tuple[str, int], list[Any]] = {}
    wanted = sa.select(attempts).where(sa.tuple_(attempts.c.exchange, attempts.c.part).in_(names))
    for one in await connection.execute(wanted.order_by(attempts.c.n)) if names else ():
        found.setdefault((one.exchange, one.part), []).append(one)
    return found


async def _done(connection: AsyncConnection, rows: Sequence[Any]) -> dict[str, dict[int, list[int]]]:
    """By exchange and number of the attempt: its corrections so far."""
    mine = sa.and_(attempts.c.exchange == records.c.exchange, attempts.c.part == records.c.part)
    wanted = sa.select(records.c.exchange, records.c.part, attempts.c.n, attempts.c.cost)
    wanted = wanted.select_from(records.join(attempts, mine)).where(
        records.c.exchange.in_([row.exchange for row in rows]), records.c.kind == "correction"
    )
    found: dict[str, dict[int, list[int]]] = {}
    for one in await connection.execute(wanted) if rows else ():
        costs = found.setdefault(one.exchange, {})
        costs.setdefault(one.n, []).append(one.cost)
        costs.setdefault(0, []).append(one.part)
    return found


async def _learn(database: Database, known: Known, versions: set[str]) -> None:
    new = versions - known.keys()
    if new:
        known.update(dict.fromkeys(new) | await SqlPrices(database).named(new))


def _charge(
    page: Page, row: Any, tries: Sequence[Any], done: Mapping[int, list[int]], resolve: Resolve, known: Known
) -> None:
    before = after = 0
    changed: list[AttemptRecord] = []
    for one in tries:
        have = one.cost + sum(done.get(one.n, ()))
        price = _new_price(page, row, one, resolve, known)
        cost = have if price is None else price.flat(_tokens(one), one.tool_units)
        before, after = before + have, after + cost
        if price is not None and cost != have:
            changed.append(_difference(one, cost - have, price.version))
    if tries:
        page.charged.append(Charged(row.org, row.team, row.route, before, after))
    if changed:
        page.corrections.append(_correction(row, changed, max(done.get(0, (PART - 1,))) + 1))


def _new_price(page: Page, row: Any, one: Any, resolve: Resolve, known: Known) -> Price | None:
    if one.usage_source == "none":
        return None  # nothing was used, nothing is charged
    price = resolve(Asked(row.route, one.provider, one.target, one.price_version))
    old = known.get(one.price_version)
    if price is None:
        page.left["no price is known for it"] += 1
    elif old is not None and old.price.flat(_tokens(one), one.tool_units) != one.cost:
        page.left["it was charged in several parts"] += 1  # a realtime session, each answer by its own length
        return None
    return price and price.applied(_tokens(one), one.tier, row.started + one.offset_us / 1e6)


def _tokens(one: Any) -> tuple[int, ...]:
    return tuple([getattr(one, name) for name in CLASSES])


def _difference(one: Any, cost: int, version: str) -> AttemptRecord:
    fields = {name: getattr(one, name) for name in AttemptRecord.__struct_fields__ if name != "tokens"}
    return AttemptRecord(**fields | {"tokens": _NONE, "cost": cost, "price_version": version})


def _correction(row: Any, changed: Sequence[AttemptRecord], part: int) -> Record:
    home = next((one for one in changed if one.adopted), changed[-1])
    fields = {name: getattr(row, name) for name in Record.__struct_fields__ if name not in _NOT_COPIED}
    zero = ("duration_us", "first_byte_us", "overhead_us", "bytes_in", "bytes_out", "own_cost", "saved", "surcharge")
    told = {
        "part": part,
        "kind": "correction",
        "cost": sum(one.cost for one in changed),
        "list_cost": sum(one.cost for one in changed if one.adopted),
        "price_version": home.price_version,
        "tool_units": "",
        "tokens": _NONE,
        "attempts": tuple(changed),
        "each": True,
    }
    return Record(**fields | dict.fromkeys(zero, 0) | told)
