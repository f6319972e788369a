"""Budgets as rows of a database: locked in one order, opened and swept, changed, written back."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from triplegate.core.admission import Claim, Limit
from triplegate.core.calendar import Rolling
from triplegate.stores.memory.holding import HoldingBucket
from triplegate.stores.memory.part import Part
from triplegate.stores.sql.engine import Database
from triplegate.stores.sql.tables import counters, holds, settled

KEPT = 300.0
"""Seconds that a settled hold is remembered: what is sent twice comes sooner."""
_slices = msgspec.json.Decoder(dict[str, int]).decode


class Correction(msgspec.Struct, frozen=True):
    """What became of a hold: so much was spent in the window of its admission."""

    claim: Claim
    hold: str
    period: int
    actual: int


class Rows:
    """The buckets of one transaction; whoever has read one may change it until the commit."""

    def __init__(
        self, database: Database, connection: AsyncConnection, wall: float, corrections: list[Correction]
    ) -> None:
        """`corrections`: holds that have ended meanwhile, and go with it."""
        self._database, self._connection, self.wall = database, connection, wall
        self._corrections = corrections
        self._buckets: dict[str, HoldingBucket] = {}
        self._limits: dict[str, Limit] = {}

    async def open(self, claims: Iterable[Claim]) -> dict[str, HoldingBucket]:
        """The buckets of these claims, each in the window that is open, without holds that have expired or ended."""
        ended = [one.claim for one in self._corrections]
        self._limits = {claim.bucket: claim.limit for claim in (*ended, *claims)}
        names = sorted(self._limits)
        rows = await self._locked(names)
        missing = [name for name in names if name not in rows]
        if missing:
            fresh = self._database.insert(counters).values(period=-1, spent=0, held=0, slices="{}", until=0.0)
            await self._connection.execute(fresh.on_conflict_do_nothing(), [{"bucket": name} for name in missing])
            rows |= await self._locked(missing)
        swept = await self._sweep(names)
        soonest = await self._soonest(names)
        for name in names:
            self._buckets[name] = self._bucket(rows[name], swept.get(name, 0), soonest.get(name))
        for name, bucket in self._buckets.items():
            await self._turn(name, bucket)
        await self._settle()
        return self._buckets

    def _bucket(self, row: Any, swept: int, soonest: float | None) -> HoldingBucket:
        bucket = HoldingBucket()
        bucket.period, bucket.spent, bucket.held = row.period, row.spent, max(0, row.held - swept)
        bucket.slices = {int(number): amount for number, amount in _slices(row.slices).items()}
        if soonest is not None:
            bucket.soonest = soonest
            bucket.holds[Part(_NOBODY, bucket, 0, soonest)] = None  # that there are some is all that matters
        return bucket

    async def _turn(self, name: str, bucket: HoldingBucket) -> None:
        """Open the window of now; what was held in one that has closed is held no more."""
        before, limit = bucket.period, self._limits[name]
        bucket.refresh(limit, self.wall, self.wall)
        if bucket.period != before and not isinstance(limit.window, Rolling):
            await self._connection.execute(sa.delete(holds).where(holds.c.bucket == name))

    async def _locked(self, names: list[str]) -> dict[str, Any]:
        wanted = sa.select(counters).where(counters.c.bucket.in_(names)).order_by(counters.c.bucket)
        found = await self._connection.execute(wanted.with_for_update())
        return {row.bucket: row for row in found}

    async def _sweep(self, names: list[str]) -> dict[str, int]:
        dead = sa.delete(holds).where(holds.c.bucket.in_(names), holds.c.expires <= self.wall)
        swept: dict[str, int] = {}
        for row in await self._connection.execute(dead.returning(holds.c.bucket, holds.c.amount)):
            swept[row.bucket] = swept.get(row.bucket, 0) + row.amount
        return swept

    async def _soonest(self, names: list[str]) -> dict[str, float]:
        first = sa.select(holds.c.bucket, sa.func.min(holds.c.expires).label("first"))
        found = await self._connection.execute(first.where(holds.c.bucket.in_(names)).group_by(holds.c.bucket))
        return {row.bucket: row.first for row in found}

    async def hold(self, name: str, claim: Claim, amount: int, expires: float) -> None:
        """Set aside."""
        bucket = self._buckets[claim.bucket]
        bucket.held += amount
        row = {"hold": name, "bucket": claim.bucket, "period": bucket.period, "amount": amount, "expires": expires}
        await self._connection.execute(sa.insert(holds).values(**row))

    async def held(self, names: list[str]) -> dict[str, int]:
        """What is set aside under these names, of those that live."""
        wanted = sa.select(holds.c.hold, holds.c.amount).where(holds.c.hold.in_(names))
        return {row.hold: row.amount for row in await self._connection.execute(wanted)}

    async def prolong(self, name: str, amount: int, expires: float) -> None:
        """A hold lives on, with that amount."""
        await self._connection.execute(
            sa.update(holds).where(holds.c.hold == name).values(amount=amount, expires=expires)
        )

    async def _settle(self) -> None:
        """Each hold is spent, once; late is not too late."""
        if not self._corrections:
            return
        once = self._database.insert(settled).on_conflict_do_nothing().returning(settled.c.hold)
        for one in self._corrections:
            first = await self._connection.execute(once, {"hold": one.hold, "at": self.wall})
            if first.scalar() is None:
                continue
            bucket = self._buckets[one.claim.bucket]
            gone = sa.delete(holds).where(holds.c.hold == one.hold).returning(holds.c.amount)
            amount = (await self._connection.execute(gone)).scalar()
            bucket.held = max(0, bucket.held - (amount or 0))
            bucket.spend(one.claim.limit, one.period, one.actual)
        await self._connection.execute(sa.delete(settled).where(settled.c.at < self.wall - KEPT))

    async def save(self) -> None:
        """Write back what was opened."""
        for name, bucket in self._buckets.items():
            values = {
                "period": bucket.period,
                "spent": bucket.spent,
                "held": bucket.held,
                "slices": msgspec.json.encode({str(n): amount for n, amount in bucket.slices.items()}).decode(),
                "until": bucket.until,
            }
            await self._connection.execute(sa.update(counters).where(counters.c.bucket == name).values(**values))


_NOBODY = Claim("", Limit("", "budget", "money", 0, 1.0))
