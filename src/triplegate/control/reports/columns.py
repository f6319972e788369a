"""Columns of a report and the values in its cells, the same for every format it is written in."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from triplegate.core.money import divide_half_even, plain, to_dollars

Kind = Literal["text", "count", "money", "decimal", "percent", "moment"]
Cell = str | int | Decimal | datetime | None


class Column(msgspec.Struct, frozen=True):
    """A column. Money is US dollars with ten decimals at most, a decimal has eighteen, percent two; a moment is UTC."""

    name: str
    kind: Kind = "text"


class Sheet(msgspec.Struct, frozen=True):
    """A report as rows under columns, with what is said of the whole of it."""

    name: str
    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]
    notes: dict[str, str]
    """What stands beside the table: period, as of, method …"""


def money(units: int | None) -> Decimal | None:
    """Exact dollars of so many units."""
    return None if units is None else to_dollars(units)


def moment(seconds: float) -> datetime:
    """Whole seconds of a moment, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC)


def text_of(cell: Cell) -> str:
    """A cell as text: decimals plain and exact, moments as ISO 8601 with Z, nothing as nothing."""
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return plain(cell)
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%dT%H:%M:%SZ}"
    return str(cell)


def percent(part: int, whole: int) -> Decimal | None:
    """`part` of `whole` in percent with two digits, half-even; None of nothing."""
    return (Decimal(divide_half_even(part * 10_000, whole)) / 100) if whole > 0 else None
