"""The ledger as lines that can be summed: rows, attempts told apart, minutes, and the sums of hours and days."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from triplegate.core.usage import CLASSES
from triplegate.stores.sql.placing import LOST
from triplegate.stores.sql.tables import LEDGER_KEY, LEDGER_SUMS, attempts, days, hours, records, rollups

HOUR, DAY = 3_600, 86_400
_TOLD_APART = frozenset({"provider", "target", "price_version"})
MINUTES_LACK = frozenset({"provider", "key_id", "plan", "price_version", "cache"})
"""Parts of a key that minute sums do not have; records always say something of the cache."""
_NONE = sa.literal(0, sa.BigInteger)
_ONE = sa.literal(1, sa.BigInteger)
_NOTHING = sa.literal("", sa.Text)

Columns = Mapping[str, sa.ColumnElement[Any]]


class Lines(NamedTuple):
    """One kind of lines: where they are, when each began, what it is of, and its numbers."""

    source: sa.FromClause
    moment: sa.ColumnElement[Any]
    """Unix seconds."""
    keys: Columns
    """By the names of `LEDGER_KEY`, and `hour` and `day`."""
    sums: Columns
    """By the names of `LEDGER_SUMS`."""
    condition: sa.ColumnElement[bool] = sa.true()

    def of(self, since: float, until: float) -> sa.ColumnElement[bool]:
        """Those that began in [since, until)."""
        return sa.and_(self.moment >= since, self.moment < until, self.condition)


def raw_lines(*, sqlite: bool) -> tuple[Lines, ...]:
    """All of the ledger, as it was written."""
    return _rows(sqlite=sqlite), _apart(sqlite=sqlite), _minutes()


def hour_lines() -> Lines:
    """The sums of hours."""
    return Lines(
        hours, hours.c.hour, _columns(hours, LEDGER_KEY) | _periods(hours.c.hour), _columns(hours, LEDGER_SUMS)
    )


def day_lines() -> Lines:
    """The sums of days; all of one counts as in its first hour."""
    keys = _columns(days, LEDGER_KEY) | {"day": days.c.day, "hour": days.c.day}
    return Lines(days, days.c.day, keys, _columns(days, LEDGER_SUMS))


def _rows(*, sqlite: bool) -> Lines:
    last = records.c.kind.in_(("final", "unknown"))
    sums = {name: records.c[name] for name in LEDGER_SUMS if name in records.c} | {
        "requests": sa.case((last, _ONE), else_=_NONE),
        "attempts": records.c.tried,
        "cost": records.c.cost - records.c.elsewhere,
    }
    keys = _columns(records, LEDGER_KEY) | _periods(_seconds(records.c.started, sqlite=sqlite))
    return Lines(records, records.c.started, keys, sums)


def _apart(*, sqlite: bool) -> Lines:
    """Attempts told apart from their record: whatever they cost bought no answer."""
    mine = sa.and_(attempts.c.exchange == records.c.exchange, attempts.c.part == records.c.part)
    keys = {name: (attempts if name in _TOLD_APART else records).c[name] for name in LEDGER_KEY}
    sums = dict.fromkeys(LEDGER_SUMS, _NONE) | _columns(attempts, (*CLASSES, "cost"))
    sums |= {"wasted": attempts.c.cost, "attempts": sa.case((records.c.kind == "correction", _NONE), else_=_ONE)}
    return Lines(
        records.join(attempts, mine),
        records.c.started,
        keys | _periods(_seconds(records.c.started, sqlite=sqlite)),
        sums,
        sa.and_(records.c.apart > 0, attempts.c.apart == 1),
    )


def _minutes() -> Lines:
    keys = {name: _NOTHING if name in MINUTES_LACK else rollups.c[name] for name in LEDGER_KEY}
    sums: dict[str, sa.ColumnElement[Any]] = {name: rollups.c.get(name, _NONE) for name in LEDGER_SUMS}
    sums["wasted"] = sa.case((rollups.c.outcome.in_(sorted(LOST)), rollups.c.cost), else_=_NONE)
    return Lines(rollups, rollups.c.minute, keys | _periods(rollups.c.minute), sums)


def _columns(table: sa.Table, names: tuple[str, ...]) -> dict[str, sa.ColumnElement[Any]]:
    return {name: table.c[name] for name in names}


def _periods(second: sa.ColumnElement[Any]) -> dict[str, sa.ColumnElement[Any]]:
    return {"hour": second // HOUR * HOUR, "day": second // DAY * DAY}


def _seconds(moment: sa.ColumnElement[Any], *, sqlite: bool) -> sa.ColumnElement[Any]:
    """Whole seconds, exactly: a float divided by 3,600 may be rounded up into the next hour."""
    return sa.cast(moment if sqlite else sa.func.floor(moment), sa.BigInteger)
