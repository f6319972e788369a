"""Budgets of one worker: their counters are kept to the ledger, by one of the nodes that share them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from triplegate.app.node import Crew
from triplegate.config.budgets import Budgeted, budgets_of
from triplegate.config.settings import Settings
from triplegate.control.budgets.keeping import EVERY, Keeping
from triplegate.control.view import Degraded
from triplegate.core.money import to_dollars
from triplegate.gateway import Gateway
from triplegate.stores.memory.admission import MemoryAdmission
from triplegate.stores.memory.store import MemoryStore
from triplegate.stores.redis.store import RedisStore
from triplegate.stores.spool import Spool

if TYPE_CHECKING:
    from triplegate.control.view import AdminToken
    from triplegate.stores.sql.store import SqlStore

_LATE = 5.0
"""Seconds of lag above which the ledger is known to lack calls that have ended."""


class Budgets:
    """Reads what was spent when the process starts, compares it with the counters now and then."""

    def __init__(
        self,
        settings: Settings,
        gateway: Gateway,
        shared: MemoryStore | RedisStore,
        store: "SqlStore[AdminToken]",
        spool: Spool,
        crew: Crew,
    ) -> None:
        self._settings, self._gateway, self._shared = settings, gateway, shared
        self._store, self._spool, self._crew = store, spool, crew
        own = shared.admission if isinstance(shared.admission, MemoryAdmission) else None
        self.keeping = Keeping(
            shared.admission,
            self.sums,
            self.all,
            gateway.kit.clock,
            gates=own,
            mine=None if own is not None else self._mine,
            behind=self._behind,
        )
        gateway.on_swap.append(lambda _: self.keeping.renew())
        if isinstance(shared, RedisStore):
            shared.on_up(self.keeping.ask)
        self.keeping.renew()

    def all(self) -> Mapping[str, Budgeted]:
        """Every budget that is in force, by label."""
        snapshot = self._gateway.snapshot
        return {} if snapshot is None else budgets_of(snapshot.documents)

    async def run(self) -> None:
        """For as long as the process serves."""
        await self.keeping.run()

    async def sums(self, by: Sequence[str], since: float, until: float) -> Sequence[Any]:
        """What the ledger says, with what waits for it. Raises DatabaseUnavailable."""
        from triplegate.stores.sql.usage import usage_rows

        with suppress(TimeoutError):
            async with asyncio.timeout(_LATE):
                await asyncio.gather(self._spool.drain(self._store.ledger), self._crew.order("drain"))
        return await usage_rows(self._store.database, by, since, until)

    def drift(self) -> Iterable[tuple[str, float]]:
        """Budget → US dollars that its counters say more than the ledger; tokens are not told."""
        found: dict[str, int] = {}
        for name, drift in self.keeping.drift.items():
            budget = self.keeping.spent[name].budget.allowance if name in self.keeping.spent else None
            if budget is not None and budget.limit.dimension == "money":
                found[budget.label] = found.get(budget.label, 0) + drift.amount
        return [(label, float(to_dollars(amount))) for label, amount in found.items()]

    def degraded(self) -> Iterable[Degraded]:
        """What works less well than promised."""
        if self.keeping.failure:
            closed = "; they are closed until it is" if self.keeping.closed else ""
            yield Degraded("budgets", f"what was spent cannot be read: {self.keeping.failure}{closed}")

    async def _mine(self) -> bool:
        if not self._crew.leads:
            return False
        return await self._gateway.kit.lease.take("budgets", self._settings.node, EVERY * 2)

    def _behind(self) -> bool:
        return bool(self._spool.failure) or self._spool.lag() > _LATE
