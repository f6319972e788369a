"""The cost explorer: what a period cost by one dimension and by day or hour, beside the period before it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from triplegate.control.reports.usage import label

BY = ("team", "consumer", "key", "model", "tool", "route", "provider", "gate", "plan", "outcome")
"""What costs are told by."""
LINES = 200
"""Most lines told one by one; the rest is one line more."""
SERIES = 8
"""Most groups that a plot tells apart."""
DAY, HOUR = 86_400, 3_600
_COUNTS = ("requests", "refused", "failed", "tokens_in", "tokens_out")
_MONEY = ("cost", "saved", "wasted")
REST = "everything else"

Ask = Callable[[Sequence[str], float, float, Mapping[str, str]], Awaitable[Sequence[Any]]]
"""(dimensions, since, until, where) → rows with `labels` and sums."""


class Question(msgspec.Struct, frozen=True):
    """What is asked: Unix seconds; `where` holds the values that were chosen on the way down."""

    by: str
    since: float
    until: float
    where: Mapping[str, str] = {}

    @property
    def grain(self) -> str:
        """Hours for up to two days, else days."""
        return "hour" if self.until - self.since <= 2 * DAY else "day"

    @property
    def before(self) -> "Question":
        """The same of the period of equal length that ends where this one begins."""
        return msgspec.structs.replace(self, since=2 * self.since - self.until, until=self.since)


class Sums(msgspec.Struct):
    """Numbers of a group; money in US dollars, exact."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    wasted: Decimal = Decimal(0)

    def add(self, row: Any) -> None:
        """Add a row of the report, or other sums."""
        for name in (*_COUNTS, *_MONEY):
            setattr(self, name, getattr(self, name) + getattr(row, name))


class Line(msgspec.Struct, frozen=True):
    """One group: its name as shown, its labels as filters, its sums and what it cost before."""

    name: str
    labels: dict[str, str]
    sums: Sums
    before: Decimal
    share: Decimal
    """Of the whole cost, in percent with one digit."""


class Series(msgspec.Struct, frozen=True):
    """Costs of one group along the plot's times."""

    name: str
    costs: tuple[Decimal, ...]


class Explored(msgspec.Struct, frozen=True):
    """The answer; Σ lines = totals, Σ series over all times = totals' cost."""

    question: Question
    totals: Sums
    before: Sums
    lines: list[Line]
    times: list[int]
    series: list[Series]


async def explore(question: Question, ask: Ask) -> Explored:
    """Ask the ledger three times: this period, the one before, and this one by time. Raises DatabaseUnavailable."""
    names = _dimensions(question.by)
    now = _grouped(await _asked(question, names, ask), names)
    earlier = _grouped(await _asked(question.before, names, ask), names)
    timed = await _asked(question, [*names, question.grain], ask)
    totals, before = _total(now.values()), _total(earlier.values())
    ranked = sorted(now, key=lambda key: (-now[key].cost, -now[key].requests, key))
    ranked += sorted((key for key in earlier if key not in now and earlier[key].cost), key=str)
    lines = [_line(names, key, now.get(key, Sums()), earlier.get(key), totals.cost) for key in ranked[:LINES]]
    left = ranked[LINES:]
    if left:
        rest = _total(now[key] for key in left if key in now)
        was = sum((earlier[key].cost for key in left if key in earlier), start=Decimal(0))
        lines.append(Line(REST, {}, rest, was, _share(rest.cost, totals.cost)))
    times = list(range(int(question.since), int(question.until), HOUR if question.grain == "hour" else DAY))
    return Explored(question, totals, before, lines, times, _series(question, names, timed, ranked[:SERIES], times))


async def _asked(question: Question, by: Sequence[str], ask: Ask) -> Sequence[Any]:
    return await ask(by, question.since, question.until, question.where)


def _dimensions(by: str) -> list[str]:
    """Teams and consumers have names that are unique only within what is around them."""
    return {"team": ["org", "team"], "consumer": ["org", "team", "consumer"]}.get(by, [by])


def _key(row: Any, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(row.labels[name]) for name in names)


def _grouped(rows: Iterable[Any], names: Sequence[str]) -> dict[tuple[str, ...], Sums]:
    found: dict[tuple[str, ...], Sums] = {}
    for row in rows:
        found.setdefault(_key(row, names), Sums()).add(row)
    return found


def _total(all_sums: Iterable[Sums]) -> Sums:
    total = Sums()
    for sums in all_sums:
        total.add(sums)
    return total


def _line(names: Sequence[str], key: tuple[str, ...], sums: Sums, before: Sums | None, whole: Decimal) -> Line:
    was = Decimal(0) if before is None else before.cost
    return Line(_named(key), dict(zip(names, key, strict=True)), sums, was, _share(sums.cost, whole))


def _named(key: tuple[str, ...]) -> str:
    return "/".join(part or "(none)" for part in key)


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part * 100 / whole).quantize(Decimal("0.1")) if whole else Decimal(0)


def _series(
    question: Question,
    names: Sequence[str],
    rows: Sequence[Any],
    shown: Sequence[tuple[str, ...]],
    times: Sequence[int],
) -> list[Series]:
    """The dearest groups by time, and all the others as one."""
    place = {label(question.grain, moment): number for number, moment in enumerate(times)}
    costs: dict[str, list[Decimal]] = {_named(key): [Decimal(0)] * len(times) for key in shown}
    told = set(shown)
    for row in rows:
        key = _key(row, names)
        cells = costs.setdefault(_named(key) if key in told else REST, [Decimal(0)] * len(times))
        cells[place[row.labels[question.grain]]] += row.cost
    return [Series(name, tuple(cells)) for name, cells in costs.items() if any(cells)]
