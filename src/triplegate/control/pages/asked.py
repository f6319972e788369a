"""What a page of costs is asked for, out of its address: period, dimension, and what was chosen on the way down."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import msgspec
from litestar.exceptions import ValidationException

from triplegate.control.admin.access import Caller
from triplegate.control.reports.explorer import BY, DAY, Question

PERIODS = {"today": "today", "7d": "last 7 days", "30d": "last 30 days", "month": "this month", "last": "last month"}
CHOSEN = ("org", "team", "consumer", "key", "model", "tool", "route", "provider", "gate", "plan", "outcome")
"""Dimensions that an address may fix."""
_LONGEST = 400


class Asked(msgspec.Struct, frozen=True):
    """A question and how its period was said."""

    question: Question
    period: str
    """One of `PERIODS`, or empty: the two days are said."""
    first: date
    last: date
    """Both days belong to the period."""

    def link(self, **changes: str) -> str:
        """The query of a page for the same with changes; an empty value takes a part away."""
        from urllib.parse import urlencode

        parts = {"period": self.period, "by": self.question.by, **self.question.where}
        if not self.period:
            parts |= {"first": self.first.isoformat(), "last": self.last.isoformat()}
        parts |= changes
        return urlencode({name: value for name, value in parts.items() if value})


def asked(query: Mapping[str, str], caller: Caller, now: float) -> Asked:
    """Read an address for `caller`, who is held to what is theirs. Raises ValidationException naming the part."""
    today = datetime.fromtimestamp(now, UTC).date()
    period = query.get("period", "" if query.get("first") else "30d")
    first, last = _days(period, query, today)
    by = query.get("by", "team")
    if by not in BY:
        raise _wrong("by", f"takes {', '.join(BY)}")
    where = {name: query[name][:256] for name in CHOSEN if query.get(name)}
    if caller.org:
        where["org"] = caller.org
    if caller.team:
        where["team"] = caller.team
    begin = datetime.combine(first, datetime.min.time(), UTC).timestamp()
    end = datetime.combine(last, datetime.min.time(), UTC).timestamp() + DAY
    return Asked(Question(by, begin, end, where), period, first, last)


def _days(period: str, query: Mapping[str, str], today: date) -> tuple[date, date]:
    if not period:
        first, last = _day(query, "first", today), _day(query, "last", today)
        if first > last:
            raise _wrong("first", "is after the last day")
        if (last - first).days >= _LONGEST:
            raise _wrong("first", f"is more than {_LONGEST} days before the last day")
        return first, last
    if period not in PERIODS:
        raise _wrong("period", f"takes {', '.join(PERIODS)}; or say first and last")
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    return {
        "today": (today, today),
        "7d": (today - timedelta(days=6), today),
        "30d": (today - timedelta(days=29), today),
        "month": (month, today),
        "last": (before.replace(day=1), before),
    }[period]


def _day(query: Mapping[str, str], name: str, otherwise: date) -> date:
    text = query.get(name)
    if not text:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong(name, "is not a day such as 2026-11-24") from None


def _wrong(key: str, message: str) -> ValidationException:
    return ValidationException(f"{key} {message}", extra=[{"key": key, "message": message}])
