"""Windows of budgets in UTC: days, weeks (ISO 8601, from Monday), months, quarters and years, or the last so long."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

Unit = Literal["day", "week", "month", "quarter", "year"]
_DAY = 86_400
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Calendar(msgspec.Struct, frozen=True, gc=False):
    """A kind of window. Numbers of windows grow by one from each to the next and are never used again."""

    unit: Unit
    fiscal_start: int = 1
    """Month with which the year begins, 1 … 12: quarters and years are counted from it."""

    def number(self, wall: float) -> int:
        """The window that is open at `wall`, Unix seconds."""
        return self.at(wall)[0]

    def at(self, wall: float) -> tuple[int, float, float]:
        """Number, first second and first second after the window that is open at `wall`."""
        return _window(self.unit, self.fiscal_start, int(wall // _DAY))

    def left(self, wall: float) -> float:
        """Seconds until the window that is open at `wall` closes."""
        return self.at(wall)[2] - wall


class Rolling(msgspec.Struct, frozen=True, gc=False):
    """The last `length` seconds, in slices that leave one by one: none early, and none a slice too late."""

    length: float
    slices: int = 30

    @property
    def slice(self) -> float:
        """Seconds."""
        return self.length / self.slices

    def at(self, wall: float) -> tuple[int, float, float]:
        """Number, first second and first second after the slice that is open at `wall`; earlier ones still count."""
        number = int(wall // self.slice)
        return number, number * self.slice, (number + 1) * self.slice

    def first(self, number: int) -> int:
        """The oldest slice that counts while `number` is open."""
        return number - self.slices


Window = float | Calendar | Rolling
"""Plain seconds are counted from the epoch; 0 for what has no window."""


def window_number(window: Window, wall: float) -> int:
    """Number of the window, or of the slice, that is open at `wall`; 0 for what has no window."""
    if isinstance(window, Calendar | Rolling):
        return window.at(wall)[0]
    return int(wall // window) if window > 0 else 0


def counted_since(window: Window, wall: float) -> float:
    """The moment from which on calls count in what is open at `wall`."""
    if isinstance(window, Calendar):
        return window.at(wall)[1]
    if isinstance(window, Rolling):
        return window.first(window.at(wall)[0]) * window.slice
    return wall // window * window if window > 0 else wall


@lru_cache(maxsize=256)
def _window(unit: Unit, fiscal_start: int, day: int) -> tuple[int, float, float]:
    if unit == "day":
        return day, float(day * _DAY), float((day + 1) * _DAY)
    if unit == "week":
        number = (day + 3) // 7
        first = number * 7 - 3
        return number, float(first * _DAY), float((first + 7) * _DAY)
    today = date(1970, 1, 1) + timedelta(days=day)
    length = _MONTHS[unit]
    shift = fiscal_start - 1 if length > 1 else 0
    months = today.year * 12 + today.month - 1 - shift
    number = months // length
    return number, _first_of(number * length + shift), _first_of((number + 1) * length + shift)


def _first_of(months: int) -> float:
    year, month = divmod(months, 12)
    return datetime.combine(date(year, month + 1, 1), time(), UTC).timestamp()
