"""The ledger as the control plane asks it: what has ended by now is in it, unless there is a backlog."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from triplegate.app.node import Crew
from triplegate.control.budgets.listing import BudgetHouse, BudgetView
from triplegate.stores.spool import Spool

if TYPE_CHECKING:
    from triplegate.control.reports.spending import Known, Spent
    from triplegate.stores.sql.store import SqlStore

_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
WAIT = 2.0
"""Seconds that a question waits for what is not in the ledger yet; what is booked by then is the answer."""


class NodeBooks:
    """Questions to the ledger of this node's store."""

    def __init__(self, store: "SqlStore[Any]", spool: Spool, crew: Crew) -> None:
        self._store, self._spool, self._crew = store, spool, crew
        self.budgets: BudgetHouse | None = None
        """Set once they are there."""

    async def usage(
        self, by: Sequence[str], since: float, until: float, where: Mapping[str, str] | None = None
    ) -> Sequence[Any]:
        """Sums by dimensions. Raises DatabaseUnavailable, ValueError for another dimension."""
        from triplegate.control.reports.usage import usage

        await self._drained()
        return await usage(self._store.database, by, since, until, where or {})

    async def own_budgets(self, consumer: str, key_id: str) -> Sequence[Mapping[str, Any]]:
        """Those of the consumer and of the key alone: what others have is theirs to see. Raises Refusal overloaded."""
        if self.budgets is None:
            return ()
        own = {("consumer", consumer), ("key", key_id)}
        return [_plain(one) for one in await self.budgets.listed() if (one.by, one.holder) in own]

    async def spending(
        self, by: Sequence[str], since: float, until: float, where: Mapping[str, str]
    ) -> "Sequence[Spent]":
        """Every sum there is by dimensions. Raises DatabaseUnavailable, ValueError for another dimension."""
        from triplegate.control.reports.spending import spending

        await self._drained()
        return await spending(self._store.database, by, since, until, where)

    async def priced(self, versions: Collection[str]) -> "Mapping[str, Known]":
        """What those versions of prices were. Raises DatabaseUnavailable."""
        from triplegate.control.reports.spending import priced

        return await priced(self._store.database, versions)

    async def counted(
        self, things: Sequence[str], by: Sequence[str], since: float, until: float, where: Mapping[str, str]
    ) -> Mapping[tuple[str, ...], Mapping[str, int]]:
        """How many of each counted thing, by the values of the dimensions. Raises DatabaseUnavailable."""
        from triplegate.stores.sql.counted import counted

        return await counted(self._store.database, things, by, since, until, where)

    async def calls(
        self, where: Mapping[str, str], since: float, until: float, before: tuple[float, str] | None, most: int
    ) -> Sequence[Any]:
        """The newest calls that fit. Raises DatabaseUnavailable."""
        from triplegate.stores.sql.calls import calls

        await self._drained()
        return await calls(self._store.database, where, since, until, before=before, most=most)

    async def call(self, exchange: str) -> tuple[Sequence[Any], Sequence[Any]]:
        """One call with its parts and attempts. Raises DatabaseUnavailable."""
        from triplegate.stores.sql.calls import call

        await self._drained()
        return await call(self._store.database, exchange)

    async def _drained(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT):
                await asyncio.gather(self._spool.drain(self._store.ledger), self._crew.order("drain"))


def _plain(budget: BudgetView) -> Mapping[str, Any]:
    told = ("budget", "by", "unit", "window", "mode", "limit", "spent", "held", "remaining")
    end = None if budget.end is None else budget.end.strftime(_INSTANT)
    return {**{name: getattr(budget, name) for name in told}, "begin": budget.begin.strftime(_INSTANT), "end": end}
