"""Counters of budgets are kept to what the ledger says: read at the start, compared now and then, repaired."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from triplegate.config.budgets import Budgeted
from triplegate.control.budgets.reading import Bucket, Ledger, read
from triplegate.core.admission import Admission, Balance, Claim
from triplegate.core.calendar import Rolling, window_number
from triplegate.core.clock import Clock

EVERY = 60.0
"""Seconds between two comparisons."""
SURE = 5
"""Comparisons in a row after which a counter that says more than the ledger is believed to be wrong."""


class Gates(Protocol):
    """Counters that know nothing at their start."""

    def close(self, labels: Iterable[str]) -> None:
        """Refuse what claims of these budgets."""
        ...

    def open(self, labels: Iterable[str]) -> None:
        """Count on."""
        ...


class Drift(msgspec.Struct):
    """How far one counter is from the ledger: units of it, and for how many comparisons it said too much."""

    amount: int = 0
    over: int = 0
    least: int = 0
    """The least that it said too much, of these."""


class Keeping:
    """Compares and repairs; one of several nodes that share the counters does it.

    A call under way is held, not spent; one that has just ended may be in the counter and not yet in the ledger. So
    the ledger is read between two looks at the counters. What it says beyond the later look and all that is held was
    lost by the counter, and is added at once. What the earlier look says beyond the ledger may be on its way there, and
    is taken off when it was so in several comparisons in a row, by the least of them.
    """

    def __init__(  # noqa: PLR0913 - whom it asks and tells, each once
        self,
        admission: Admission,
        ledger: Ledger,
        budgets: Callable[[], Mapping[str, Budgeted]],
        clock: Clock,
        *,
        gates: Gates | None = None,
        mine: Callable[[], Awaitable[bool]] | None = None,
        behind: Callable[[], bool] = lambda: False,
        seen: Callable[[Mapping[str, Bucket]], Awaitable[None]] | None = None,
        doubtful: Callable[[], bool] = lambda: False,
        sure: Callable[[], None] = lambda: None,
    ) -> None:
        """`gates`: the counters know nothing at the start, and forget nothing that is not told to them.

        `mine`: whether this node does it now. `behind`: the ledger is known to lack calls that have ended. `seen` is
        told what the ledger said, each time. `doubtful`: the counters may have lost everything, so that every node
        compares; `sure` is told when that is done.
        """
        self._admission, self._ledger, self._budgets, self._clock = admission, ledger, budgets, clock
        self._gates, self._mine, self._behind, self._seen = gates, mine, behind, seen
        self._doubtful, self._sure = doubtful, sure
        self.drift: dict[str, Drift] = {}
        """By bucket, of those that differ."""
        self.spent: Mapping[str, Bucket] = {}
        """What the ledger said last, by bucket."""
        self.failure = ""
        """Why the last comparison failed."""
        self.repaired = 0
        self.closed = False
        """Budgets wait for what was spent of them."""
        self._known: set[str] = set()
        self._asked = asyncio.Event()

    def renew(self) -> None:
        """The configuration or the keys have changed: what is not known yet is closed, and read soon."""
        fresh = {label for label, one in self._budgets().items() if _identity(label, one) not in self._known}
        if self._gates is not None and fresh:
            self._gates.close(fresh)
            self.closed = True
        if fresh:
            self._asked.set()

    def ask(self) -> None:
        """Compare soon: the counters may have lost something."""
        self._asked.set()

    async def begin(self, within: float) -> None:
        """Read what was spent, so that nobody is refused for want of it; what takes longer is read while we serve."""
        try:
            async with asyncio.timeout(within):
                await self.look()
        except Exception as error:  # noqa: BLE001 - what is not known yet stays closed
            self.failure = f"{type(error).__name__}: {error}"

    async def run(self, every: float = EVERY) -> None:
        """For as long as the process serves; what could not be read is tried again soon."""
        while True:
            self._asked.clear()
            try:
                await self.look()
                self.failure, pause = "", every
            except Exception as error:  # noqa: BLE001 - it outlives whatever the database or the state raises
                self.failure, pause = f"{type(error).__name__}: {error}", min(2.0, every)
            try:
                async with asyncio.timeout(pause):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Read what is new, then compare. Raises DatabaseUnavailable, Refusal overloaded."""
        budgets = dict(self._budgets())
        known = {_identity(label, one) for label, one in budgets.items()}
        fresh = {label: one for label, one in budgets.items() if _identity(label, one) not in self._known}
        if fresh and self._gates is not None:
            await self._fill(fresh)
            self._gates.open(fresh)
            self.closed = False
        self._known = known
        mine = self._mine is None or not budgets or await self._mine()
        doubtful = self._doubtful()
        if budgets and (mine or doubtful):
            await self._compare(budgets, doubtful=doubtful)
        if doubtful:
            self._sure()

    async def _fill(self, fresh: Mapping[str, Budgeted]) -> None:
        """Counters become what the ledger says: they are closed meanwhile, so nothing is under way there."""
        spent = await read(fresh.values(), self._ledger, self._clock.wall(), slices=True)
        names = list(spent)
        balances = await self._balances(spent, names)
        for name in names:
            bucket, balance = spent[name], balances[name]
            for period, amount in _by_period(bucket, balance):
                await self._admission.correct(_claim(bucket), period, amount)

    async def _compare(self, budgets: Mapping[str, Budgeted], *, doubtful: bool) -> None:
        """`doubtful`: what is held there is of calls that are being refused, or was lost with the rest."""
        before = await self._balances(self.spent, list(self.spent))
        spent = await read(budgets.values(), self._ledger, self._clock.wall())
        for name, bucket in self.spent.items():  # of which nothing is in the ledger any more
            if name not in spent and bucket.budget.allowance.label in budgets:
                number = window_number(bucket.budget.allowance.limit.window, self._clock.wall())
                spent[name] = Bucket(bucket.budget, bucket.holder, number)
        after = await self._balances(spent, list(spent))
        for name, bucket in spent.items():
            was, now = before.get(name), after[name]
            if now.period == bucket.period:  # else a window has just closed: next time
                counted = was.spent if was is not None and was.period == now.period and not self._behind() else None
                await self._judge(bucket, counted, msgspec.structs.replace(now, held=0) if doubtful else now)
        self.drift = {name: drift for name, drift in self.drift.items() if drift.amount and name in spent}
        self.spent = spent
        if self._seen is not None:
            await self._seen(spent)

    async def _judge(self, bucket: Bucket, before: int | None, after: Balance) -> None:
        drift = self.drift.setdefault(bucket.name, Drift())
        lost = bucket.spent - after.spent - after.held
        surplus = 0 if before is None else before - bucket.spent
        if lost > 0:
            drift.amount, drift.over = -(bucket.spent - after.spent), 0
            await self._repair(bucket, after, lost)
        elif surplus > 0:
            drift.least = min(drift.least, surplus) if drift.over else surplus
            drift.over += 1
            drift.amount = surplus
            if drift.over >= SURE:
                await self._repair(bucket, after, -drift.least)
                drift.over = 0
        else:
            drift.amount = drift.over = 0

    async def _repair(self, bucket: Bucket, balance: Balance, amount: int) -> None:
        await self._admission.correct(_claim(bucket), balance.period, amount, balance.spent)
        self.repaired += 1

    async def _balances(self, buckets: Mapping[str, Bucket], names: list[str]) -> dict[str, Balance]:
        found = await self._admission.balances(tuple([_claim(buckets[name]) for name in names]))
        return dict(zip(names, found, strict=True))


def _identity(label: str, budget: Budgeted) -> str:
    """Another window, holder or unit of a budget is another counter; another amount is not."""
    allowance = budget.allowance
    return f"{allowance.bucket('')} {allowance.by} {allowance.limit.dimension} {budget.places}"


def _claim(bucket: Bucket) -> Claim:
    return Claim(bucket.name, bucket.budget.allowance.limit)


def _by_period(bucket: Bucket, balance: Balance) -> list[tuple[int, int]]:
    """What to add to a counter that has `balance`: all of a window at once, a rolling one slice by slice."""
    if isinstance(bucket.budget.allowance.limit.window, Rolling):
        if balance.spent:  # it was counting before: only what is missing is added, to what is open now
            return [(balance.period, bucket.spent - balance.spent)]
        return list(bucket.slices.items())
    return [(balance.period, bucket.spent - balance.spent)]
