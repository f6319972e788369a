"""Budgets of one worker: their counters are kept to the ledger, by one of the nodes that share them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from triplegate.app.node import Crew
from triplegate.config.budgets import Budgeted, budgets_of
from triplegate.config.documents_alerts import AlertsDocument
from triplegate.config.documents_budgets import key_allowances
from triplegate.config.settings import Settings
from triplegate.control.budgets.alerts import Alerts
from triplegate.control.budgets.keeping import EVERY, Keeping
from triplegate.control.budgets.listing import BudgetView, Place, budget_id, places, view, views
from triplegate.control.budgets.reading import Bucket, daily
from triplegate.control.view import Degraded
from triplegate.core.money import from_dollars, to_dollars
from triplegate.core.raises import Raise, Raised
from triplegate.core.ulid import Ulids
from triplegate.gateway import Gateway
from triplegate.stores.memory.admission import MemoryAdmission
from triplegate.stores.memory.store import MemoryStore
from triplegate.stores.redis.store import RedisStore
from triplegate.stores.spool import Spool

if TYPE_CHECKING:
    from triplegate.control.view import AdminToken
    from triplegate.stores.sql.state import SqlState
    from triplegate.stores.sql.store import SqlStore

_LATE = 5.0
"""Seconds of lag above which the ledger is known to lack calls that have ended."""


class LedgerBehind(Exception):
    """Calls that have ended are not in the ledger yet: what it says was spent is too little."""


class Budgets:
    """Reads what was spent when the process starts, compares it with the counters now and then."""

    def __init__(
        self,
        settings: Settings,
        gateway: Gateway,
        shared: "MemoryStore | RedisStore | SqlState",
        store: "SqlStore[AdminToken]",
        spool: Spool,
        crew: Crew,
        raised: Raised,
    ) -> None:
        from triplegate.stores.sql.audit import SqlAuditLog
        from triplegate.stores.sql.outbox import SqlOutbox

        self._settings, self._gateway, self._shared = settings, gateway, shared
        self._store, self._spool, self._crew = store, spool, crew
        self._written: tuple[str, Mapping[str, Budgeted]] = ("", {})
        """Hash of a snapshot, and the budgets in its documents."""
        self.raised = raised
        self._audit = SqlAuditLog(store.database, gateway.kit.pepper, gateway.kit.clock)
        self._ids = Ulids(gateway.kit.clock)
        own = shared.admission if isinstance(shared.admission, MemoryAdmission) else None
        self.keeping = Keeping(
            shared.admission,
            self.whole,
            self.all,
            gateway.kit.clock,
            gates=own,
            mine=None if own is not None else self._mine,
            behind=self._behind,
            seen=self._seen,
            doubtful=lambda: isinstance(shared, RedisStore) and shared.admission.doubtful,
            sure=shared.admission.sure if isinstance(shared, RedisStore) else lambda: None,
        )
        kit = gateway.kit
        outbox = SqlOutbox(store.database)
        self.alerts = Alerts(outbox, kit.dial, kit.secrets, kit.clock, raised, self._alerts)
        gateway.on_swap.append(lambda _: self.keeping.renew())
        store.index.on_news.append(self.keeping.renew)
        if isinstance(shared, RedisStore):
            shared.admission.watch()
            shared.on_up(self.keeping.ask)
        self.keeping.renew()

    def _alerts(self) -> AlertsDocument:
        snapshot = self._gateway.snapshot
        return AlertsDocument() if snapshot is None else snapshot.documents.alerts

    async def _seen(self, spent: Mapping[str, Bucket]) -> None:
        if self._crew.leads:
            await self.alerts.look(spent)

    def all(self) -> Mapping[str, Budgeted]:
        """Every budget that is in force, by label."""
        snapshot = self._gateway.snapshot
        if snapshot is None:
            return {}
        if self._written[0] != snapshot.hash:
            self._written = snapshot.hash, budgets_of(snapshot.documents)
        found = dict(self._written[1])
        for record in self._store.index.budgeted():
            org = snapshot.documents.orgs.get(record.org)
            begin = 1 if org is None else org.fiscal_start
            for one in key_allowances(record.key_id, record.budget, begin):
                found[one.label] = Budgeted(one, ({"key": record.key_id},))
        return found

    async def run(self) -> None:
        """For as long as the process serves."""
        await self.keeping.run()

    async def listed(self) -> list[BudgetView]:
        """All budgets as they stand. Raises Refusal overloaded."""
        return await views(self._places(), self.raised, self._gateway.kit.clock.wall())

    async def by_day(self, bucket_id: str) -> Mapping[int, Decimal]:
        """What was spent of one of them on each day of its window. Raises LookupError, DatabaseUnavailable."""
        place = self._place(bucket_id)
        budget = self.all()[place.allowance.label]
        spent = await daily(budget, place.holder, self.sums, self._gateway.kit.clock.wall())
        money = place.allowance.limit.dimension == "money"
        return {day: to_dollars(amount) if money else Decimal(amount) for day, amount in spent.items()}

    async def grant(self, bucket_id: str, amount: Decimal, until: float, reason: str, actor: str) -> BudgetView:
        """Let more be spent of one of them until then: noted first, in force when the answer is out.

        Raises LookupError, DatabaseUnavailable, Refusal overloaded.
        """
        place = self._place(bucket_id)
        units = from_dollars(amount) if place.allowance.limit.dimension == "money" else int(amount)
        wall = self._gateway.kit.clock.wall()
        told = f"{amount} until {datetime.fromtimestamp(until, UTC).isoformat()}: {reason}"
        await self._audit.append(actor, "budget.raise", place.bucket, told)
        await self._store.raises.add(Raise(self._ids.make(), place.bucket, units, until, reason, actor, wall))
        await self._crew.order("raises")
        (balance,) = await self.raised.balances((place.claim,))
        return view(place, balance, self.raised.of(place.bucket), wall)

    def _place(self, bucket_id: str) -> Place:
        for place in self._places():
            if budget_id(place.bucket) == bucket_id:
                return place
        raise LookupError(bucket_id)

    def _places(self) -> list[Place]:
        teams = {one.key_id: (one.org, one.team) for one in self._store.index.budgeted()}
        spent = self.keeping.spent.values()
        for bucket in spent:
            record = self._store.index.find(bucket.holder) if bucket.budget.allowance.by == "key" else None
            if record is not None:
                teams[record.key_id] = (record.org, record.team)
        return places(self.all(), spent, teams)

    async def sums(self, by: Sequence[str], since: float, until: float) -> Sequence[Any]:
        """What the ledger says by now, to be shown. Raises DatabaseUnavailable."""
        from triplegate.stores.sql.usage import usage_rows

        with suppress(LedgerBehind):
            await self._drained()
        return await usage_rows(self._store.database, by, since, until)

    async def whole(self, by: Sequence[str], since: float, until: float) -> Sequence[Any]:
        """What the ledger says with all that waits for it: counters become no less. Raises the same, LedgerBehind."""
        from triplegate.stores.sql.usage import usage_rows

        await self._drained()
        return await usage_rows(self._store.database, by, since, until)

    async def _drained(self) -> None:
        try:
            async with asyncio.timeout(_LATE):
                await asyncio.gather(self._spool.drain(self._store.ledger), self._crew.order("drain"))
        except TimeoutError:
            waiting = sum(lane.entries for lane in self._spool.depth().values())
            raise LedgerBehind(f"{waiting} entries of calls that have ended are not in the ledger yet") from None

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
        if self.alerts.trouble:
            yield Degraded("alerts", self.alerts.trouble)
        if self.keeping.failure:
            closed = "; they are closed until it is" if self.keeping.closed else ""
            yield Degraded("budgets", f"what was spent cannot be read: {self.keeping.failure}{closed}")
        elif not isinstance(self._shared, MemoryStore | RedisStore) and self._shared.admission.failure:
            why = self._shared.admission.failure
            yield Degraded("budgets", f"{why}; calls that would take of one are refused until it is back")

    async def _mine(self) -> bool:
        if not self._crew.leads:
            return False
        if isinstance(self._shared, RedisStore):
            return await self._shared.lease.take("budgets", self._settings.node, EVERY * 2)
        from triplegate.stores.sql.turns import my_turn

        return await my_turn(self._store.database, "budgets compared", self._gateway.kit.clock.wall(), EVERY * 0.9)

    def _behind(self) -> bool:
        return bool(self._spool.failure) or self._spool.lag() > _LATE
