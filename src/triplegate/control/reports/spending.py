"""What was spent, as the ledger sums it: labels and whole numbers by name, money in units."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from triplegate.core.money import Price

if TYPE_CHECKING:
    from triplegate.stores.sql.engine import Database

Ask = Callable[[Sequence[str], float, float, Mapping[str, str]], Awaitable[Sequence["Spent"]]]
"""(dimensions, since, until, where) → what was spent."""


_MANY = 500
"""Rows that are read beside the loop: calls must not wait for reports."""


class Known(msgspec.Struct, frozen=True):
    """A price as records name it: whose, of what, and how much."""

    provider: str
    model: str
    price: Price


class Spent(msgspec.Struct, frozen=True):
    """Sums of the calls that have these labels."""

    labels: dict[str, str]
    sums: dict[str, int]


async def spending(
    database: "Database", by: Sequence[str], since: float, until: float, where: Mapping[str, str]
) -> list[Spent]:
    """What was spent from `since` to before `until` (Unix seconds), by dimensions, by SQL alone.

    Only calls whose labels are as `where` says. Raises DatabaseUnavailable; ValueError for what is no dimension.
    """
    from triplegate.stores.sql.usage import SUMS, usage_rows

    names = list(dict.fromkeys(by))
    rows = await usage_rows(database, names, since, until, where)
    if len(rows) < _MANY:
        return _spent(rows, names, SUMS)
    return await asyncio.to_thread(_spent, rows, names, SUMS)


def _spent(rows: Iterable[Any], by: Sequence[str], sums: Sequence[str]) -> list[Spent]:
    labels = len(by)
    return [
        Spent(
            dict(zip(by, map(str, row[:labels]), strict=True)),
            dict(zip(sums, map(int, row[labels : labels + len(sums)]), strict=True)),
        )
        for row in rows
    ]


async def priced(database: "Database", versions: Collection[str]) -> dict[str, Known]:
    """What those versions of prices were, as far as the ledger has them. Raises DatabaseUnavailable."""
    from triplegate.stores.sql.prices import SqlPrices

    found = await SqlPrices(database).named(versions)
    return {version: Known(one.provider, one.model, one.price) for version, one in found.items()}


def asking(database: "Database") -> Ask:
    """Questions to that database."""

    async def ask(by: Sequence[str], since: float, until: float, where: Mapping[str, str]) -> Sequence[Spent]:
        return await spending(database, by, since, until, where)

    return ask
