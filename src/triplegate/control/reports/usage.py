"""The usage report: requests, tokens and money by team, consumer, model, route and so on."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from triplegate.core.money import to_dollars

if TYPE_CHECKING:
    from triplegate.stores.sql.engine import Database


class Usage(msgspec.Struct, frozen=True):
    """One line of the report; `labels` in the order asked for, money in US dollars, exact."""

    labels: dict[str, str]
    requests: int
    refused: int
    failed: int
    tokens_in: int
    tokens_out: int
    cost: Decimal
    saved: Decimal = Decimal(0)
    """By caches."""
    wasted: Decimal = Decimal(0)
    """On attempts that were not adopted, and on exchanges that failed or whose client left."""


_PERIODS = {"hour": "%Y-%m-%dT%H:%MZ", "day": "%Y-%m-%d"}


def label(name: str, value: str | int) -> str:
    """A dimension's value as text; of a period its begin in UTC."""
    return datetime.fromtimestamp(int(value), UTC).strftime(_PERIODS[name]) if name in _PERIODS else str(value)


async def usage(
    database: "Database", by: Sequence[str], since: float, until: float, where: Mapping[str, str] | None = None
) -> list[Usage]:
    """What was consumed from `since` to before `until` (Unix seconds), by one or more dimensions, by SQL alone.

    `where`: values of dimensions, of which alone is told.

    Raises DatabaseUnavailable; ValueError names the dimensions when one of `by` is none.
    """
    from triplegate.stores.sql.usage import usage_rows

    return [
        Usage(
            labels={name: label(name, getattr(row, name)) for name in by},
            requests=int(row.requests),
            refused=int(row.refused),
            failed=int(row.failed),
            tokens_in=int(row.tokens_in),
            tokens_out=int(row.tokens_out),
            cost=to_dollars(int(row.cost)),
            saved=to_dollars(int(row.saved)),
            wasted=to_dollars(int(row.wasted)),
        )
        for row in await usage_rows(database, by, since, until, where)
    ]
