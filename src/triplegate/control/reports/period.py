"""The period of a report as it is said: 2026-11, 2026-Q4, 2026, 2026-W47, 2026-11-24, or from one moment to another."""

import re
from datetime import UTC, date, datetime, timedelta
from math import ceil

import msgspec

from triplegate.core.calendar import Calendar

DAY = 86_400
SAID = "2026-11, 2026-Q4, 2026, 2026-W47 or 2026-11-24"
_FORMS = re.compile(r"(\d{4})(?:-(?:Q([1-4])|W(\d\d)|(\d\d)(?:-(\d\d))?))?", re.ASCII)


class Period(msgspec.Struct, frozen=True):
    """From `begin` to before `end`, whole Unix seconds."""

    name: str
    begin: int
    end: int
    calendar: Calendar | None = None
    """What it is a window of; None when it was said by its bounds."""

    @property
    def before(self) -> "Period":
        """The window before it; of a period said by its bounds, the one of equal length that ends where it begins."""
        if self.calendar is None:
            return between(2 * self.begin - self.end, self.begin)
        _, begin, end = self.calendar.at(self.begin - 1)
        return Period(_named(self.calendar, int(begin)), int(begin), int(end), self.calendar)

    def over(self, now: float) -> bool:
        """Whether it lies in the past."""
        return now >= self.end


def read_period(text: str, fiscal_start: int = 1) -> Period:
    """The period that `text` says; quarters and years begin with month `fiscal_start`. Raises ValueError.

    A fiscal year has the number of the calendar year in which it begins.
    """
    found = _FORMS.fullmatch(text)
    if found is None:
        raise ValueError(f"a period is {SAID}; not {text[:40]!r}")
    year, quarter, week, month, day = (None if part is None else int(part) for part in found.groups())
    try:
        assert year is not None
        calendar, first = _first(year, quarter, week, month, day, fiscal_start)
        _, begin, end = calendar.at(_unix(first))
    except (ValueError, OverflowError):
        raise ValueError(f"there is no {text}") from None
    return Period(text, int(begin), int(end), calendar)


def _first(
    year: int, quarter: int | None, week: int | None, month: int | None, day: int | None, fiscal_start: int
) -> tuple[Calendar, date]:
    if week is not None:
        return Calendar("week"), date.fromisocalendar(year, week, 1)
    if day is not None:
        return Calendar("day"), date(year, month or 0, day)
    if month is not None:
        return Calendar("month"), date(year, month, 1)
    if quarter is not None:
        return Calendar("quarter", fiscal_start), _month(year, fiscal_start - 1 + 3 * (quarter - 1))
    return Calendar("year", fiscal_start), _month(year, fiscal_start - 1)


def between(begin: int, end: int) -> Period:
    """The period from one moment to another, Unix seconds."""
    return Period(f"{_said(begin)} to {_said(end)}", begin, end)


def asked_period(text: str | None, since: float | None, until: float | None, now: float, fiscal_start: int) -> Period:
    """The period that is said by name or by its bounds (Unix seconds); else this month. Raises ValueError."""
    if since is None and until is None:
        return this_month(now) if text is None else read_period(text, fiscal_start)
    if text is not None or since is None:
        raise ValueError("say a period, or since and until")
    begin, end = int(since), ceil(now if until is None else until)
    if begin >= end:
        raise ValueError("since is not before until")
    return between(begin, end)


def this_month(now: float) -> Period:
    """The month that `now` lies in."""
    return read_period(f"{datetime.fromtimestamp(now, UTC):%Y-%m}")


def days(period: Period) -> list[int]:
    """First seconds of the UTC days that it touches."""
    return list(range(period.begin - period.begin % DAY, period.end, DAY))


def _named(calendar: Calendar, begin: int) -> str:
    first = datetime.fromtimestamp(begin, UTC).date()
    if calendar.unit == "day":
        return first.isoformat()
    if calendar.unit == "week":
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02}"
    if calendar.unit == "month":
        return f"{first:%Y-%m}"
    months = first.year * 12 + first.month - calendar.fiscal_start
    year, into = divmod(months, 12)
    return f"{year}-Q{into // 3 + 1}" if calendar.unit == "quarter" else f"{year}"


def _said(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"


def _month(year: int, months: int) -> date:
    return date(year + months // 12, months % 12 + 1, 1)


def _unix(day: date) -> float:
    return (day - date(1970, 1, 1)) / timedelta(seconds=1)
