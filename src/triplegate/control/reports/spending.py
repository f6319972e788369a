"""What was spent, as the ledger sums it: labels and whole numbers by name, money in units."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from triplegate.core.money import Price

if TYPE_CHECKING:
    from triplegate.stores.sql.engine import Database

Ask = Callable[[Sequence[str], float, float, Mapping[str, str]], Awaitable[Sequence["Spent"]]]
"""(dimensions, since, until, where) → what was spent."""


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

    return [
        Spent({name: str(getattr(row, name)) for name in by}, {name: int(getattr(row, name)) for name in SUMS})
        for row in await usage_rows(database, by, since, until, where)
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
