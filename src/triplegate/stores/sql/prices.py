"""Prices as they were: what each version that records name cost, kept for ever."""

from collections.abc import Collection, Iterable

import msgspec
import sqlalchemy as sa

from triplegate.core.money import Price
from triplegate.core.usage import CLASSES
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import prices

_BATCH = 200


class PriceVersion(msgspec.Struct, frozen=True):
    """A price under its version; of one with variations, each has a version of its own."""

    version: str
    gate: str
    provider: str
    """Empty where nobody is paid: an api route, an mcp server."""
    model: str
    """The vendor's name of it; the route or server of other gates."""
    price: Price
    """Without rules."""
    valid_from: float | None = None
    """Unix seconds; None: since it was first seen."""
    valid_until: float | None = None
    """Unix seconds, exclusive; None: until another version is in its place."""
    first_seen: float = 0.0


class SqlPrices:
    """Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, versions: Iterable[PriceVersion], at: float) -> None:
        """Keep those that are new, as first seen at Unix time `at`; a version says what it costs, so none changes."""
        rows = [_row(one, at) for one in sorted(versions, key=lambda one: one.version)]
        add = self._database.insert(prices).on_conflict_do_nothing()
        for begin in range(0, len(rows), _BATCH):
            async with self._database.writing() as connection:
                await connection.execute(add, rows[begin : begin + _BATCH])

    async def named(self, versions: Collection[str] | None = None) -> dict[str, PriceVersion]:
        """By version: these, or all."""
        wanted = sa.select(prices).order_by(prices.c.version)
        if versions is not None:
            wanted = wanted.where(prices.c.version.in_(sorted(versions)))
        async with self._database.reading() as connection:
            found = await connection.execute(wanted)
            return {row.version: _version(row) for row in found}


def rates_text(price: Price) -> str:
    """Canonical JSON: units (10⁻¹⁰ US dollar) per call, per million of each token class and each counted thing."""
    told = {"call": price.call, "tokens": dict(zip(CLASSES, price.rates(), strict=True)), "units": price.per_unit or {}}
    return msgspec.json.encode(told, order="sorted").decode()


def _row(one: PriceVersion, at: float) -> dict[str, object]:
    plain = {name: getattr(one, name) for name in ("version", "gate", "provider", "model", "valid_from", "valid_until")}
    return plain | {"rates": rates_text(one.price), "first_seen": at}


def _version(row: "sa.Row[tuple[object, ...]]") -> PriceVersion:
    told = msgspec.json.decode(row.rates)
    rates = dict(told["tokens"])
    price = Price(
        version=row.version,
        call=told["call"],
        input=rates.pop("input_uncached"),
        output=rates.pop("output_text"),
        per_unit=told["units"] or None,
        **rates,
    )
    times = (row.valid_from, row.valid_until, row.first_seen)
    return PriceVersion(row.version, row.gate, row.provider, row.model, price, *times)
