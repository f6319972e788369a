"""What the ledger says was spent of each budget, by its bucket: one query for each window that is open."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from triplegate.config.budgets import Budgeted
from triplegate.core.allowance import PARTS, holder_named
from triplegate.core.calendar import Rolling, counted_since, window_number

EVER = 4e9
"""Later than any call."""


class Ledger(Protocol):
    """Asks the ledger for sums."""

    def __call__(self, by: Sequence[str], since: float, until: float) -> Awaitable[Sequence[Any]]:
        """A row for each value of the dimensions `by`, with cost, tokens_in and tokens_out."""
        ...


class Bucket:
    """What was spent of one budget by one holder, as the ledger has it; of rolling windows by slice."""

    __slots__ = ("budget", "holder", "period", "slices", "spent")

    def __init__(self, budget: Budgeted, holder: str, period: int) -> None:
        self.budget, self.holder = budget, holder
        self.period = period
        """Number of the window, or the latest slice of which something was spent."""
        self.spent = 0
        self.slices: dict[int, int] = {}

    @property
    def name(self) -> str:
        """Of the bucket that counts it."""
        return self.budget.allowance.bucket(self.holder)

    def add(self, period: int, amount: int) -> None:
        """So much more, in that slice."""
        self.spent += amount
        self.period = max(self.period, period)
        self.slices[period] = self.slices.get(period, 0) + amount


async def read(budgets: Iterable[Budgeted], ledger: Ledger, wall: float, *, slices: bool = False) -> dict[str, Bucket]:
    """Every bucket of which something was spent in its open window, by name.

    `slices`: of rolling windows, when; that takes a query for each slice. Raises DatabaseUnavailable.
    """
    found: dict[str, Bucket] = {}
    for (since, until, period), group in _windows(budgets, wall, slices=slices).items():
        parts = sorted({name for budget in group for name in _parts(budget)})
        for row in await ledger(parts, since, until):
            said = {name: getattr(row, name) for name in parts}
            for budget in group:
                _note(found, budget, said, row, period)
    return found


def _windows(
    budgets: Iterable[Budgeted], wall: float, *, slices: bool
) -> dict[tuple[float, float, int], list[Budgeted]]:
    """Budgets by begin and end of what is to be read, and its number."""
    groups: dict[tuple[float, float, int], list[Budgeted]] = {}
    for budget in budgets:
        window = budget.allowance.limit.window
        if isinstance(window, Rolling) and slices:
            now = window.at(wall)[0]
            for number in range(window.first(now), now + 1):
                until = (number + 1) * window.slice if number < now else EVER
                groups.setdefault((number * window.slice, until, number), []).append(budget)
        else:
            place = (counted_since(window, wall), EVER, window_number(window, wall))
            groups.setdefault(place, []).append(budget)
    return groups


def _parts(budget: Budgeted) -> frozenset[str]:
    allowance = budget.allowance
    return budget.parts | set(PARTS[allowance.by])


def _note(found: dict[str, Bucket], budget: Budgeted, said: Mapping[str, str], row: Any, period: int) -> None:
    allowance = budget.allowance
    amount = _amount(budget, row)
    if not amount or not budget.takes(said):
        return
    holder = holder_named(allowance.by, said)
    if holder is None:
        return
    name = allowance.bucket(holder)
    bucket = found.get(name)
    if bucket is None:
        bucket = found[name] = Bucket(budget, holder, period)
    bucket.add(period, amount)


async def daily(budget: Budgeted, holder: str, ledger: Ledger, wall: float) -> dict[int, int]:
    """What one holder spent on each day (its first second) of the window that is open. Raises DatabaseUnavailable."""
    allowance = budget.allowance
    parts = sorted(_parts(budget))
    found: dict[int, int] = {}
    for row in await ledger([*parts, "day"], counted_since(allowance.limit.window, wall), EVER):
        said = {name: getattr(row, name) for name in parts}
        if budget.takes(said) and holder_named(allowance.by, said) == holder:
            found[int(row.day)] = found.get(int(row.day), 0) + _amount(budget, row)
    return found


def _amount(budget: Budgeted, row: Any) -> int:
    return int(row.cost if budget.allowance.limit.dimension == "money" else row.tokens_in + row.tokens_out)
